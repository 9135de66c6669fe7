"""A set of packets: an immutable value with the operators of sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_SIMPLE = 500
"""So many nodes are not worth choosing from."""


class PacketSet:
    """A set of packets of one space.

    ``a & b``, ``a | b``, ``a - b``, ``~a``, ``a <= b`` and ``a == b`` mean what they
    mean for sets.  Every operation may raise TooLarge.
    """

    __slots__ = ("space", "function")

    def __init__(self, space: Any, function: Any) -> None:
        self.space = space
        self.function = function

    def __and__(self, other: PacketSet) -> PacketSet:
        return PacketSet(self.space, self.function & other.function)

    def __or__(self, other: PacketSet) -> PacketSet:
        return PacketSet(self.space, self.function | other.function)

    def __sub__(self, other: PacketSet) -> PacketSet:
        return PacketSet(self.space, self.function & ~other.function)

    def __xor__(self, other: PacketSet) -> PacketSet:
        return PacketSet(self.space, self.function ^ other.function)

    def __invert__(self) -> PacketSet:
        return PacketSet(self.space, ~self.function)

    def __le__(self, other: PacketSet) -> bool:
        return not (self.function & ~other.function).satisfiable()

    def __ge__(self, other: PacketSet) -> bool:
        return other <= self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PacketSet) and bool(self.function == other.function)

    def __hash__(self) -> int:
        return hash(self.function)

    @property
    def depends_on(self) -> frozenset[str]:
        """The fields that tell whether a packet is in it."""
        fields: frozenset[str] = self.space.depends_on(self.function)
        return fields

    def is_empty(self) -> bool:
        """Whether it holds no packet at all."""
        return not self.function.satisfiable()

    def is_everything(self) -> bool:
        """Whether it holds all packets of its space."""
        return bool(self.function.valid())

    def is_constant(self) -> bool:
        """Whether it is everything or nothing."""
        return self.is_empty() or self.is_everything()

    def meets(self, other: PacketSet) -> bool:
        """Whether the two have a packet in common."""
        return bool((self.function & other.function).satisfiable())

    def choose(self, then: PacketSet, otherwise: PacketSet) -> PacketSet:
        """The packets of ``then`` that are in this set, and those of ``otherwise`` that are not."""
        return PacketSet(self.space, self.function.ite(then.function, otherwise.function))

    def possibly(self) -> PacketSet:
        """The packets that are in it for some answer to what is unknown."""
        return PacketSet(self.space, self.function.exists(self.space.variables_of((), unknown=True)))

    def surely(self) -> PacketSet:
        """The packets that are in it whatever the answers to what is unknown."""
        return PacketSet(self.space, self.function.forall(self.space.variables_of((), unknown=True)))

    def onto(self, names: Iterable[str]) -> PacketSet:
        """What is left when only these fields are looked at: the other fields and the unknown may be anything."""
        others = self.space.fields.keys() - frozenset(names)
        return PacketSet(self.space, self.function.exists(self.space.variables_of(others, unknown=True)))

    def without(self, names: Iterable[str]) -> PacketSet:
        """What is left when these fields may be anything."""
        return PacketSet(self.space, self.function.exists(self.space.variables_of(names)))

    def size(self) -> float:
        """The share of all packets that it holds, from 0 to 1; the unknown counts like bits of a packet."""
        return float(self.function.sat_count_float(0))

    def assignment(self) -> list[bool | None] | None:
        """The bits of one of its packets, None where either will do; None when it is empty."""
        found: list[bool | None] | None = self.function.pick_cube()
        return found

    def nearest(self, numbers: Mapping[str, int]) -> dict[str, int]:
        """These fields of one of its packets: bit by bit as ``numbers`` says, unless no packet is left then.

        The first field of the space goes first, and of each the highest bit.  The
        set must not be empty.
        """
        return {**numbers, **self._nearest(numbers)}

    def some(self, numbers: Mapping[str, int]) -> PacketSet:
        """A few of its packets: those that have these fields of the nearest one, as far as they tell it from others.

        All of them where the set is so simple that it is not worth the choice.
        """
        if self.function.node_count() <= _SIMPLE:
            return self
        chosen: PacketSet = self.space.only(self._nearest(numbers))
        return self & chosen

    def _nearest(self, numbers: Mapping[str, int]) -> dict[str, int]:
        """The fields that were looked at on the way to the nearest packet."""
        found: dict[str, int] = {}
        function = self.function
        while (variable := function.node_var()) is not None:
            name, place = self.space.bit_of(variable)
            wanted = name in numbers
            bit = found.setdefault(name, numbers[name]) >> place & 1 if wanted else 0
            then, otherwise = function.cofactors()
            function = then if bit else otherwise
            if not function.satisfiable():
                function = otherwise if bit else then
                if wanted:
                    found[name] ^= 1 << place
        return found
