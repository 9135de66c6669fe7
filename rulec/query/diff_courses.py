"""Where some packets get to on a way: they are sent down the chains, and only into those that they reach.

What gets to a rule is a large set where that is told of all packets; of a few
it is soon found out, rule by rule from the beginning of the way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import dropwhile, islice, takewhile
from typing import NamedTuple

from rulec.packetset.packetset import PacketSet
from rulec.semantics.place import Hook
from rulec.semantics.program import Step
from rulec.semantics.reach import Entry, Reach

_Origin = tuple[Entry, PacketSet]


class Leg(NamedTuple):
    """Rules of one chain that packets meet one after another; ``following`` is the entry of the leg that goes on."""

    entry: Entry
    reaches: tuple[Reach, ...]
    following: Entry | None

    @property
    def end(self) -> PacketSet | None:
        """What was asked of those behind the last of them, if it is known."""
        return self.following.origins[0][1] if self.following else None

    def behind(self, number: int) -> PacketSet | None:
        """What was asked of those behind one of them."""
        return self.reaches[number + 1].passing if number + 1 < len(self.reaches) else self.end


class Choice(NamedTuple):
    """Some rules, and by leg what leads to them: those that are wanted, and the calls of chains in which such are."""

    wanted: frozenset[Reach]
    stops: dict[Entry, tuple[int, ...]]


class Course:
    """The rules of a way in the order in which packets meet them."""

    def __init__(self, reaches: Iterable[Reach]) -> None:
        self.legs = list(_legs(reaches))
        self._starts = {leg.entry for leg in self.legs}
        self._entries = set[Entry]()
        self._origins: dict[Entry, tuple[_Origin, ...]] = {}
        for leg in self.legs:
            self._remember(leg.entry)
        self._choices: dict[tuple[Callable[[Step], bool], frozenset[Reach]], Choice] = {}

    def beginnings(self) -> Iterator[PacketSet]:
        """The packets that come from elsewhere."""
        return (entry.exact for entry in self._entries if not entry.callers)

    def origins(self, entry: Entry) -> tuple[_Origin, ...]:
        """Where packets come from to an entry."""
        if entry not in self._origins:
            self._origins[entry] = entry.origins
        return self._origins[entry]

    def choice(self, wanted: Callable[[Step], bool], idle: frozenset[Reach] = frozenset()) -> Choice:
        """The rules that are wanted, and not idle."""
        if (wanted, idle) not in self._choices:
            self._choices[wanted, idle] = self.leading_to(
                reach for leg in self.legs for reach in leg.reaches if wanted(reach.step) and reach not in idle
            )
        return self._choices[wanted, idle]

    def leading_to(self, wanted: Iterable[Reach]) -> Choice:
        """Some rules, and what leads to them."""
        chosen, stops, chains = frozenset(wanted), {}, set[tuple[Hook, str]]()
        entries = {reach.entry for reach in chosen}
        for leg in reversed(self.legs):
            if leg.entry in entries:
                entries.update(self._comes_from(leg.entry))
                chains.add((leg.reaches[0].hook, leg.reaches[0].step.chain))
                stops[leg.entry] = tuple(
                    number
                    for number, reach in enumerate(leg.reaches)
                    if reach in chosen or (reach.hook, reach.step.goes_to) in chains
                )
        return Choice(chosen, stops)

    def sent(
        self,
        packets: PacketSet,
        choice: Choice,
        ending: bool = False,
        idle: frozenset[Reach] = frozenset(),
        unless: Callable[[Step], bool] = lambda step: False,
    ) -> Iterator[tuple[Reach, PacketSet]]:
        """The chosen rules that any of the packets meet and match, with those that do.

        ``ending`` says that all these rules end the way of a packet: then only
        those are sent into a chain that do not come back.  Of the ``idle`` rules it is
        known that packets get past them, or else do not matter; ``unless`` says of
        others, when it comes to them, that nobody wants them any more.
        """
        flow = _Flow(self, packets, choice, ending, idle, unless)
        for leg in self.legs:
            if leg.entry in choice.stops:
                yield from flow.along(leg)

    def arriving(self, packets: PacketSet, reach: Reach) -> PacketSet:
        """Those of some packets that get to a rule."""
        choice = self.leading_to([reach])
        flow = _Flow(self, packets, choice, False, frozenset(), lambda step: False)
        for leg in takewhile(lambda leg: leg.entry is not reach.entry, self.legs):
            if leg.entry in choice.stops:
                deque(flow.along(leg), maxlen=0)
        return flow.arriving(reach.entry) & reach.passing

    def behind(self, reach: Reach) -> Iterator[Reach]:
        """The rules of the chain behind a rule."""
        number = next(number for number, leg in enumerate(self.legs) if leg.entry is reach.entry)
        rest = dropwhile(lambda other: other is not reach, self.legs[number].reaches)
        yield from islice(rest, 1, None)
        while self.legs[number].following is not None:
            number += 1
            yield from self.legs[number].reaches

    def is_start(self, entry: Entry) -> bool:
        """Whether a leg begins with it."""
        return entry in self._starts

    def _remember(self, entry: Entry) -> None:
        if entry not in self._entries:
            self._entries.add(entry)
            for caller in entry.callers:
                self._remember(caller)

    def _comes_from(self, entry: Entry) -> Iterator[Entry]:
        """The legs from which packets come to an entry."""
        for caller in entry.callers:
            if caller in self._starts:
                yield caller
            else:
                yield from self._comes_from(caller)


class _Flow:
    """Packets on their way through a course, leg by leg."""

    def __init__(
        self,
        course: Course,
        packets: PacketSet,
        choice: Choice,
        ending: bool,
        idle: frozenset[Reach],
        unless: Callable[[Step], bool],
    ) -> None:
        self._course = course
        self._packets = packets
        self._choice = choice
        self._ending = ending
        self._idle = idle
        self._unless = unless
        self._nothing: PacketSet = packets.space.nothing
        self._at: dict[Entry, dict[PacketSet, PacketSet]] = {}
        self._arrived: dict[Entry, PacketSet] = {}

    def along(self, leg: Leg) -> Iterator[tuple[Reach, PacketSet]]:
        """Send packets along a leg."""
        here = self.arriving(leg.entry)
        if here.is_empty():
            return
        for number in self._choice.stops[leg.entry]:
            reach = leg.reaches[number]
            if reach in self._idle or (self._unless(reach.step) and not reach.step.goes_to):
                continue
            hit = here & reach.matching
            if hit.is_empty():
                continue
            if reach in self._choice.wanted:
                yield reach, hit
            behind = leg.behind(number) if self._ending else None
            self._put(leg, reach.matching, hit if behind is None else hit - behind)
        if leg.end is not None:
            self._put(leg, leg.end, here if self._idle.issuperset(leg.reaches) else here & leg.end)

    def arriving(self, entry: Entry) -> PacketSet:
        """Those that get to an entry."""
        if entry not in self._arrived:
            parts = [self._from(origin, ask) for origin, ask in entry.ways]
            some = [part for part in parts if not part.is_empty()]
            self._arrived[entry] = self._packets.space.union(some) if parts else self._packets & entry.exact
        return self._arrived[entry]

    def _put(self, leg: Leg, met: PacketSet, packets: PacketSet) -> None:
        """Put down which packets of a leg have met what was asked."""
        self._at.setdefault(leg.entry, {})[met] = packets

    def _from(self, origin: Entry, ask: Callable[[], PacketSet]) -> PacketSet:
        """Those that come from an entry; what is asked of them is asked only where there are any."""
        if self._course.is_start(origin):
            put = self._at.get(origin)
            return put.get(ask(), self._nothing) if put else self._nothing
        here = self.arriving(origin)
        return here if here.is_empty() else here & ask()


def _legs(reaches: Iterable[Reach]) -> Iterator[Leg]:
    together: list[list[Reach]] = []
    for reach in reaches:
        if not together or together[-1][0].entry is not reach.entry:
            together.append([])
        together[-1].append(reach)
    for number, found in enumerate(together):
        following = together[number + 1][0].entry if number + 1 < len(together) else None
        goes_on = following is not None and following.callers == (found[0].entry,)
        yield Leg(found[0].entry, tuple(found), following if goes_on else None)
