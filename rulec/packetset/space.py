"""The space of all packets: which bits are which field, and how sets of packets are made.

A set is a Boolean function over the bits of the fields, held as a binary
decision diagram with complement edges.  The order of the fields is the order of
the variables, and decides whether a diagram is small or does not fit at all.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import partial
from mmap import mmap
from typing import Any, NamedTuple, TypeVar

from rulec.packetset.engine import BCDDManager
from rulec.packetset.engine import DDMemoryError as TooLarge
from rulec.packetset.names import Classes
from rulec.packetset.packetset import PacketSet
from rulec.packetset.vector import Vector

__all__ = ["Field", "Space", "TooLarge"]

BYTES_OF_A_NODE = 32
"""What one node costs, its share of the tables included (measured with oxidd 0.13: 30)."""

_MOST_NODES = (1 << 32) - 2
"""Nodes are numbered with 32 bits, and one number more is taken (oxidd 0.13 ends the program beyond)."""
_STACK = 1 << 30
"""What oxidd 0.13 asks for as the stack of a thread; of this no more is taken than is used."""

DEFAULT_MEMORY = 2 << 30
_LARGEST_CACHE = 1 << 19
_MOST_NODES_TO_READ = 2000

_Thing = TypeVar("_Thing")


class Field(NamedTuple):
    """A field of a packet: its width in bits, and the words or names that its numbers stand for.

    The last of ``choices`` stands for all numbers from its own on, so that every
    number means something.  A ``guessed`` one is no part of the packet: it is
    unknown, and stands among the fields for the sake of the order.
    """

    name: str
    bits: int
    choices: tuple[str, ...] = ()
    names: Classes | None = None
    guessed: bool = False


class Space:
    """All packets, described by ``fields``; their order is that of the variables.

    ``memory`` is a limit in bytes; an operation that would need more raises TooLarge,
    and ``collect`` makes room again.  What nobody refers to any more is collected in
    the background, which lags behind where the limit is below some 32 MB (measured).
    Where this machine does not give a program so much, the limit is lower.
    """

    def __init__(self, fields: Iterable[Field], memory: int = DEFAULT_MEMORY, cache: int = _LARGEST_CACHE) -> None:
        fields = tuple(fields)
        self.fields = {field.name: field for field in fields if not field.guessed}
        self._manager = BCDDManager(room(memory) // BYTES_OF_A_NODE, cache, 1)
        self._vectors: dict[str, Vector] = {}
        self._places: dict[str, range] = {}
        self._bits: list[tuple[str, int]] = []
        self._unknown: dict[Hashable, PacketSet] = {}
        self._made: dict[Hashable, Any] = {}
        for field in fields:
            self._places[field.name] = self._manager.add_vars(field.bits)
            known = "" if field.guessed else field.name
            self._bits.extend((known, place) for place in range(field.bits - 1, -1, -1))
        guessed = (place for place, (name, _) in enumerate(self._bits) if not name)
        self._variables_of_unknown = self.variables(guessed), len(self._bits)
        self.everything = PacketSet(self, self._manager.true())
        self.nothing = PacketSet(self, self._manager.false())

    def field(self, name: str) -> Vector:
        """The bits of a field, the highest first; KeyError where there is no such field."""
        if name not in self._vectors:
            places = self._places[name]
            self._vectors[name] = Vector(self, tuple([self._manager.var(place) for place in places]))
        return self._vectors[name]

    def flag(self, name: str) -> PacketSet:
        """The packets in which a field of one bit is set."""
        return self.field(name).bit(0)

    def constant(self, bits: int, value: int) -> Vector:
        """A number that is the same in every packet."""
        ends = (self.nothing.function, self.everything.function)
        return Vector(self, tuple([ends[value >> place & 1] for place in range(bits - 1, -1, -1)]))

    def unknown(self, key: Hashable) -> PacketSet:
        """Packets for which something holds that nobody can know from here: one answer for one key."""
        if key not in self._unknown:
            self._unknown[key] = PacketSet(self, self._manager.var(self._manager.add_vars(1).start))
        return self._unknown[key]

    def unknown_number(self, key: Hashable, bits: int) -> Vector:
        """A number that nobody can know from here: one for one key."""
        return Vector(self, tuple([self.unknown((key, place)).function for place in range(bits)]))

    def union(self, sets: Iterable[PacketSet]) -> PacketSet:
        """The packets of any of the sets, joined pairwise so that no large one is touched often."""
        joined = list(sets) or [self.nothing]
        while len(joined) > 1:
            pairs = zip(joined[::2], joined[1::2], strict=False)
            joined = [left | right for left, right in pairs] + joined[len(joined) & ~1 :]
        return joined[0]

    def intersection(self, sets: Iterable[PacketSet]) -> PacketSet:
        """The packets of all of the sets, joined from the lowest up: each then hangs on what is there already."""
        found, *higher = sorted(sets, key=_height) or [self.everything]
        for packets in higher:
            found = packets & found
        return found

    def only(self, numbers: Mapping[str, int]) -> PacketSet:
        """The packets of which these fields are these numbers."""
        found = self.everything
        for name in sorted(numbers, key=lambda name: self.places(name).start, reverse=True):
            found = self.field(name).equals(numbers[name]) & found
        return found

    def once(self, key: Hashable, make: Callable[[], _Thing]) -> _Thing:
        """What is worth making once for all sets of this space."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]  # type: ignore[no-any-return]

    def depends_on(self, function: Any) -> frozenset[str]:
        """The fields that a Boolean function looks at; all of them where it is too large to say."""
        key = ("depends on", function)
        if key not in self._made:
            self._made[key] = self._support(function)
        return self._made[key]  # type: ignore[no-any-return]

    def _support(self, function: Any) -> frozenset[str]:
        found, seen, stack = set(), {function}, [function]
        while stack:
            node = stack.pop()
            parts = node.cofactors()
            if parts is None:
                continue
            variable = node.node_var()
            found.add(self.bit_of(variable)[0])
            stack.extend(part for part in parts if part not in seen)
            seen.update(parts)
            if len(seen) > _MOST_NODES_TO_READ:
                return frozenset(self.fields)
        return frozenset(found - {""})

    def places(self, name: str) -> range:
        """The variables of a field, the highest bit first."""
        return self._places[name]

    def bit_of(self, variable: int) -> tuple[str, int]:
        """The field of a variable, and which of its bits it is, 0 for the lowest; no name for what is unknown."""
        return self._bits[variable] if variable < len(self._bits) else ("", 0)

    def unknown_keys(self) -> dict[Hashable, PacketSet]:
        """What is unknown, by key, in the order in which it was met."""
        return dict(self._unknown)

    def variables(self, places: Iterable[int]) -> Any:
        """The conjunction of some variables, as quantifiers want it; made from the last one up, a node for each."""
        function = self._manager.true()
        for place in sorted(places, reverse=True):
            function = self._manager.var(place) & function
        return function

    def variables_of(self, names: Iterable[str], unknown: bool = False) -> Any:
        """The variables of some fields, and of all that is unknown by now."""
        chosen, end = frozenset(names), self._manager.num_vars() if unknown else 0
        return self.once((chosen, end), lambda: self._variables_of(chosen, unknown))

    def _variables_of(self, names: frozenset[str], unknown: bool) -> Any:
        if unknown:
            return self.variables_of(names) & self._all_unknown()
        function = self._manager.true()
        for name in sorted(names & self.fields.keys(), key=lambda name: self._places[name].start, reverse=True):
            function = self.once(("variables", name), partial(self.variables, self._places[name])) & function
        return function

    def _all_unknown(self) -> Any:
        """The variables of all that is unknown; those that came last are hung below the others."""
        found, last = self._variables_of_unknown
        end = self._manager.num_vars()
        if end > last:
            found &= self.variables(range(last, end))
            self._variables_of_unknown = found, end
        return found

    def collect(self) -> None:
        """Give up the nodes that no set refers to."""
        self._manager.gc()

    def nodes(self) -> int:
        """How many nodes there are now."""
        return int(self._manager.approx_num_inner_nodes())


def _height(packets: PacketSet) -> int:
    """How high up the first variable stands on which a set depends: the higher the larger."""
    level = packets.function.node_level()
    return 0 if level is None else -level


def room(memory: int) -> int:
    """How many of the bytes that are allowed can be had here.

    oxidd asks for the room of all nodes at once, and ends the program where it gets none.
    """
    octets = min(max(memory, BYTES_OF_A_NODE << 10), BYTES_OF_A_NODE * _MOST_NODES)
    while octets > 1 << 20 and not _is_there(octets // 2):
        octets //= 2
    return octets


def _is_there(half: int) -> bool:
    """Whether there are two such halves, another for all else, and the stack of its thread."""
    try:
        with mmap(-1, half), mmap(-1, half), mmap(-1, half), mmap(-1, _STACK):
            return True
    except OSError:
        return False
