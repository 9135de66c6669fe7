"""Which rules and policies meet some packets: exactly where that is cheap to know, and else too many of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from rulec.packetset.packetset import PacketSet
from rulec.query.diff_walks import Walks
from rulec.query.diff_words import is_simple
from rulec.semantics.paths import Way
from rulec.semantics.place import Memory, Place
from rulec.semantics.program import Step
from rulec.semantics.reach import Reach
from rulec.semantics.rule import matching
from rulec.semantics.ruleset import Meaning

_SIMPLE = 20_000
"""So many nodes a set may have that is sent through all rules."""


Gap = tuple[str, str, int]
"""A table, a chain, and a place in it where rules were changed for others."""


class Met:
    """Of some rules, those that meet any of the packets of a path; and the base chains that end for some of them.

    Of the rules of a ``gap`` it is enough to know one; ``told`` are those of which one is known.
    """

    def __init__(
        self,
        walks: Walks,
        meaning: Meaning,
        packets: Mapping[str, PacketSet],
        gaps: Mapping[Step, Gap | None],
        told: set[Gap | None],
    ) -> None:
        self._walks = walks
        self._meaning = meaning
        self._gaps = gaps
        self._told = told
        self._ways = [(way, packets[way.path]) for way in meaning.ways if way.path in packets]

    @cached_property
    def steps(self) -> frozenset[Step]:
        """The rules."""
        found = set()
        for way, packets in self._ways:
            for step in self._on(way, packets):
                found.add(step)
                self._told.update({self._gaps[step]} - {None})
        return frozenset(found)

    @cached_property
    def policies(self) -> frozenset[tuple[str, str]]:
        """The base chains, by table and name."""
        ends = ((reach, packets) for way, packets in self._ways for reach in way.policies)
        return frozenset((reach.hook.table, reach.hook.name) for reach, packets in ends if packets.meets(reach.arrives))

    def _on(self, way: Way, packets: PacketSet) -> Iterator[Step]:
        if is_simple(packets, _SIMPLE):
            course = self._walks.course(self._meaning, way.path)
            choice = course.leading_to(reach for reach in way.reaches if reach.step in self._gaps)
            for reach, _ in course.sent(packets, choice, unless=self._is_told):
                yield reach.step
            return
        shadows: dict[frozenset[str], PacketSet] = {}
        for reach in way.reaches:
            if (
                reach.step in self._gaps
                and not self._is_told(reach.step)
                and reach.is_met
                and self._may_match(reach, packets, shadows)
            ):
                yield reach.step

    def _is_told(self, step: Step) -> bool:
        return self._gaps.get(step) in self._told

    def _may_match(self, reach: Reach, packets: PacketSet, shadows: dict[frozenset[str], PacketSet]) -> bool:
        """Whether some packets match a rule, wherever they get to, as far as it looks at them."""
        family = self._meaning.prepared.ruleset.family
        place = Place(packets.space, family, reach.hook, reach.values, Memory(), ("may match", reach.step.key))
        asked = matching(reach.step.rule, place)
        if place.asked not in shadows:
            shadows[place.asked] = packets.onto(place.asked)
        return shadows[place.asked].meets(asked)
