"""How packets go through the chains of a table.

A chain that changes nothing is summed up once, from its last rule to its first,
and that sum is used wherever it is called; which packets get to its rules is
found out at the end, for all callers together.  A chain that changes packets is
walked anew at each call.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import NamedTuple

from rulec.catalogue.extension import Given
from rulec.model import Family
from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import Space
from rulec.semantics.effects import Effect, effect
from rulec.semantics.place import Hook, Memory, Place, Values
from rulec.semantics.program import Program, Step
from rulec.semantics.rule import matching


class Setting(NamedTuple):
    """What all walks through one ruleset have in common.

    ``shares`` says whether what a rule remembers is the same as what the same
    rule remembers in the other ruleset that it is compared with; ``name`` tells
    the two apart where it is not.
    """

    space: Space
    family: Family
    memory: Memory
    name: str = ""
    shares: Callable[[Step], bool] = lambda step: True


class Entry:
    """The packets that get to some rules: those of other entries that met certain conditions.

    ``outline`` tells of them as much as these rules look at; the whole truth is
    put together when somebody asks for it, since it may be very large.
    """

    __slots__ = ("outline", "_origins", "_exact")

    def __init__(self, outline: PacketSet, origins: tuple[tuple[Entry, PacketSet], ...] = ()) -> None:
        self.outline = outline
        self._origins = origins
        self._exact = None if origins else outline

    @property
    def origins(self) -> tuple[tuple[Entry, PacketSet], ...]:
        """The entries that the packets come from, each with the conditions they met; none where ``exact`` is known."""
        return self._origins

    @property
    def exact(self) -> PacketSet:
        """The packets, as they came to the host."""
        if self._exact is None:
            self._exact = self.outline.space.union(origin.exact & packets for origin, packets in self._origins)
            self._origins = ()
        return self._exact


class Reach:
    """Which packets get to a rule at a hook, and which of them match.

    All are packets as they came to the host, whatever has become of them on the
    way; ``values`` says what that is.  ``is_met`` tells whether any packet that
    gets there matches.
    """

    __slots__ = ("hook", "step", "entry", "passing", "matching", "values", "is_met")

    def __init__(
        self, hook: Hook, step: Step, entry: Entry, passing: PacketSet, matching: PacketSet, values: Values
    ) -> None:
        self.hook = hook
        self.step = step
        self.entry = entry
        self.passing = passing
        self.matching = matching
        self.values = values
        self.is_met = entry.outline.meets(matching)

    @property
    def arrives(self) -> PacketSet:
        """The packets that get to the rule."""
        return self.entry.exact & self.passing

    @property
    def matches(self) -> PacketSet:
        """The packets that get to the rule and match."""
        return self.entry.exact & self.matching


class PolicyReach(NamedTuple):
    """Which packets get to the end of a base chain, and what its policy does with them."""

    hook: Hook
    policy: str
    arrives: PacketSet


class Passed(NamedTuple):
    """The packets that a table lets go on, and what they have become."""

    accepted: PacketSet
    values: Values


class Outcome(NamedTuple):
    """What becomes of packets that enter a chain; those that neither pass nor return end there."""

    accepts: PacketSet
    returns: PacketSet


Context = tuple[object, ...]
"""The calls by which a packet came into a chain; empty where each packet comes but once."""


class Walk:
    """A table at one hook, walked once.

    ``reaches`` lists the rules in the order in which packets meet them, those of
    plain chains behind all others; ``policy`` tells of those that meet its end.
    """

    policy: PolicyReach

    def __init__(self, setting: Setting, program: Program, hook: Hook) -> None:
        self.setting = setting
        self.program = program
        self.hook = hook
        self._twice: set[str] = set()
        self._matching: dict[tuple[Step, Values, Hashable], tuple[PacketSet, Place]] = {}

    def run(self, alive: PacketSet, values: Values) -> Passed:
        """Send packets into the base chain of the hook.

        At first each packet is taken to come but once to a chain that asks a
        memory; where that is not so the answers are told apart, and all begins anew.
        """
        known = -1
        while known < len(self._twice):
            known = len(self._twice)
            passed = self._run(alive, values)
        return passed

    def _run(self, alive: PacketSet, values: Values) -> Passed:
        self.reaches: list[Reach] = []
        self._outcomes: dict[tuple[str, Values, Context], Outcome] = {}
        self._fields: dict[tuple[str, Values, Context], tuple[frozenset[str], ...]] = {}
        self._waiting: dict[str, dict[tuple[Values, Context], list[tuple[Entry, PacketSet]]]] = {}
        self._visits: dict[Hashable, int] = {}
        base, entry = self.program.chains[self.hook.name], Entry(alive)
        if base.name in self.program.plain:
            outcome = self._outcome(base.name, values, ())
            accepted, rest = alive & outcome.accepts, alive & outcome.returns
            self._wait(base.name, entry, self.setting.space.everything, values, ())
        else:
            self._accepted: list[PacketSet] = []
            rest, values = self._walk(base.name, alive, values)
            accepted = self.setting.space.union(self._accepted)
        self.policy = PolicyReach(self.hook, base.policy, rest)
        for chain in self.program.callers_first:
            for (then, context), origins in self._waiting.pop(chain, {}).items():
                self._look_into(chain, self._together(chain, origins, then, context), then, context)
        return Passed(accepted if base.policy == "DROP" else accepted | rest, values)

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
        return self._outcome(chain, values, context) != self._outcome(chain, values, (*context, "again"))

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
        outcome = self._outcome(step.goes_to, values, context)
        self._accepted.append(hit & outcome.accepts)
        return hit & outcome.returns, values

    def _act(self, step: Step, hit: PacketSet, values: Values) -> tuple[PacketSet, Values]:
        """Do what the target says; give the packets whose way through the table ends, and the fields."""
        place = self._place(values, self._visit(step))
        done = self._effect(step, place)
        self._accepted.append(hit & done.accepts)
        changes = {name: new.where(hit - done.drops, place.field(name)) for name, new in done.changes.items()}
        return hit & (done.accepts | done.drops), values.changed(changes)

    # ── chains that change nothing ──

    def _outcome(self, chain: str, values: Values, context: Context) -> Outcome:
        """What a plain chain does to any packet with these fields."""
        key = (chain, values, context)
        if key not in self._outcomes:
            accepts, returns = self.setting.space.nothing, self.setting.space.everything
            for step in reversed(self.program.chains[chain].steps):
                ends = self._ends(step, values, context)
                if ends is not None:
                    matching = self._matched(step, values, context)
                    accepts = matching.choose(ends.accepts | (ends.goes_on & accepts), accepts)
                    returns = matching.choose(ends.returns | (ends.goes_on & returns), returns)
            self._outcomes[key] = Outcome(accepts, returns)
        return self._outcomes[key]

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
            self.reaches.append(Reach(self.hook, step, entry, passing, hit, values))
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
                fields = found[-1] | self._asking(step, values, context)[1].asked
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
        """What becomes of packets that match a rule of a plain chain; None where all go on."""
        none, all_packets = self.setting.space.nothing, self.setting.space.everything
        if step.goes_to:
            outcome = self._outcome(step.goes_to, values, self._context(step, context))
            if step.is_goto:
                return _Ends(outcome.accepts, outcome.returns, none)
            return _Ends(outcome.accepts, none, outcome.returns)
        if step.verdict == "RETURN":
            return _Ends(none, all_packets, none)
        done = self._effect(step, self._place(values, self._identity(step, context)))
        goes_on = ~(done.accepts | done.drops)
        return None if goes_on.is_everything() else _Ends(done.accepts, none, goes_on)

    # ── single rules ──

    def _meet(self, step: Step, alive: PacketSet, values: Values, context: Context) -> PacketSet:
        """The packets that match a rule, of those that get to it."""
        everything = self.setting.space.everything
        hit = alive if alive.is_empty() else alive & self._matched(step, values, context)
        self.reaches.append(Reach(self.hook, step, Entry(alive), everything, hit, values))
        return hit

    def _matched(self, step: Step, values: Values, context: Context) -> PacketSet:
        return self._asking(step, values, context)[0]

    def _asking(self, step: Step, values: Values, context: Context) -> tuple[PacketSet, Place]:
        """The packets that a rule matches, and the place, which knows the fields that it looks at."""
        key = (step, values, context if step.has_memory else None)
        if key not in self._matching:
            place = self._place(values, self._identity(step, context))
            self._matching[key] = matching(step.rule, place), place
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
    """Where packets that match a rule go: accepted, back to the caller, to the next rule; the rest is dropped."""

    accepts: PacketSet
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
