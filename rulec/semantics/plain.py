"""What chains do that change nothing in a packet.

Such a chain is summed up once, and the sum is used wherever the chain is called,
and in another version of the ruleset that has the same chain.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple, TypeVar

from rulec.catalogue.extension import Given
from rulec.model import Family
from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import Space
from rulec.semantics.concern import Concern
from rulec.semantics.effects import Effect, effect
from rulec.semantics.place import Asked, Hook, Memory, Place, Values
from rulec.semantics.program import Program, Step
from rulec.semantics.reach import Meeting, Meetings
from rulec.semantics.rule import asked, asked_of_few

T = TypeVar("T")

Context = tuple[object, ...]
"""The calls by which a packet came into a chain; empty where each packet comes but once."""


class Setting(NamedTuple):
    """What all walks through one ruleset have in common.

    ``remembers`` names what a rule remembers, the same in all rulesets that are
    compared where it is the same there; ``name`` tells apart what their NAT makes
    of packets.  ``exact`` says whether it matters which packets come through a
    large table, even to those behind it.  With a ``concern`` only those packets are
    followed into its table, and beyond, that it may treat otherwise.  Where ``late``
    it is found out when somebody asks what packets meet in plain chains.
    """

    space: Space
    family: Family
    memory: Memory
    name: str = ""
    remembers: Callable[[Step], Hashable] = lambda step: step.key
    exact: bool = True
    concern: Concern | None = None
    late: bool = False


class Ends(NamedTuple):
    """Where packets that match a rule go, if not out of the table: back to the caller, or to the next rule."""

    returns: PacketSet
    goes_on: PacketSet


class PlainChains:
    """The plain chains of a table at one hook.

    ``twice`` are those that packets may come to more than once, so that each call is
    asked about on its own; ``care`` are the packets that matter to all rules but the
    ``leading`` ones, None for all.  Where only a ``few`` packets are followed, nothing
    is said of others.
    """

    def __init__(
        self,
        setting: Setting,
        program: Program,
        hook: Hook,
        twice: Collection[str] = (),
        leading: Collection[Step] = (),
        care: PacketSet | None = None,
        few: PacketSet | None = None,
    ) -> None:
        self.setting = setting
        self.program = program
        self.hook = hook
        self._twice = twice
        self._leading = leading
        self._care = care if few is None else few
        self._few = few
        self._where = (hook, frozenset(twice), len(leading), self._care)
        self._matching: dict[tuple[Step, Values, Hashable], Asked] = {}
        self._texts: dict[str, Hashable] = {}

    # ── chains ──

    def accepts(self, chain: str, values: Values, context: Context) -> PacketSet:
        """Which packets with these fields a chain accepts."""

        def taken(step: Step, ends: Ends) -> PacketSet:
            return self._accepted_by(step, values, context)

        return self._summed("accepts", chain, values, context, self.setting.space.nothing, taken)

    def returns(self, chain: str, values: Values, context: Context) -> PacketSet:
        """Which packets with these fields come back from a chain, or to its end."""
        at_end = self.setting.space.everything if self._few is None else self._few
        return self._summed("returns", chain, values, context, at_end, lambda step, ends: ends.returns)

    def _summed(
        self,
        what: str,
        chain: str,
        values: Values,
        context: Context,
        at_end: PacketSet,
        taken: Callable[[Step, Ends], PacketSet],
    ) -> PacketSet:
        """The packets of which something holds, from the last rule of a chain to the first.

        Rules that stand one behind the other and send packets to the same place are one.
        """

        def ways_on() -> Iterator[tuple[Ends, PacketSet]]:
            for step, matched in reversed(self._met(chain, values, context)):
                ends = self.ends(step, values, context)
                if ends is not None:
                    yield Ends(taken(step, ends), ends.goes_on), matched

        def make() -> PacketSet:
            found = at_end
            for (then, goes_on), rules in groupby(ways_on(), key=itemgetter(0)):
                matched = self.setting.space.union(matched for _, matched in rules)
                found = matched.choose(then | (goes_on & found), found)
            return found

        return self._once(what, chain, values, context, make)

    def _met(self, chain: str, values: Values, context: Context) -> tuple[tuple[Step, PacketSet], ...]:
        """The rules of a chain that any packet can match, and those packets."""

        def make() -> tuple[tuple[Step, PacketSet], ...]:
            both = ((step, self.matched(step, values, context)) for step in self.program.chains[chain].steps)
            return tuple((step, matched) for step, matched in both if not matched.is_empty())

        return self._once("met", chain, values, context, make)

    def meetings(self, chain: str, values: Values, context: Context) -> Meetings:
        """What is asked of packets that get to the rules of a chain.

        What no rule from some place on looks at may be forgotten there: the packets
        that are left are a simpler set without it.  The same is done behind the
        leading rules, where fewer packets matter.
        """

        def make() -> Meetings:
            looked_at, steps = self.looked_at(chain, values, context), self.program.chains[chain].steps
            leading = {sum(step in self._leading for step in steps)} & set(range(len(steps)))
            fewer = {number for number in range(1, len(steps)) if looked_at[number] < looked_at[number - 1]}
            begins = {number: looked_at[number] for number in sorted({0} | leading | fewer)}
            return Meetings(begins, lambda: self._meetings(chain, values, context, begins))

        return self._once("meetings", chain, values, context, make)

    def _meetings(self, chain: str, values: Values, context: Context, begins: Collection[int]) -> Iterator[Meeting]:
        everything = passing = self.setting.space.everything
        for number, step in enumerate(self.program.chains[chain].steps):
            before, passing = passing, everything if number in begins else passing
            matched = self.matched(step, values, context)
            hit = passing & matched
            yield Meeting(passing, hit, before)
            ends = None if hit.is_empty() else self.ends(step, values, context)
            if ends is not None:
                passing -= matched if ends.goes_on.is_empty() else hit - ends.goes_on

    def looked_at(self, chain: str, values: Values, context: Context) -> tuple[frozenset[str], ...]:
        """The fields of an arriving packet on which a chain's rules depend, from each of them on, and at its end."""

        def make() -> tuple[frozenset[str], ...]:
            found = [frozenset[str]()]
            for step in reversed(self.program.chains[chain].steps):
                fields, asks = found[-1], self.asking(step, values, context)
                matches = not asks.packets.is_empty()
                if matches:
                    fields |= asks.fields
                if matches and step.goes_to:
                    fields |= self.looked_at(step.goes_to, values, self.context(step, context))[0]
                found.append(fields)
            return tuple(reversed(found))

        return self._once("looked at", chain, values, context, make)

    def send(
        self,
        chain: str,
        packets: PacketSet,
        values: Values,
        context: Context,
        accepted: list[PacketSet],
        met: Callable[[Step, PacketSet], None] | None = None,
    ) -> PacketSet:
        """Send a few packets into a chain; give those that come back, and put down those that are accepted.

        ``met`` is told of the rules that they match.
        """
        returned = []
        for step in self.program.chains[chain].steps:
            if packets.is_empty():
                break
            hit = packets & self.matched(step, values, context)
            if hit.is_empty():
                continue
            if met:
                met(step, hit)
            if step.goes_to:
                back = self.send(step.goes_to, hit, values, self.context(step, context), accepted, met)
                returned.append(back if step.is_goto else hit.space.nothing)
                packets = packets - hit if step.is_goto else (packets - hit) | back
                continue
            ends = self.ends(step, values, context)
            if ends is not None:
                accepted.append(hit & self._accepted_by(step, values, context))
                returned.append(hit & ends.returns)
                packets -= hit - ends.goes_on
        return self.setting.space.union([*returned, packets])

    # ── rules ──

    def ends(self, step: Step, values: Values, context: Context) -> Ends | None:
        """Where packets that match a rule go; None where all go on."""
        none, all_packets = self.setting.space.nothing, self.setting.space.everything
        if step.goes_to:
            back = self.returns(step.goes_to, values, self.context(step, context))
            return Ends(back, none) if step.is_goto else Ends(none, back)
        if step.verdict == "RETURN":
            return Ends(all_packets, none)
        if step.verdict in ("ACCEPT", "DROP"):
            return Ends(none, none)
        done = self.effect(step, self.place(values, self.identity(step, context)))
        goes_on = ~(done.accepts | done.drops)
        return None if goes_on.is_everything() else Ends(none, goes_on)

    def _accepted_by(self, step: Step, values: Values, context: Context) -> PacketSet:
        """Which packets that match a rule are accepted there, or where it sends them."""
        if step.goes_to:
            return self.accepts(step.goes_to, values, self.context(step, context))
        if step.verdict == "ACCEPT":
            return self.setting.space.everything
        if step.verdict in ("DROP", "RETURN"):
            return self.setting.space.nothing
        return self.effect(step, self.place(values, self.identity(step, context))).accepts

    def matched(self, step: Step, values: Values, context: Context) -> PacketSet:
        """The packets that a rule matches, among those that matter to it."""
        return self.asking(step, values, context).packets

    def asking(self, step: Step, values: Values, context: Context) -> Asked:
        """The packets that a rule matches, and the fields that it looks at."""
        key = (step, values, context if step.has_memory else None)
        if key not in self._matching:
            visit = self.identity(step, context) if step.has_memory else None
            find = asked if self._few is None else asked_of_few
            self._matching[key] = find(step.rule, self.place(values, visit, self.caring(step)))
        return self._matching[key]

    def caring(self, step: Step) -> PacketSet | None:
        """The packets that matter to a rule; None for all."""
        return None if step in self._leading else self._care

    def effect(self, step: Step, place: Place) -> Effect:
        """What the target of a rule does."""
        target = step.rule.target
        if target is None:
            return Effect({}, self.setting.space.nothing, self.setting.space.nothing)
        return effect(target.name, Given(self.setting.family, target.uses), place)

    def context(self, step: Step, context: Context) -> Context:
        """The calls by which packets come into the chain that a rule goes to."""
        return (*context, step.key) if step.goes_to in self._twice else ()

    def identity(self, step: Step, context: Context) -> Hashable:
        """The same in two rulesets where what the rule remembers is the same."""
        return "", self.setting.remembers(step), context

    def place(self, values: Values, visit: Hashable, care: PacketSet | None = None) -> Place:
        """What a rule sees of packets with these fields."""
        setting = self.setting
        return Place(setting.space, setting.family, self.hook, values, setting.memory, visit, care)

    # ── what is known already ──

    def _once(self, what: str, chain: str, values: Values, context: Context, make: Callable[[], T]) -> T:
        key = (what, self._text(chain), self._where, values, context)
        return self.setting.memory.once(key, make)

    def _text(self, chain: str) -> Hashable:
        """What a chain says, and those that it goes to: the same for chains that do the same."""
        if chain not in self._texts:
            steps = self.program.chains[chain].steps
            said = tuple([(step.rule, step.goes_to and self._text(step.goes_to), self._mark(step)) for step in steps])
            self._texts[chain] = self.setting.memory.number(said)
        return self._texts[chain]

    def _mark(self, step: Step) -> Hashable:
        return self.identity(step, ()) if step.has_memory or step.extension else None
