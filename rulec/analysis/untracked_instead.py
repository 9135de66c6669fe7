"""What would become of packets if no rule left them untracked.

The ruleset is walked a second time, without its NOTRACK rules.  Of a large one
that is a long way for an answer that a few packets often give: these are sent
through alone first, and all only where the few do not say enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from functools import cached_property
from typing import NamedTuple

from rulec.analysis.narrow import matches_among
from rulec.analysis.visits import Walked
from rulec.analysis.witness import ORDINARY
from rulec.model.protocols import UDP
from rulec.packetset.believable import sample
from rulec.packetset.packetset import PacketSet
from rulec.semantics import walk
from rulec.semantics.paths import Host, Way
from rulec.semantics.place import Memory
from rulec.semantics.plain import Setting
from rulec.semantics.program import Program, Step
from rulec.semantics.reach import Reach

_NEAR = {"proto": UDP, "dport": 53}
"""What is asked first besides where it comes from and goes to, as far as an ordinary packet does not say otherwise."""

_WANTED = ("src", "dst", "proto", "sport", "dport")

_LEFT_OPEN = ("iif", "oif", "tcp_flags", "mac", "has_mac")
_FROM = ("iif", "oif", "tcp_flags", "src")
_NO_NEIGHBOUR = {"mac": 0, "has_mac": 0}
"""What may be anything even of a few packets: rules let in by interfaces and neighbours what else is alike,
or by source; both together would be many.
"""


_MOST_ALONE = 10
"""How often a few packets are sent alone before it is shorter to walk the whole."""


class Sent(NamedTuple):
    """Some packets, and a way on which they are followed without any NOTRACK rule."""

    packets: PacketSet
    way: Way

    @property
    def passing(self) -> PacketSet:
        """Those that may get to the end."""
        return (self.packets & self.way.accepted).possibly()

    def matching(self, reach: Reach) -> PacketSet:
        """Those that may get to a rule and match it, where that rule stands with its NOTRACK rules and without."""
        same = (other for other in self.way.reaches if other.step == reach.step and other.hook == reach.hook)
        found: PacketSet = self.packets.space.union(matches_among(other, self.packets) for other in same)
        return found.possibly()


class Instead:
    """A ruleset as if it had none but the ``wanted`` rules."""

    def __init__(self, walked: Walked, wanted: Callable[[Step], bool]) -> None:
        self._walked = walked
        self._wanted = wanted
        self._family = walked.prepared.ruleset.family
        self._sent: dict[tuple[str, PacketSet], Sent] = {}

    @cached_property
    def whole(self) -> Walked:
        """The same, walked for all packets."""
        prepared = copy(self._walked.prepared)
        prepared.programs = {name: _without(program, self._wanted) for name, program in prepared.programs.items()}
        return Walked(prepared, self._walked.space)

    def all(self, path: str, packets: PacketSet) -> Sent:
        """Packets on a way."""
        return Sent(packets, self.whole.meaning.way(path))

    def pieces(self, path: str, packets: PacketSet) -> Iterator[Sent]:
        """A few of some packets on a way, then all of them: whatever is true of a few answers what asks for any."""
        if packets.is_empty():
            return
        if self.is_large and "whole" not in vars(self) and len(self._sent) < _MOST_ALONE:
            for few in self.few(packets):
                yield self.alone(path, few)
        yield self.all(path, packets)

    @property
    def is_large(self) -> bool:
        """Whether it takes long to say what becomes of all packets."""
        return any(program.size > walk.LARGE for program in self._walked.programs.values())

    def few(self, packets: PacketSet) -> Iterator[PacketSet]:
        """A few packets out of a set: such as are ordinary, and then others."""
        near, ordinary = {**ORDINARY[self._family.bits], **_NEAR}, _ordinary(packets)
        kinds = ({**near, **ordinary}, _LEFT_OPEN), (near, _LEFT_OPEN), ({**near, **_NO_NEIGHBOUR}, _FROM)
        for wanted, left_open in kinds:
            numbers = packets.nearest(wanted)
            yield packets & packets.space.only({name: numbers[name] for name in numbers if name not in left_open})

    def alone(self, path: str, packets: PacketSet) -> Sent:
        """Packets, best only a few, that are sent through every chain by themselves."""
        if (path, packets) not in self._sent:
            ways = self._by_steps.ways(packets)
            self._sent[path, packets] = Sent(packets, next(way for way in ways if way.path == path))
        return self._sent[path, packets]

    @cached_property
    def _by_steps(self) -> Host:
        """The host, with tables of which no chain is summed up: that would be for all packets."""
        programs = {name: _without(program, self._wanted) for name, program in self._walked.programs.items()}
        for program in programs.values():
            program.plain = frozenset()
        return Host(Setting(self._walked.space, self._family, Memory()), programs)


def _ordinary(packets: PacketSet) -> dict[str, int]:
    """The ends of a packet that a person would believe."""
    chosen = sample(packets)
    values = {name: chosen.get(name) for name in _WANTED} if chosen is not None else {}
    return {name: value for name, value in values.items() if isinstance(value, int)}


def _without(program: Program, wanted: Callable[[Step], bool]) -> Program:
    """A table with some of its rules; nothing was asked of it before that would be another answer now."""
    found = Program.__new__(Program)
    found.name = program.name
    found.chains = {
        name: chain._replace(steps=tuple(filter(wanted, chain.steps))) for name, chain in program.chains.items()
    }
    return found
