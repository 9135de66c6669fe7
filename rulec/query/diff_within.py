"""What happens to some packets on the ways through both rulesets."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rulec.packetset.packetset import PacketSet
from rulec.query.diff_focus import Focus
from rulec.query.diff_walks import Walks
from rulec.semantics.program import Step
from rulec.semantics.reach import Reach
from rulec.semantics.ruleset import Meaning


class Within:
    """Where some packets get to: what is said of all packets is put together for them alone.

    With a ``focus`` that is found out without a look at what is the same for all
    of them; it must be known that they fare otherwise in both rulesets.
    """

    def __init__(self, walks: Walks, packets: PacketSet, focus: Focus | None = None) -> None:
        self.packets = packets
        self._walks = walks
        self._focus = focus

    @property
    def is_rough(self) -> bool:
        """Whether rules are said to match others besides these packets."""
        return self._focus is not None

    def met(
        self, meaning: Meaning, path: str, wanted: Callable[[Step], bool], ending: bool = False
    ) -> Iterator[tuple[Reach, PacketSet]]:
        """The wanted rules of a way that any of them match, with those that do; ``ending`` rules end their way.

        With a focus it is with all packets around that do, and none of them may be among these.
        """
        if self._focus is None:
            course = self._walks.course(meaning, path)
            for reach, hit in course.sent(self.packets, course.choice(wanted), ending):
                yield reach, self._walks.settled(hit)
        else:
            course, idle = self._focus.old if meaning is self._walks.old else self._focus.new, self._focus.idle
            yield from course.sent(self._focus.around, course.choice(wanted, idle), ending, idle)

    def narrowed(self, packets: PacketSet) -> Within:
        """The same for some of these packets."""
        return Within(self._walks, packets, self._focus)

    def of(self, packets: PacketSet) -> PacketSet:
        """Those of them that are in a set of a walk."""
        return self._walks.settled(self.packets & packets)

    def matching(self, meaning: Meaning, path: str, reach: Reach) -> PacketSet:
        """Those of them that get to a rule and match."""
        if self._focus is not None and reach.hook == self._focus.hook:
            course = self._focus.old if meaning is self._walks.old else self._focus.new
            found = course.sent(self._focus.around, course.leading_to([reach]), False, self._focus.idle)
        else:
            course = self._walks.course(meaning, path)
            found = course.sent(self.packets & reach.matching, course.leading_to([reach]))
        hits = (self.packets & self._walks.settled(hit) for _, hit in found)
        return next(hits, self.packets.space.nothing)
