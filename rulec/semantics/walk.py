"""How packets go through the chains of a table.

A chain that changes nothing is summed up once, from its last rule to its first,
and that sum is used wherever it is called; which packets get to its rules is
found out at the end, for all callers together.  A chain that changes packets is
walked anew at each call.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from itertools import takewhile
from typing import NamedTuple

from rulec.catalogue.extension import Given
from rulec.model import Family
from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import Space
from rulec.semantics.alive import Alive, Sieve
from rulec.semantics.effects import Effect, effect
from rulec.semantics.place import Asked, Hook, Memory, Place, Values
from rulec.semantics.program import Program, Step
from rulec.semantics.reach import Entry, PolicyReach, Reach
from rulec.semantics.rule import asked


class Setting(NamedTuple):
    """What all walks through one ruleset have in common.

    ``shares`` says whether what a rule remembers is the same as what the same
    rule remembers in the other ruleset that it is compared with; ``name`` tells
    the two apart where it is not.  ``exact`` says whether it matters which packets
    come through a large table, even to those behind it.
    """

    space: Space
    family: Family
    memory: Memory
    name: str = ""
    shares: Callable[[Step], bool] = lambda step: True
    exact: bool = True


Context = tuple[object, ...]
"""The calls by which a packet came into a chain; empty where each packet comes but once."""

_Look = tuple[str, Values, Context]
"""A chain, and the packets that come into it."""


_CONNECTION = frozenset(("ctstate", "ctdir", "snat", "dnat", "first", "prior", "proto"))
"""What decides whether an address is the packet's own, or comes from its connection or from NAT."""

LARGE = 1000
"""How many rules make a table large: to say which packets get through may then take longer than all else."""


class Walk:
    """A table at one hook, walked once.

    ``reaches`` lists the rules in the order in which packets meet them, those of
    plain chains behind all others; ``policy`` tells of those that meet its end,
    and ``values`` are the fields behind it.
    """

    policy: PolicyReach
    values: Values
    care: PacketSet | None

    def __init__(self, setting: Setting, program: Program, hook: Hook) -> None:
        self.setting = setting
        self.program = program
        self.hook = hook
        self._base = program.chains[hook.name]
        self._is_plain = hook.name in program.plain
        self._twice: set[str] = set()
        self._matching: dict[tuple[Step, Values, Hashable], Asked] = {}

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

    def through(self, packets: PacketSet) -> PacketSet:
        """Those of the packets that the table lets go on."""
        if not self._is_plain:
            return packets & self._passed
        accepts = self._accepts(self._base.name, self.values, ())
        if self._base.policy != "DROP":
            accepts |= self._returns(self._base.name, self.values, ())
        return packets & accepts

    def among(self, packets: PacketSet) -> PacketSet:
        """The same, where these are a few: they are sent through the chains."""
        if not self._is_plain:
            return packets & self._passed
        accepted: list[PacketSet] = []
        rest = self._send(self._base.name, packets, (), accepted)
        return self.setting.space.union(accepted if self._base.policy == "DROP" else [*accepted, rest])

    def _run(self, alive: Alive, values: Values) -> None:
        self.reaches: list[Reach] = []
        self._accepting: dict[_Look, PacketSet] = {}
        self._returning: dict[_Look, PacketSet] = {}
        self._fields: dict[_Look, tuple[frozenset[str], ...]] = {}
        self._waiting: dict[str, dict[tuple[Values, Context], list[tuple[Entry, PacketSet]]]] = {}
        self._visits: dict[Hashable, int] = {}
        base = self._base
        self._find_care(self._known(alive), values)
        if not self._is_plain:
            self._accepted: list[PacketSet] = []
            rest, values = self._walk(base.name, self._known(alive), values)
            self._passed = self.setting.space.union(self._accepted + [rest][: base.policy != "DROP"])
            left = Alive(rest)
        elif base.steps:
            self._wait(base.name, Entry(self._known(alive)), self.setting.space.everything, values, ())
            left = alive.behind(Sieve(self._returns(base.name, values, ())))
        else:
            left = alive
        self.policy, self.values = PolicyReach(self.hook, base.policy, left), values
        for chain in self.program.callers_first:
            for (then, context), origins in self._waiting.pop(chain, {}).items():
                self._look_into(chain, self._together(chain, origins, then, context), then, context)

    def _find_care(self, alive: PacketSet, values: Values) -> None:
        """Find out which packets matter in a large table: those that come, as far as their connection tells.

        Behind a first rule that accepts what is established, only new connections
        are left, and what NAT makes of replies need not be known.
        """
        self._leading, self.care = frozenset[Step](), None
        if not self.is_large:
            return
        care, leading = alive.onto(_CONNECTION), list(takewhile(lambda step: not step.goes_to, self._base.steps))
        for number, step in enumerate(leading):
            found = None if step.has_memory else self._asking(step, values, ())
            ends = self._ends(step, values, ()) if found and found.fields <= _CONNECTION else None
            if found and ends and ends.goes_on.is_empty() and step.verdict != "RETURN":
                self._leading, care = frozenset(leading[: number + 1]), care - found.packets
        self._matching.clear()
        self.care = care

    def _caring(self, step: Step) -> PacketSet | None:
        """The packets that matter to a rule; None for all."""
        return None if step in self._leading else self.care

    def _known(self, alive: Alive) -> PacketSet:
        return alive.exact if self.setting.exact else alive.rough

    def _together(self, chain: str, origins: list[tuple[Entry, PacketSet]], values: Values, context: Context) -> Entry:
        """All packets that get to a chain."""
        arriving = [entry.outline & packets for entry, packets in origins]
        if chain in self.program.remembering and not _disjoint(arriving) and self._varies(chain, values, context):
            self._twice.add(chain)
        return Entry(self.setting.space.union(arriving), tuple(origins))

    def _varies(self, chain: str, values: Values, context: Context) -> bool:
        """Whether what a chain does may be another thing when it is asked again."""
        if not self.program.remembering.isdisjoint(self.program.callees[chain]):
            return True
        again = (*context, "again")
        return self._returns(chain, values, context) != self._returns(chain, values, again) or (
            self._accepts(chain, values, context) != self._accepts(chain, values, again)
        )

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
        context = self._context(step, (self._visit(step),))
        self._wait(step.goes_to, Entry(hit), self.setting.space.everything, values, context)
        self._accepted.append(hit & self._accepts(step.goes_to, values, context))
        return hit & self._returns(step.goes_to, values, context), values

    def _act(self, step: Step, hit: PacketSet, values: Values) -> tuple[PacketSet, Values]:
        """Do what the target says; give the packets whose way through the table ends, and the fields."""
        place = self._place(values, self._visit(step))
        done = self._effect(step, place)
        self._accepted.append(hit & done.accepts)
        changes = {name: new.where(hit - done.drops, place.field(name)) for name, new in done.changes.items()}
        return hit & (done.accepts | done.drops), values.changed(changes)

    # ── chains that change nothing ──

    def _accepts(self, chain: str, values: Values, context: Context) -> PacketSet:
        """Which packets with these fields a plain chain accepts."""
        key = (chain, values, context)
        if key not in self._accepting:
            found = self.setting.space.nothing
            for step in reversed(self.program.chains[chain].steps):
                ends = self._ends(step, values, context)
                if ends is not None:
                    then = self._accepted_by(step, values, context) | (ends.goes_on & found)
                    found = self._matched(step, values, context).choose(then, found)
            self._accepting[key] = found
        return self._accepting[key]

    def _returns(self, chain: str, values: Values, context: Context) -> PacketSet:
        """Which packets with these fields come back from a plain chain, or to its end."""
        key = (chain, values, context)
        if key not in self._returning:
            found = self.setting.space.everything
            for step in reversed(self.program.chains[chain].steps):
                ends = self._ends(step, values, context)
                if ends is not None:
                    then = ends.returns | (ends.goes_on & found)
                    found = self._matched(step, values, context).choose(then, found)
            self._returning[key] = found
        return self._returning[key]

    def _send(self, chain: str, packets: PacketSet, context: Context, accepted: list[PacketSet]) -> PacketSet:
        """Send a few packets into a plain chain; give those that come back, and put down those that are accepted."""
        returned = []
        for step in self.program.chains[chain].steps:
            hit = packets & self._matched(step, self.values, context)
            ends = None if hit.is_empty() else self._ends(step, self.values, context)
            if ends is None:
                continue
            if step.goes_to:
                self._send(step.goes_to, hit, self._context(step, context), accepted)
            else:
                accepted.append(hit & self._accepted_by(step, self.values, context))
            returned.append(hit & ends.returns)
            packets -= hit - ends.goes_on
        return self.setting.space.union([*returned, packets])

    def _look_into(self, chain: str, entry: Entry, values: Values, context: Context) -> None:
        """Find out which packets get to the rules of a plain chain.

        What no rule from some place on looks at is forgotten there: the packets
        that are left are a simpler set without it.
        """
        passing = self.setting.space.everything
        steps = self.program.chains[chain].steps
        looked_at = self._looked_at(chain, values, context)
        for number, step in enumerate(steps):
            if number == 0 or looked_at[number] < looked_at[number - 1]:
                entry = self._forgetting(entry, passing, looked_at[number])
                passing = self.setting.space.everything
            hit = passing & self._matched(step, values, context)
            self.reaches.append(Reach(self.hook, step, entry, passing, hit, values, self._caring(step)))
            if step.goes_to:
                self._wait(step.goes_to, entry, hit, values, self._context(step, context))
            ends = self._ends(step, values, context)
            if ends is not None:
                passing -= hit - ends.goes_on

    def _forgetting(self, entry: Entry, passing: PacketSet, fields: frozenset[str]) -> Entry:
        outline = (entry.outline & passing).without(self.setting.space.fields.keys() - fields)
        return Entry(outline, ((entry, passing),))

    def _looked_at(self, chain: str, values: Values, context: Context) -> tuple[frozenset[str], ...]:
        """The fields of an arriving packet on which a chain's rules depend, from each of them on, and at its end."""
        key = (chain, values, context)
        if key not in self._fields:
            found = [frozenset[str]()]
            for step in reversed(self.program.chains[chain].steps):
                fields = found[-1] | self._asking(step, values, context).fields
                if step.goes_to:
                    fields |= self._looked_at(step.goes_to, values, self._context(step, context))[0]
                found.append(fields)
            self._fields[key] = tuple(reversed(found))
        return self._fields[key]

    def _wait(self, chain: str, entry: Entry, hit: PacketSet, values: Values, context: Context) -> None:
        self._waiting.setdefault(chain, {}).setdefault((values, context), []).append((entry, hit))

    def _context(self, step: Step, context: Context) -> Context:
        return (*context, step.key) if step.goes_to in self._twice else ()

    def _ends(self, step: Step, values: Values, context: Context) -> _Ends | None:
        """Where packets that match a rule of a plain chain go; None where all go on."""
        none, all_packets = self.setting.space.nothing, self.setting.space.everything
        if step.goes_to:
            back = self._returns(step.goes_to, values, self._context(step, context))
            return _Ends(back, none) if step.is_goto else _Ends(none, back)
        if step.verdict == "RETURN":
            return _Ends(all_packets, none)
        done = self._effect(step, self._place(values, self._identity(step, context)))
        goes_on = ~(done.accepts | done.drops)
        return None if goes_on.is_everything() else _Ends(none, goes_on)

    def _accepted_by(self, step: Step, values: Values, context: Context) -> PacketSet:
        """Which packets that match a rule of a plain chain are accepted there, or where it sends them."""
        if step.goes_to:
            return self._accepts(step.goes_to, values, self._context(step, context))
        if step.verdict == "RETURN":
            return self.setting.space.nothing
        return self._effect(step, self._place(values, self._identity(step, context))).accepts

    # ── single rules ──

    def _meet(self, step: Step, alive: PacketSet, values: Values, context: Context) -> PacketSet:
        """The packets that match a rule, of those that get to it."""
        everything = self.setting.space.everything
        hit = alive if alive.is_empty() else alive & self._matched(step, values, context)
        self.reaches.append(Reach(self.hook, step, Entry(alive), everything, hit, values))
        return hit

    def _matched(self, step: Step, values: Values, context: Context) -> PacketSet:
        return self._asking(step, values, context).packets

    def _asking(self, step: Step, values: Values, context: Context) -> Asked:
        """The packets that a rule matches, and the fields that it looks at."""
        key = (step, values, context if step.has_memory else None)
        if key not in self._matching:
            visit = self._identity(step, context) if step.has_memory else None
            self._matching[key] = asked(step.rule, self._place(values, visit), self._caring(step))
        return self._matching[key]

    def _effect(self, step: Step, place: Place) -> Effect:
        target = step.rule.target
        if target is None:
            return Effect({}, self.setting.space.nothing, self.setting.space.nothing)
        return effect(target.name, Given(self.setting.family, target.uses), place)

    def _place(self, values: Values, visit: Hashable) -> Place:
        setting = self.setting
        return Place(setting.space, setting.family, self.hook, values, setting.memory, visit)

    def _visit(self, step: Step) -> Hashable:
        """A name for this look at a rule of a chain that is walked anew each time."""
        self._visits[step] = self._visits.get(step, 0) + 1
        return self._identity(step, (self._visits[step],))

    def _identity(self, step: Step, context: Context) -> Hashable:
        """The same in two rulesets where what the rule remembers is the same."""
        return "" if self.setting.shares(step) else self.setting.name, step.key, context


class _Ends(NamedTuple):
    """Where packets that match a rule go, if not out of the table: back to the caller, or to the next rule."""

    returns: PacketSet
    goes_on: PacketSet


def _disjoint(sets: list[PacketSet]) -> bool:
    """Whether no packet is in two of them."""
    seen = sets[0]
    for packets in sets[1:]:
        if seen.meets(packets):
            return False
        seen |= packets
    return True
