"""Which packets get to the rules of a walk, and which of them match."""

from __future__ import annotations

from typing import NamedTuple

from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import Space
from rulec.semantics.alive import Alive
from rulec.semantics.place import Hook, Values
from rulec.semantics.program import Step

_SOMEWHERE = 0xC6336407
"""The source of packets that are asked first: an address from outside, of which rules know nothing."""


class Entry:
    """The packets that get to some rules: those of other entries that met certain conditions.

    ``outline`` tells of them as much as these rules look at; both it and the
    whole truth, which may be very large, are put together when somebody asks.
    """

    __slots__ = ("_space", "_origins", "_looked_at", "_outline", "_exact", "_some")

    def __init__(
        self, space: Space, origins: tuple[tuple[Entry, PacketSet], ...], looked_at: frozenset[str] | None = None
    ) -> None:
        self._space = space
        self._origins = origins
        self._looked_at = looked_at
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
    def origins(self) -> tuple[tuple[Entry, PacketSet], ...]:
        """The entries that the packets come from, each with the conditions they met; none where they are given."""
        return self._origins

    @property
    def outline(self) -> PacketSet:
        """The packets, as far as the rules look at them."""
        if self._outline is None:
            found = self._space.union(origin.outline & packets for origin, packets in self._origins)
            unseen = frozenset[str]() if self._looked_at is None else self._space.fields.keys() - self._looked_at
            self._outline = found.without(unseen) if unseen else found
        return self._outline

    @property
    def exact(self) -> PacketSet:
        """The packets, as they came to the host."""
        if self._exact is None:
            self._exact = self._space.union(origin.exact & packets for origin, packets in self._origins)
        return self._exact

    def meets(self, packets: PacketSet) -> bool:
        """Whether any of the packets is among some others, as far as the outline tells.

        Asked first of the packets from one source: rules are met by most, and the
        outline may tell apart thousands.
        """
        return self.some.meets(packets) or self.outline.meets(packets)

    @property
    def some(self) -> PacketSet:
        """Those from one source, as far as the rules look at them."""
        if self._some is None:
            self._some = _from_one_source(self.outline)
        return self._some


class Reach:
    """Which packets get to a rule at a hook, and which of them match.

    All are packets as they came to the host, whatever has become of them on the
    way; ``values`` says what that is.  Of packets outside ``care`` none gets
    there, and ``matching`` leaves them out; None is for all packets.
    """

    __slots__ = ("hook", "step", "entry", "passing", "matching", "values", "care", "_is_met")

    def __init__(
        self,
        hook: Hook,
        step: Step,
        entry: Entry,
        passing: PacketSet,
        matching: PacketSet,
        values: Values,
        care: PacketSet | None = None,
    ) -> None:
        self.hook = hook
        self.step = step
        self.entry = entry
        self.passing = passing
        self.matching = matching
        self.values = values
        self.care = care
        self._is_met: bool | None = None

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


class PolicyReach(NamedTuple):
    """Which packets get to the end of a base chain, and what its policy does with them."""

    hook: Hook
    policy: str
    alive: Alive

    @property
    def arrives(self) -> PacketSet:
        """The packets that get there, as they came to the host."""
        return self.alive.exact


def _from_one_source(packets: PacketSet) -> PacketSet:
    return packets if packets.is_empty() else packets.some({"src": _SOMEWHERE})
