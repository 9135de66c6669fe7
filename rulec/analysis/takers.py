"""Which rules take the packets that another one would match, before they get to it."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Hashable, Iterator
from itertools import pairwise
from typing import NamedTuple

from rulec.analysis.narrow import some_matches
from rulec.analysis.visits import Visit, Walked
from rulec.packetset.packetset import PacketSet
from rulec.semantics.effects import CHANGES_NOTHING
from rulec.semantics.nat import TARGETS as TRANSLATING
from rulec.semantics.paths import Way
from rulec.semantics.program import Step
from rulec.semantics.reach import Reach

_Arrival = tuple[int, PacketSet]
"""A rule of a chain, by number, and the packets that get there."""


class Lost(NamedTuple):
    """Packets that a rule would match, on a look at its chain."""

    visit: Visit
    number: int
    wanted: PacketSet

    @property
    def reach(self) -> Reach:
        """The rule there."""
        return self.visit.reaches[self.number]

    @property
    def path(self) -> str:
        """The way of these packets."""
        return self.visit.hook.path

    def arrives(self, number: int) -> PacketSet:
        """Those of the packets that get to a rule, as far as it and the rules behind it look at them."""
        reach = self.visit.reaches[number]
        return self.wanted & reach.entry.outline & reach.passing


class Taker(NamedTuple):
    """A rule that takes some of the packets, and some of these, as they came to the host; none where nobody looked.

    ``takes_new`` says whether some of them begin a connection.
    """

    step: Step
    path: str
    packets: PacketSet
    takes_new: bool = True


class Takers:
    """Finds the rules that take packets; ``exactly`` says whether packets are wanted, too."""

    def __init__(self, walked: Walked, exactly: bool) -> None:
        self._walked = walked
        self._exactly = exactly
        self._known: dict[int, list[int]] = {}

    # ── rules before it in its chain ──

    def within(self, lost: Lost) -> Iterator[Taker]:
        """The rules before it in its chain that take its packets.

        Among rules behind which the same fields count, what arrives only grows
        less, so that those that take nothing are passed over many at a time.
        """
        starts = self._segments(lost.visit)
        starts = starts[: bisect(starts, lost.number)]
        for first, behind in pairwise((*starts, lost.number + 1)):
            for number in self._losing(lost, first, behind - 1):
                yield self._taker(lost, number)
            if behind <= lost.number and self._takes(lost, behind - 1):
                yield self._taker(lost, behind - 1)

    def _segments(self, visit: Visit) -> list[int]:
        """Where rules begin behind which other fields count; a chain of many rules is gone through once."""
        if id(visit) not in self._known:
            is_plain = visit.reaches[0].step.chain in self._walked.programs[visit.hook.table].plain
            both = enumerate(pairwise(visit.reaches), 1) if is_plain else ()
            self._known[id(visit)] = [0, *(number for number, (one, next_) in both if one.entry is not next_.entry)]
        return self._known[id(visit)]

    def _losing(self, lost: Lost, first: int, last: int) -> Iterator[int]:
        """The rules from one to another, that one left out, behind which fewer of the packets are left."""
        return self._between(lost, (first, lost.arrives(first)), (last, lost.arrives(last)))

    def _between(self, lost: Lost, one: _Arrival, other: _Arrival) -> Iterator[int]:
        (first, before), (last, behind) = one, other
        if first == last or before == behind:
            return
        if last == first + 1:
            yield first
            return
        middle = (first + last) // 2
        arrival = middle, lost.arrives(middle)
        yield from self._between(lost, one, arrival)
        yield from self._between(lost, arrival, other)

    def _takes(self, lost: Lost, number: int) -> bool:
        """Whether the last rule of a segment takes some of the packets; of a jump it is taken for granted."""
        reach = lost.visit.reaches[number]
        ends = bool(decision(reach.step)) or bool(reach.step.goes_to)
        return ends and lost.wanted.meets(reach.entry.outline & reach.matching)

    def _taker(self, lost: Lost, number: int) -> Taker:
        """A rule that takes some; where nobody looks closely, it is said to take new ones if it may."""
        reach = lost.visit.reaches[number]
        taken = lost.wanted - lost.arrives(number + 1)
        new = taken & self._walked.state("NEW")
        if not self._exactly:
            return Taker(
                reach.step, lost.path, self._walked.space.nothing, new.meets(reach.entry.outline & reach.matching)
            )
        begins = some_matches(reach, new)
        packets = some_matches(reach, taken) if begins.is_empty() else begins
        return Taker(reach.step, lost.path, packets, not begins.is_empty())

    # ── rules from which the chain is called, and before these ──

    def before(self, lost: Lost) -> Iterator[Taker]:
        """The rules that take the packets before they come into the chain: in its callers, in earlier tables and hooks.

        Packets that no jump would send there are taken by none.
        """
        step = lost.reach.step
        if self._walked.chain(step).policy:
            yield from self._stopped(lost)
            return
        for caller in self._walked.programs[step.table].calls.get(step.chain, []):
            for visit in self._walked.visits.get((caller.table, caller.chain), []):
                number = self._walked.chain(caller).steps.index(caller)
                sent = lost.wanted & self._walked.matched(visit.reaches[number])
                if visit.hook == lost.visit.hook and not sent.is_empty():
                    called = Lost(visit, number, sent)
                    yield from self.before(called) if called.arrives(0).is_empty() else self.within(called)

    def _stopped(self, lost: Lost) -> Iterator[Taker]:
        """The rules of earlier tables and hooks that stop the packets."""
        for reach in self._earlier(lost):
            if reach.is_met and decision(reach.step) == "DROP":
                packets = some_matches(reach, lost.wanted)
                if not packets.is_empty():
                    yield Taker(reach.step, lost.path, packets, packets.meets(self._walked.state("NEW")))

    def _earlier(self, lost: Lost) -> Iterator[Reach]:
        """The rules of earlier tables and hooks on the way of the packets."""
        for reach in self._way(lost).reaches:
            if reach.hook == lost.visit.hook:
                return
            yield reach

    def _way(self, lost: Lost) -> Way:
        path = "input" if lost.path == "arriving" else lost.path
        return self._walked.meaning.way(path)

    # ── rules that make another packet of it ──

    def changers(self, lost: Lost) -> Iterator[Taker]:
        """The rules that change packets which would match if nothing had changed them."""
        wanted = self._walked.matched_unchanged(lost.reach) & self._walked.possible[lost.path]
        for reach in self._way(lost).reaches if not wanted.is_empty() else ():
            if reach is lost.reach:
                return
            if reach.is_met and reach.step.extension not in ("", *CHANGES_NOTHING):
                packets = some_matches(reach, wanted)
                if not packets.is_empty():
                    yield Taker(reach.step, lost.path, packets)


def decision(step: Step) -> Hashable:
    """What becomes of packets that match, None where they go on; to refuse is to refuse, answered or not."""
    if step.verdict == "DROP" or step.extension == "REJECT":
        return "DROP"
    if step.verdict:
        return step.verdict
    return step.rule.target if step.extension in TRANSLATING | {"NFQUEUE"} else None
