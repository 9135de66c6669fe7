"""What each look at a chain has met: the rules one by one, at one hook, with the same fields of the packet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import takewhile
from typing import NamedTuple

from rulec.analysis.witness import witness
from rulec.packetset.fields import TRACKED_STATES
from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import Space
from rulec.semantics.alive import Alive
from rulec.semantics.opaque import has_memory
from rulec.semantics.paths import Host, Way
from rulec.semantics.place import Hook, Memory, Place, Values
from rulec.semantics.plain import Setting
from rulec.semantics.program import Chain, Program, Step
from rulec.semantics.reach import Reach
from rulec.semantics.rule import asked, matching
from rulec.semantics.ruleset import Meaning, Prepared, meaning


class Visit(NamedTuple):
    """One look at a chain with rules; ``reaches`` are its rules in order."""

    hook: Hook
    reaches: tuple[Reach, ...]

    @property
    def is_entered(self) -> bool:
        """Whether any packet comes into the chain."""
        first = self.reaches[0]
        return first.entry.outline.meets(first.passing)

    def arrives(self, number: int) -> PacketSet:
        """The packets that get to a rule, as far as it and the rules behind it look at them."""
        reach = self.reaches[number]
        return reach.entry.outline & reach.passing


class Walked:
    """A ruleset that was walked, and what is asked of that again and again."""

    def __init__(self, prepared: Prepared, space: Space) -> None:
        self._memory = Memory()
        self.prepared = prepared
        self.space = space
        self.meaning: Meaning = meaning(prepared, space, self._memory, exact=False)

    @property
    def memory(self) -> Memory:
        """What was asked already, for another walk in which the same question is to have the same answer."""
        return self._memory

    @property
    def programs(self) -> dict[str, Program]:
        """The tables."""
        return self.prepared.programs

    @cached_property
    def visits(self) -> dict[tuple[str, str], list[Visit]]:
        """The looks at each chain, by table and name; those that both arriving ways have in common once."""
        found: dict[tuple[str, str], list[Visit]] = {}
        gathered: dict[tuple[Hook, str], list[Reach]] = {}
        for reach in dict.fromkeys(reach for way in self.meaning.ways for reach in way.reaches):
            chain = reach.step.chain
            open_visit = gathered.setdefault((reach.hook, chain), [])
            open_visit.append(reach)
            if len(open_visit) == len(self.chain(reach.step).steps):
                visit = Visit(reach.hook, tuple(open_visit))
                found.setdefault((reach.step.table, chain), []).append(visit)
                open_visit.clear()
        return found

    @cached_property
    def _entered(self) -> dict[tuple[str, str], list[Visit]]:
        return {key: [visit for visit in visits if visit.is_entered] for key, visits in self.visits.items()}

    def entered(self, table: str, chain: str) -> list[Visit]:
        """The looks at a chain that packets come into."""
        return self._entered.get((table, chain), [])

    def chain(self, step: Step) -> Chain:
        """The chain that a rule stands in."""
        return self.programs[step.table].chains[step.chain]

    @cached_property
    def _empty(self) -> dict[str, Way]:
        """The ways through a host without rules."""
        ways = {way.path: way for way in Host(self._setting, {}).ways()}
        return {**ways, "arriving": ways["input"]._replace(alive=Alive(ways["input"].enters))}

    @cached_property
    def possible(self) -> dict[str, PacketSet]:
        """The packets that take each way as long as no rule stops them; "arriving" are those of both."""
        return {path: way.accepted for path, way in self._empty.items()}

    def declares(self, table: str, chain: str) -> bool:
        """Whether the ruleset says what the policy of a base chain is, and does not leave it as it was."""
        return bool(self.prepared.ruleset.tables[table].chains[chain].policy)

    def witness(self, packets: PacketSet, path: str) -> str:
        """One of the packets, written down."""
        return witness(packets, path)

    def state(self, name: str) -> PacketSet:
        """The packets of which connection tracking says so."""
        return self.space.field("ctstate").equals(TRACKED_STATES.index(name))

    def touched(self, reach: Reach) -> PacketSet:
        """The packets that a rule matches, or that at least get as far as one of its matches that has a memory."""
        rule = reach.step.rule
        if not reach.step.has_memory:
            return self.matched_of_those_that_matter(reach)
        pure = tuple(takewhile(lambda match: not has_memory(match), rule.matches))
        return asked(rule._replace(matches=pure), self.place(reach, care=reach.care)).packets

    def matched(self, reach: Reach) -> PacketSet:
        """The packets that a rule matches, whether they get to it or not; a memory may say anything."""
        return asked(reach.step.rule, self.place(reach)).packets

    def matched_of_those_that_matter(self, reach: Reach) -> PacketSet:
        """The same, where nothing is known of packets of which none gets to the rule: it may be a smaller set."""
        return asked(reach.step.rule, self.place(reach, care=reach.care)).packets

    def matched_unchanged(self, reach: Reach) -> PacketSet:
        """The packets that a rule would match if no rule had changed them before."""
        values = self._empty[reach.hook.path].values
        if reach.hook.table == "raw":
            values = next(other.values for other in self._of_hook(reach.hook))
        return matching(reach.step.rule, self.place(reach, values))

    def _of_hook(self, hook: Hook) -> Iterator[Reach]:
        path = "input" if hook.path == "arriving" else hook.path
        return (reach for reach in self.meaning.way(path).reaches if reach.hook == hook)

    def place(self, reach: Reach, values: Values | None = None, care: PacketSet | None = None) -> Place:
        """What a rule sees of the packets, whatever has become of them."""
        setting = self._setting
        then = reach.values if values is None else values
        visit = reach.step.key if reach.step.has_memory else None
        return Place(setting.space, setting.family, reach.hook, then, setting.memory, visit, care)

    @cached_property
    def _setting(self) -> Setting:
        return Setting(self.space, self.prepared.ruleset.family, self._memory)


def met(visits: Iterable[Visit], number: int) -> bool:
    """Whether any packet meets the rule at some place of a chain."""
    return any(visit.reaches[number].is_met for visit in visits)
