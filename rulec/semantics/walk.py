"""How packets go through the chains of a table.

A chain that changes nothing is summed up once, from its last rule to its first,
and that sum is used wherever it is called; which packets get to its rules is
found out at the end, for all callers together.  A chain that changes packets is
walked anew at each call.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial
from itertools import takewhile

from rulec.packetset.packetset import PacketSet
from rulec.semantics.alive import Alive, LateSieve, Sieve, Told
from rulec.semantics.concern import ComesAgain
from rulec.semantics.place import Asked, Hook, Values
from rulec.semantics.plain import Context, PlainChains, Setting
from rulec.semantics.program import Program, Step
from rulec.semantics.reach import Entry, EntryWay, PolicyReach, Reach, reach_of

_CONNECTION = frozenset(("ctstate", "ctdir", "snat", "dnat", "first", "prior", "proto"))
"""What decides whether an address is the packet's own, or comes from its connection or from NAT."""

LARGE = 1000
"""How many rules make a table large: to say which packets get through may then take longer than all else."""

_Call = tuple[EntryWay, PacketSet]
"""How packets come into a chain, and those that may do so as far as it is seen at once."""


class Walk:
    """A table at one hook, walked once.

    ``reaches`` lists the rules in the order in which packets meet them, those of
    plain chains behind all others; ``policy`` tells of those that meet its end,
    and ``values`` are the fields behind it.  Where it is of ``concern`` to a few
    packets only, these alone are followed, and rules that match none of them left out.
    """

    policy: PolicyReach
    values: Values

    def __init__(self, setting: Setting, program: Program, hook: Hook) -> None:
        self.setting = setting
        self.program = program
        self.hook = hook
        self._base = program.chains[hook.name]
        self._is_plain = hook.name in program.plain
        concern = setting.concern
        self._concern = concern if concern and concern.is_about(hook.table, hook.name) else None
        self._few = setting.space.everything
        self._twice: set[str] = set()

    @property
    def is_large(self) -> bool:
        """Whether it takes long to say which packets get through."""
        return self._is_plain and self.program.size > LARGE

    def run(self, alive: Alive, values: Values) -> None:
        """Send packets into the base chain of the hook.

        At first each packet is taken to come but once to a chain that asks a
        memory; where that is not so the answers are told apart, and all begins anew.
        """
        known, values = -1, self.setting.memory.known(values)
        while known < len(self._twice):
            known = len(self._twice)
            self._run(alive, values)
        if self._concern and self._twice:
            raise ComesAgain

    def through(self, packets: PacketSet) -> PacketSet:
        """Those of the packets that the table lets go on."""
        if not self._is_plain:
            return packets & self._passed
        accepts = self._chains.accepts(self._base.name, self.values, ())
        if self._base.policy != "DROP":
            accepts |= self._chains.returns(self._base.name, self.values, ())
        return packets & self._few & accepts

    def among(self, packets: PacketSet, met: Told | None = None) -> PacketSet:
        """The same, where these are a few: they are sent through the chains."""
        if not self._is_plain or self._concern:
            if met is not None:
                for reach in self.reaches:
                    met(self.hook, reach.step, packets & reach.matches)
            return self.through(packets)
        accepted: list[PacketSet] = []
        told = partial(met, self.hook) if met else None
        rest = self._chains.send(self._base.name, packets, self.values, (), accepted, told)
        return self.setting.space.union(accepted if self._base.policy == "DROP" else [*accepted, rest])

    def _run(self, alive: Alive, values: Values) -> None:
        self._reaches: list[Reach] = []
        self._waiting: dict[str, dict[tuple[Values, Context], list[_Call]]] = {}
        self._visits: dict[Hashable, int] = {}
        self._chains = PlainChains(self.setting, self.program, self.hook, frozenset(self._twice))
        base, left = self._base, alive
        if not self._is_plain:
            self._accepted: list[PacketSet] = []
            rest, values = self._walk(base.name, self._known(alive), values)
            self._passed = self.setting.space.union(self._accepted + [rest][: base.policy != "DROP"])
            left = Alive(rest)
        elif base.steps or self._concern:
            entering = self._known(alive)
            if self._concern:
                everything = self.setting.space.everything
                matched = partial(self._chains.matched, values=values, context=())
                entering = self._few = entering & self._concern.packets(base.name, everything, matched)
                left, twice = Alive(entering), frozenset(self._twice)
                self._chains = PlainChains(self.setting, self.program, self.hook, twice, few=entering)
            elif self.is_large:
                self._chains = self._for_those_that_matter(entering, values)
            self._wait(base.name, self._all_of(entering), values, ())
            returns = partial(self._chains.returns, base.name, values, ())
            left = left.behind(LateSieve(returns) if self.setting.late else Sieve(returns()))
        self.policy, self.values = PolicyReach(self.hook, base.policy, left), values
        if not (self.setting.late and self._is_plain) or self._may_come_twice(values):
            self._look()

    @property
    def reaches(self) -> list[Reach]:
        """The rules that packets come to."""
        self._look()
        return self._reaches

    def _may_come_twice(self, values: Values) -> bool:
        """Whether two rules may send one packet to a chain that asks a memory, as far as jumps alone tell."""
        coming = {self._base.name: [self.setting.space.everything]}
        for chain in self.program.callers_first:
            calls = coming.pop(chain, [])
            if len(calls) > 1 and not _disjoint(calls):
                return True
            for step in self.program.chains[chain].steps if calls else ():
                if step.goes_to in self.program.remembering:
                    sent = self.setting.space.union(calls) & self._chains.matched(step, values, ())
                    coming.setdefault(step.goes_to, []).append(sent)
        return False

    def _look(self) -> None:
        """Find out which packets get to the rules of the plain chains."""
        if self._waiting:
            for chain in self.program.callers_first:
                for (then, context), calls in self._waiting.pop(chain, {}).items():
                    self._look_into(chain, self._together(chain, calls, then, context), then, context)

    def _for_those_that_matter(self, alive: PacketSet, values: Values) -> PlainChains:
        """The chains of a large table, for the packets that come: as far as their connection tells.

        Behind a first rule that accepts what is established, only new connections
        are left, and what NAT makes of replies need not be known.
        """
        setting, care, leading = self.setting, alive.onto(_CONNECTION), frozenset[Step]()
        first = tuple(takewhile(lambda step: not step.goes_to, self._base.steps))
        for number, step in enumerate(first):
            taken = setting.space.nothing if step.has_memory else _surely(self._chains.asking(step, values, ()))
            ends = None if taken.is_empty() else self._chains.ends(step, values, ())
            if ends and ends.goes_on.is_empty() and step.verdict != "RETURN":
                leading, care = frozenset(first[: number + 1]), care - taken
        return PlainChains(setting, self.program, self.hook, frozenset(self._twice), leading, care)

    def _all_of(self, packets: PacketSet) -> _Call:
        return (Entry.of(packets), lambda: self.setting.space.everything), packets

    def _known(self, alive: Alive) -> PacketSet:
        return alive.exact if self.setting.exact else alive.rough

    def _together(self, chain: str, found: list[_Call], values: Values, context: Context) -> tuple[EntryWay, ...]:
        """The ways by which packets get to a chain."""
        ways, bounds = tuple(way for way, _ in found), [packets for _, packets in found]
        may_vary = chain in self.program.remembering and len(ways) > 1 and self._varies(chain, values, context)
        if may_vary and not _disjoint(bounds) and not _disjoint([entry.outline & ask() for entry, ask in ways]):
            self._twice.add(chain)
        return ways

    def _varies(self, chain: str, values: Values, context: Context) -> bool:
        """Whether what a chain does may be another thing when it is asked again."""
        if not self.program.remembering.isdisjoint(self.program.callees[chain]):
            return True
        asks, again = (self._chains.returns, self._chains.accepts), (*context, "again")
        return any(ask(chain, values, context) != ask(chain, values, again) for ask in asks)

    # ── chains that change packets, and base chains ──

    def _walk(self, chain: str, alive: PacketSet, values: Values) -> tuple[PacketSet, Values]:
        """Walk a chain; give the packets that return from it, and the fields."""
        returned = []
        for step in self.program.chains[chain].steps:
            hit = self._meet(step, alive, values, (self._visit(step),))
            if hit.is_empty():
                continue
            if step.goes_to:
                back, values = self._call(step, hit, values)
                alive -= hit
                if step.is_goto:
                    returned.append(back)
                else:
                    alive |= back
            elif step.verdict == "RETURN":
                returned.append(hit)
                alive -= hit
            else:
                done, values = self._act(step, hit, values)
                alive -= done
        return self.setting.space.union([*returned, alive]), values

    def _call(self, step: Step, hit: PacketSet, values: Values) -> tuple[PacketSet, Values]:
        """Send packets into a chain; give those that come back, and the fields."""
        if step.goes_to not in self.program.plain:
            return self._walk(step.goes_to, hit, values)
        context = self._chains.context(step, (self._visit(step),))
        self._wait(step.goes_to, self._all_of(hit), values, context)
        self._accepted.append(hit & self._chains.accepts(step.goes_to, values, context))
        return hit & self._chains.returns(step.goes_to, values, context), values

    def _act(self, step: Step, hit: PacketSet, values: Values) -> tuple[PacketSet, Values]:
        """Do what the target says; give the packets whose way through the table ends, and the fields."""
        place = self._chains.place(values, self._visit(step))
        done = self._chains.effect(step, place)
        self._accepted.append(hit & done.accepts)
        changes = {name: new.where(hit - done.drops, place.field(name)) for name, new in done.changes.items()}
        return hit & (done.accepts | done.drops), values.changed(changes)

    # ── chains that change nothing ──

    def _look_into(self, chain: str, ways: tuple[EntryWay, ...], values: Values, context: Context) -> None:
        """Find out which packets get to the rules of a plain chain."""
        space, meetings = self.setting.space, self._chains.meetings(chain, values, context)
        for number, step in enumerate(self.program.chains[chain].steps):
            if number in meetings.begins:
                entry = Entry(space, ways, meetings.begins[number], self._chains.caring(step))
            ways = ((entry, partial(meetings.before, number + 1)),)
            if self._concern and not step.has_memory and self._chains.matched(step, values, context).is_empty():
                continue
            reach = Reach(self.hook, step, entry, values, meetings, number, self._chains.caring(step))
            self._reaches.append(reach)
            if step.goes_to:
                call = (entry, partial(meetings.matching, number)), self._chains.matched(step, values, context)
                self._wait(step.goes_to, call, values, self._chains.context(step, context))

    def _wait(self, chain: str, call: _Call, values: Values, context: Context) -> None:
        self._waiting.setdefault(chain, {}).setdefault((values, context), []).append(call)

    # ── single rules ──

    def _meet(self, step: Step, alive: PacketSet, values: Values, context: Context) -> PacketSet:
        """The packets that match a rule, of those that get to it."""
        hit = alive if alive.is_empty() else alive & self._chains.matched(step, values, context)
        self._reaches.append(reach_of(self.hook, step, alive, hit, values))
        return hit

    def _visit(self, step: Step) -> Hashable:
        """A name for this look at a rule of a chain that is walked anew each time."""
        self._visits[step] = self._visits.get(step, 0) + 1
        return self._chains.identity(step, (self._visits[step],))


def _disjoint(sets: list[PacketSet]) -> bool:
    """Whether no packet is in two of them."""
    seen = sets[0]
    for packets in sets[1:]:
        if seen.meets(packets):
            return False
        seen |= packets
    return True


def _surely(asks: Asked) -> PacketSet:
    """The packets that match whatever else they are, as far as their connection tells."""
    if asks.fields <= _CONNECTION:
        return asks.packets
    return ~(~asks.packets).onto(_CONNECTION) if "ctstate" in asks.fields else asks.packets.space.nothing
