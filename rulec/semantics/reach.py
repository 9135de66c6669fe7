"""Which packets get to the rules of a walk, and which of them match."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import Space
from rulec.semantics.alive import Alive
from rulec.semantics.place import Hook, Values
from rulec.semantics.program import Step

_SOMEWHERE = 0xC6336407
"""The source of packets that are asked first: an address from outside, of which rules know nothing."""


class Meeting(NamedTuple):
    """What is asked of packets that come to a chain so that they get to a rule of it, and match.

    Where less is looked at from that rule on, ``before`` is all that was asked up
    to there, and ``passing`` begins anew.
    """

    passing: PacketSet
    matching: PacketSet
    before: PacketSet


class Meetings:
    """The meetings of packets with the rules of a chain, found out when somebody asks for any.

    ``begins`` are the rules from which on the packets may be taken for simpler ones,
    and the fields that are looked at from there on.
    """

    __slots__ = ("begins", "_find", "_found")

    def __init__(self, begins: Mapping[int, frozenset[str]], find: Callable[[], Iterable[Meeting]]) -> None:
        self.begins = begins
        self._find = find
        self._found: tuple[Meeting, ...] | None = None

    def passing(self, number: int) -> PacketSet:
        """What is asked of a packet, so that it gets to a rule."""
        return self._known[number].passing

    def matching(self, number: int) -> PacketSet:
        """What is asked of a packet, so that it gets to a rule and matches."""
        return self._known[number].matching

    def before(self, number: int) -> PacketSet:
        """What was asked before everything began anew."""
        return self._known[number].before

    @property
    def _known(self) -> tuple[Meeting, ...]:
        if self._found is None:
            self._found = tuple(self._find())
        return self._found


class Entry:
    """The packets that get to some rules: those of other entries that met certain conditions.

    ``outline`` tells of them as much as these rules look at; both it and the
    whole truth, which may be very large, are put together when somebody asks.
    All are among those of ``care``, None for all.
    """

    __slots__ = ("_space", "_ways", "_looked_at", "_care", "_outline", "_exact", "_some")

    def __init__(
        self,
        space: Space,
        ways: tuple[EntryWay, ...],
        looked_at: frozenset[str] | None = None,
        care: PacketSet | None = None,
    ) -> None:
        self._space = space
        self._ways = ways
        self._looked_at = looked_at
        self._care = care
        self._outline: PacketSet | None = None
        self._exact: PacketSet | None = None
        self._some: PacketSet | None = None

    @classmethod
    def of(cls, packets: PacketSet) -> Entry:
        """Just these packets."""
        found = cls(packets.space, ())
        found._outline = found._exact = packets
        return found

    @property
    def ways(self) -> tuple[EntryWay, ...]:
        """The entries that the packets come from, each with how to find out what was asked of them."""
        return self._ways

    @property
    def origins(self) -> tuple[tuple[Entry, PacketSet], ...]:
        """The entries that the packets come from, each with the conditions they met; none where they are given."""
        return tuple((entry, ask()) for entry, ask in self._ways)

    @property
    def callers(self) -> tuple[Entry, ...]:
        """The entries that the packets come from; none where they are given."""
        return tuple([entry for entry, _ in self._ways])

    @property
    def outline(self) -> PacketSet:
        """The packets, as far as the rules look at them."""
        if self._outline is None:
            found = self._space.union(self._seen(*origin) for origin in self._grouped())
            self._outline = found if self._care is None else found & self._care
        return self._outline

    def _grouped(self) -> Iterable[tuple[Entry, PacketSet]]:
        """The origins, each once with all conditions that lead here: these are simple sets, and an outline is not."""
        found: dict[Entry, list[PacketSet]] = {}
        for origin, packets in self.origins:
            found.setdefault(origin, []).append(packets)
        return ((origin, self._space.union(conditions)) for origin, conditions in found.items())

    def _seen(self, origin: Entry, packets: PacketSet) -> PacketSet:
        """What comes from an origin, as far as the rules look at it."""
        came = origin.outline & packets
        return came if self._looked_at is None else came.without(origin._told_apart - self._looked_at)

    @property
    def _told_apart(self) -> frozenset[str]:
        """The fields on which the outline, and what its rules ask, may depend."""
        if self._looked_at is None:
            return frozenset(self._space.fields)
        return self._looked_at if self._care is None else self._looked_at | self._care.depends_on

    @property
    def exact(self) -> PacketSet:
        """The packets, as they came to the host."""
        if self._exact is None:
            self._exact = self._space.union(origin.exact & packets for origin, packets in self._grouped())
        return self._exact

    def meets(self, packets: PacketSet) -> bool:
        """Whether any of the packets is among some others, as far as the outline tells.

        Asked first of the packets from one source: rules are met by most, and the
        outline may tell apart thousands.
        """
        return self.some.meets(packets) or (self.some is not self.outline and self.outline.meets(packets))

    @property
    def some(self) -> PacketSet:
        """Those from one source, as far as the rules look at them; all of them where that is a small set."""
        if self._some is None:
            self._some = self.outline.some({"src": _SOMEWHERE})
        return self._some


EntryWay = tuple[Entry, Callable[[], PacketSet]]
"""An entry, and how to find out what is asked of its packets on their way to another."""


class Reach:
    """Which packets get to a rule at a hook, and which of them match.

    All are packets as they came to the host, whatever has become of them on the
    way; ``values`` says what that is.  Of packets outside ``care``, None for all,
    none gets there, and what is said of them in ``matching`` means nothing.
    """

    __slots__ = ("hook", "step", "entry", "values", "care", "_meetings", "_number", "_is_met")

    def __init__(
        self,
        hook: Hook,
        step: Step,
        entry: Entry,
        values: Values,
        meetings: Meetings,
        number: int = 0,
        care: PacketSet | None = None,
    ) -> None:
        self.hook = hook
        self.step = step
        self.entry = entry
        self.values = values
        self.care = care
        self._meetings = meetings
        self._number = number
        self._is_met: bool | None = None

    @property
    def passing(self) -> PacketSet:
        """What is asked of a packet of the entry, so that it gets to the rule."""
        return self._meetings.passing(self._number)

    @property
    def matching(self) -> PacketSet:
        """What is asked of a packet of the entry, so that it gets to the rule and matches."""
        return self._meetings.matching(self._number)

    @property
    def is_met(self) -> bool:
        """Whether any packet that gets there matches."""
        if self._is_met is None:
            self._is_met = self.entry.meets(self.matching)
        return self._is_met

    @property
    def arrives(self) -> PacketSet:
        """The packets that get to the rule."""
        return self.entry.exact & self.passing

    @property
    def matches(self) -> PacketSet:
        """The packets that get to the rule and match."""
        return self.entry.exact & self.matching


def reach_of(hook: Hook, step: Step, alive: PacketSet, hit: PacketSet, values: Values) -> Reach:
    """A rule to which just some packets get, of which some match."""
    everything = alive.space.everything
    meetings = Meetings({}, lambda: (Meeting(everything, hit, everything),))
    return Reach(hook, step, Entry.of(alive), values, meetings)


class PolicyReach(NamedTuple):
    """Which packets get to the end of a base chain, and what its policy does with them."""

    hook: Hook
    policy: str
    alive: Alive

    @property
    def arrives(self) -> PacketSet:
        """The packets that get there, as they came to the host."""
        return self.alive.exact
