"""Which rules and policies meet some packets: exactly where that is cheap to know, and else too many of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from rulec.packetset.packetset import PacketSet
from rulec.query.diff_walks import Walks
from rulec.query.diff_within import Within
from rulec.query.diff_words import is_simple
from rulec.semantics.paths import Way
from rulec.semantics.place import Memory, Place
from rulec.semantics.program import Step
from rulec.semantics.reach import Reach
from rulec.semantics.rule import matching
from rulec.semantics.ruleset import Meaning

_SIMPLE = 20_000
"""So many nodes a set may have that is sent through all rules."""


class Met:
    """Of some rules, those that meet any of the packets of a path; and the base chains that end for some of them."""

    def __init__(
        self, walks: Walks, meaning: Meaning, packets: Mapping[str, PacketSet], wanted: frozenset[Step]
    ) -> None:
        self._walks = walks
        self._meaning = meaning
        self._wanted = wanted
        self._ways = [(way, packets[way.path]) for way in meaning.ways if way.path in packets]

    @cached_property
    def steps(self) -> frozenset[Step]:
        """The rules."""
        return frozenset(step for way, packets in self._ways for step in self._on(way, packets))

    @cached_property
    def policies(self) -> frozenset[tuple[str, str]]:
        """The base chains, by table and name."""
        ends = ((reach, packets) for way, packets in self._ways for reach in way.policies)
        return frozenset((reach.hook.table, reach.hook.name) for reach, packets in ends if packets.meets(reach.arrives))

    def _on(self, way: Way, packets: PacketSet) -> Iterator[Step]:
        if is_simple(packets, _SIMPLE):
            for reach, _ in Within(self._walks, packets).met(self._meaning, way.path, self._wanted.__contains__):
                yield reach.step
            return
        shadows: dict[frozenset[str], PacketSet] = {}
        for reach in way.reaches:
            if reach.step in self._wanted and reach.is_met and self._may_match(reach, packets, shadows):
                yield reach.step

    def _may_match(self, reach: Reach, packets: PacketSet, shadows: dict[frozenset[str], PacketSet]) -> bool:
        """Whether some packets match a rule, wherever they get to, as far as it looks at them."""
        family = self._meaning.prepared.ruleset.family
        place = Place(packets.space, family, reach.hook, reach.values, Memory(), ("may match", reach.step.key))
        asked = matching(reach.step.rule, place)
        if place.asked not in shadows:
            shadows[place.asked] = packets.onto(place.asked)
        return shadows[place.asked].meets(asked)
