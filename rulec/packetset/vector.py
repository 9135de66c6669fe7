"""A number made of bits, each of which depends on the packet: a field, or what became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from rulec.packetset.packetset import PacketSet

_PIECE = 8
"""How many neighbouring bits of a number are compared at once."""


class Vector:
    """Bits from the highest to the lowest; each is a Boolean function of the packet.

    For a field as it arrived the functions are variables.  A rule that changes
    a field makes a new vector: the number then depends on which packets met the rule.
    """

    __slots__ = ("space", "bits", "_made", "_fields")

    def __init__(self, space: Any, bits: tuple[Any, ...]) -> None:
        self.space = space
        self.bits = bits
        self._made: dict[Any, PacketSet] = {}
        self._fields: frozenset[str] | None = None

    def __len__(self) -> int:
        return len(self.bits)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vector) and self.bits == other.bits

    def __hash__(self) -> int:
        return hash(self.bits)

    @property
    def depends_on(self) -> frozenset[str]:
        """The fields of the arriving packet on which the number depends."""
        if self._fields is None:
            self._fields = frozenset[str]().union(*(self.space.depends_on(bit) for bit in self.bits))
        return self._fields

    # ── sets of packets ──

    def bit(self, place: int) -> PacketSet:
        """The packets in which one bit is set; 0 is the lowest."""
        return PacketSet(self.space, self.bits[-1 - place])

    def equals(self, value: int) -> PacketSet:
        """The packets in which it is this number."""
        return self.masked(value, (1 << len(self.bits)) - 1)

    def masked(self, value: int, mask: int) -> PacketSet:
        """The packets in which the bits of a mask are those of ``value``; those outside the mask do not matter.

        A bit of the value outside the mask matches nothing, as in ``--mark 1/0``.
        """
        if value & ~mask:
            return self.space.nothing  # type: ignore[no-any-return]
        return self._once((value, mask, "masked"), lambda: self._masked(value, mask))

    def between(self, low: int, high: int) -> PacketSet:
        """The packets in which it is a number from ``low`` to ``high``, both included."""
        high = min(high, (1 << len(self.bits)) - 1)
        if low > high:
            return self.space.nothing  # type: ignore[no-any-return]
        same = (low ^ high).bit_length()
        if (low ^ high) + 1 == 1 << same and low & high == low:
            return self.masked(low, (1 << len(self.bits)) - (1 << same))
        return self._once((low, high, "range"), lambda: self._at_least(low) & ~self._at_least(high + 1))

    def among(self, values: Iterable[int]) -> PacketSet:
        """The packets in which it is one of these numbers."""
        chosen = tuple(sorted(set(values)))
        return self._once((chosen, "among"), lambda: self.space.union(self.between(*run) for run in _runs(chosen)))

    def same_as(self, other: Vector) -> PacketSet:
        """The packets in which two numbers of the same width are equal."""
        same = self.space.everything.function
        for one, another in zip(reversed(self.bits), reversed(other.bits), strict=True):
            same = one.equiv(another) & same
        return PacketSet(self.space, same)

    def is_same_for(self, packets: PacketSet, other: Vector) -> bool:
        """Whether another number is equal in all of some packets."""
        pairs = zip(self.bits, other.bits, strict=False)
        differ = (PacketSet(self.space, one ^ another) for one, another in pairs if one != another)
        return len(self) == len(other) and not any(packets.meets(bits) for bits in differ)

    # ── other numbers ──

    def where(self, condition: PacketSet, otherwise: Vector) -> Vector:
        """This number for the packets of a set, another one for the rest."""
        test = condition.function
        pairs = zip(self.bits, otherwise.bits, strict=True)
        return Vector(self.space, tuple([one if one == other else test.ite(one, other) for one, other in pairs]))

    def with_bits(self, mask: int, value: Vector | int) -> Vector:
        """The number with the bits of a mask taken from another."""
        other = self.space.constant(len(self), value) if isinstance(value, int) else value
        top = len(self) - 1
        pairs = enumerate(zip(self.bits, other.bits, strict=True))
        return Vector(self.space, tuple([new if mask >> (top - place) & 1 else old for place, (old, new) in pairs]))

    def flipped(self, mask: int) -> Vector:
        """The number with the bits of a mask turned over."""
        top = len(self) - 1
        bits = [~bit if mask >> (top - place) & 1 else bit for place, bit in enumerate(self.bits)]
        return Vector(self.space, tuple(bits))

    def xored(self, other: Vector) -> Vector:
        """The bits in which two numbers differ."""
        return Vector(self.space, tuple([one ^ another for one, another in zip(self.bits, other.bits, strict=True)]))

    def part(self, low: int, bits: int) -> Vector:
        """Some bits as a number of their own; ``low`` is the lowest of them."""
        end = len(self) - low
        return Vector(self.space, self.bits[end - bits : end])

    def joined(self, lower: Vector) -> Vector:
        """A longer number: these bits, and those of another below them."""
        return Vector(self.space, self.bits + lower.bits)

    def shifted(self, places: int) -> Vector:
        """The number shifted left, or right where ``places`` is negative, in the same width."""
        width, none = len(self), self.space.nothing.function
        if abs(places) >= width:
            return Vector(self.space, (none,) * width)
        if places >= 0:
            return Vector(self.space, self.bits[places:] + (none,) * places)
        return Vector(self.space, (none,) * -places + self.bits[:places])

    def raised(self, amount: int) -> Vector:
        """The number and ``amount``, but at most the largest that fits."""
        full = (1 << len(self)) - 1
        room = self.between(0, full - amount)
        return self._sum(amount).where(room, self.space.constant(len(self), full))

    def lowered(self, amount: int) -> Vector:
        """The number less ``amount``, but at least 0."""
        full = 1 << len(self)
        return self._sum((full - amount) % full).where(self._from(amount), self.space.constant(len(self), 0))

    # ── how ──

    def _once(self, key: Any, make: Callable[[], PacketSet]) -> PacketSet:
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def _masked(self, value: int, mask: int) -> PacketSet:
        """Put together from the lowest piece to the highest: every set has its top where the next one joins it."""
        found: PacketSet = self.space.everything
        for low in range(0, len(self.bits), _PIECE):
            part = mask >> low & (1 << _PIECE) - 1
            if part:
                found &= self._piece(low, value >> low & part, part)
        return found

    def _piece(self, low: int, value: int, mask: int) -> PacketSet:
        """The packets in which some neighbouring bits are those of a value; many numbers have pieces in common."""
        return self._once((low, value, mask, "piece"), lambda: self._made_piece(low, value, mask))

    def _made_piece(self, low: int, value: int, mask: int) -> PacketSet:
        function = self.space.everything.function
        for place, bit in enumerate(reversed(self.bits[max(len(self.bits) - low - _PIECE, 0) : len(self.bits) - low])):
            if mask >> place & 1:
                function = (bit if value >> place & 1 else ~bit) & function
        return PacketSet(self.space, function)

    def _from(self, low: int) -> PacketSet:
        return self.between(low, (1 << len(self)) - 1)

    def _at_least(self, low: int) -> PacketSet:
        if low >> len(self.bits):
            return self.space.nothing  # type: ignore[no-any-return]
        function = self.space.everything.function
        for place, bit in enumerate(reversed(self.bits)):
            function = bit & function if low >> place & 1 else bit | function
        return PacketSet(self.space, function)

    def _sum(self, amount: int) -> Vector:
        bits: list[Any] = []
        carry = self.space.nothing.function
        for place, bit in enumerate(reversed(self.bits)):
            added = amount >> place & 1
            bits.append(~(bit ^ carry) if added else bit ^ carry)
            carry = bit | carry if added else bit & carry
        return Vector(self.space, tuple(reversed(bits)))


def _runs(values: tuple[int, ...]) -> list[tuple[int, int]]:
    """Neighbouring numbers as ranges."""
    runs: list[tuple[int, int]] = []
    for value in values:
        if runs and runs[-1][1] + 1 == value:
            runs[-1] = (runs[-1][0], value)
        else:
            runs.append((value, value))
    return runs
