"""Packets on their way, and the gates behind which fewer of them are left.

Which packets get through a large table may be a very large set.  It is put
together when somebody asks for it; to ask for some packets only is cheaper.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from rulec.packetset.packetset import PacketSet
from rulec.semantics.place import Hook
from rulec.semantics.program import Step

Told = Callable[[Hook, Step, PacketSet], None]
"""What is told of a rule at a hook, and the packets that match."""


class Gate(Protocol):
    """Something at which packets may be stopped."""

    @property
    def is_large(self) -> bool:
        """Whether it takes long to say what gets through."""

    def through(self, packets: PacketSet) -> PacketSet:
        """Those of the packets that get through, where these are all that come."""

    def among(self, packets: PacketSet, met: Told | None = None) -> PacketSet:
        """The same, where these are a few; ``met`` is told of the rules that they match."""


class Sieve(NamedTuple):
    """A gate that lets through what is in a set."""

    chosen: PacketSet
    is_large: bool = False

    def through(self, packets: PacketSet) -> PacketSet:
        """Those of the packets that are in the set."""
        return packets & self.chosen

    def among(self, packets: PacketSet, met: Told | None = None) -> PacketSet:
        """The same."""
        return packets & self.chosen


class LateSieve(NamedTuple):
    """The same, where it is found out what is in the set when somebody asks."""

    find: Callable[[], PacketSet]
    is_large: bool = False

    def through(self, packets: PacketSet) -> PacketSet:
        """Those of the packets that are in the set."""
        return packets & self.find()

    def among(self, packets: PacketSet, met: Told | None = None) -> PacketSet:
        """The same."""
        return packets & self.find()


class GateForSome(NamedTuple):
    """A gate for those in a set, which is open to all others."""

    chosen: PacketSet
    gate: Gate

    @property
    def is_large(self) -> bool:
        """Whether it takes long to say what gets through."""
        return self.gate.is_large

    def through(self, packets: PacketSet) -> PacketSet:
        """Those of the packets that get through."""
        return self.gate.through(packets & self.chosen) | (packets - self.chosen)

    def among(self, packets: PacketSet, met: Told | None = None) -> PacketSet:
        """The same, where these are a few; ``met`` is told of the rules that they match."""
        return self.gate.among(packets & self.chosen, met) | (packets - self.chosen)


class Alive:
    """The packets that have come through some gates; ``start`` are those that came to the first."""

    __slots__ = ("_start", "_last", "_exact", "_rough")

    def __init__(self, start: PacketSet, last: tuple[Alive, Gate] | None = None) -> None:
        self._start = start
        self._last = last
        self._exact = self._rough = None if last else start

    def behind(self, gate: Gate) -> Alive:
        """Those that come through another gate, too."""
        return Alive(self._start, (self, gate))

    @property
    def exact(self) -> PacketSet:
        """All of them."""
        if self._exact is None:
            before, gate = self._known
            self._exact = gate.through(before.exact)
        return self._exact

    @property
    def rough(self) -> PacketSet:
        """All of them, and those that only large gates have stopped."""
        if self._rough is None:
            before, gate = self._known
            self._rough = before.rough if gate.is_large else gate.through(before.rough)
        return self._rough

    def among(self, packets: PacketSet, met: Told | None = None) -> PacketSet:
        """Those of a few packets that are among them; ``met`` is told of the rules that these match on their way."""
        if self._last is None:
            return packets & self._start
        before, gate = self._last
        return gate.among(before.among(packets, met), met)

    @property
    def _known(self) -> tuple[Alive, Gate]:
        assert self._last is not None
        return self._last
