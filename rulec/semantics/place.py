"""Where a rule looks at a packet, and what the packet is by then."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import cached_property, partial
from typing import Any, NamedTuple, TypeVar

from rulec.model import Family, Use
from rulec.packetset.fields import STATES
from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import Space
from rulec.packetset.vector import Vector

T = TypeVar("T")


class Hook(NamedTuple):
    """A table at a hook, on one of the ways that a packet can take through the host.

    ``path`` is "arriving" before the host has decided where a packet goes.
    """

    path: str
    name: str
    table: str

    @property
    def has_input(self) -> bool:
        """Whether the kernel tells matches by which interface the packet came."""
        return self.name in ("PREROUTING", "INPUT", "FORWARD") or (self.name, self.path) == ("POSTROUTING", "forward")

    @property
    def has_output(self) -> bool:
        """Whether the kernel tells matches by which interface the packet leaves."""
        return self.name in ("FORWARD", "OUTPUT", "POSTROUTING")


class Values(Mapping[str, Vector]):
    """The fields that have changed on the way: each is a number that depends on the packet as it arrived."""

    __slots__ = ("_items", "_hash")

    def __init__(self, items: Mapping[str, Vector]) -> None:
        self._items = dict(items)
        self._hash = hash(frozenset(self._items.items()))

    def __getitem__(self, name: str) -> Vector:
        return self._items[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Values) and self._items == other._items

    def changed(self, changes: Mapping[str, Vector]) -> Values:
        """The values after some of them became others."""
        return Values({**self._items, **changes}) if changes else self


class Condition(NamedTuple):
    """One thing that a rule asks of a packet; ``use`` is the option that asks it, None for what goes without saying."""

    use: Use | None
    packets: PacketSet


class Place:
    """A packet where a rule looks at it.

    ``values`` are its fields as far as they have changed; ``visit`` names this
    look at it, and no other, of this rule and no other.  Only the packets of ``care``
    matter, None for all.
    """

    def __init__(
        self,
        space: Space,
        family: Family,
        hook: Hook,
        values: Values,
        memory: Memory,
        visit: Hashable = None,
        care: PacketSet | None = None,
    ) -> None:
        self.space = space
        self.family = family
        self.values = values
        self.memory = memory
        self.visit = visit
        self.care = care
        self.asks_where = False
        """Whether anything depended on where the packet is looked at, and not only on what it is by then."""
        self._hook = hook
        self._fields: set[str] = set()
        self._changed: set[Vector | PacketSet] = set()

    @property
    def hook(self) -> Hook:
        """The table at a hook in which the packet is looked at."""
        self.asks_where = True
        return self._hook

    @property
    def where(self) -> Hashable:
        """What tells this look from others at the same packet."""
        return self._hook, self.visit

    @property
    def asked(self) -> frozenset[str]:
        """The fields of the arriving packet on which everything that was looked at so far depends."""
        return frozenset(self._fields).union(*(value.depends_on for value in self._changed))

    def field(self, name: str) -> Vector:
        """A field as it is by now."""
        value = self.values.get(name)
        if value is not None:
            self._changed.add(value)
            return self._to_those_that_matter(name, value)
        if name in self.space.fields or name == "state":
            self._fields.add("ctstate" if name == "state" else name)
        return _as_it_came(name, self.space)

    def _to_those_that_matter(self, name: str, value: Vector) -> Vector:
        """A number, or the field as it came if all packets that matter still have that: it is quicker to look at."""
        care, before = self.care, _as_it_came(name, self.space)
        if care is None:
            return value
        key = ("as it came", name, self.values, care)
        return before if self.memory.once(key, lambda: before.is_same_for(care, value)) else value

    def flag(self, name: str) -> PacketSet:
        """The packets in which a field of one bit is set by now."""
        return self.field(name).bit(0)

    def protocol(self, *numbers: int) -> PacketSet:
        """The packets of these protocols."""
        return self.field("proto").among(numbers)

    def in_state(self, *names: str) -> PacketSet:
        """The packets that are in one of these connection states."""
        return self.field("state").among(STATES.index(name) for name in names)

    @cached_property
    def has_header(self) -> PacketSet:
        """The packets that hold the header of their protocol: all but the later fragments of one."""
        return ~self.flag("later_fragment")

    @cached_property
    def has_connection(self) -> PacketSet:
        """The packets that have an entry in the tracking table attached to them."""
        return self.in_state("NEW", "ESTABLISHED", "RELATED")

    def unknown(self, key: Hashable) -> PacketSet:
        """The packets of which a match holds that nobody can know from here.

        The answer is the same wherever the same text looks at a packet that has
        not changed in between, and may be another one where it has.
        """
        answer = self.memory.answer(self.space, (key, self.hook.name), self.values)
        self._changed.add(answer)
        return answer

    def unknown_here(self, key: Hashable) -> PacketSet:
        """The packets of which something unknown holds that may be otherwise each time that it is asked."""
        answer = self.memory.answer(self.space, (self.visit, self.hook, "here", key), self.values)
        self._changed.add(answer)
        return answer

    def unknown_number(self, key: Hashable, bits: int) -> Vector:
        """A number that may be another one each time that it is asked for."""
        answers = (
            self.memory.answer(self.space, (self.visit, self.hook, key, bit), self.values) for bit in range(bits)
        )
        return Vector(self.space, tuple([answer.function for answer in answers]))


def _as_it_came(name: str, space: Space) -> Vector:
    """A field that no rule has changed."""
    if name == "state":
        return space.constant(1, 0).joined(space.field("ctstate"))
    if name not in space.fields:
        return space.constant(8, 0)  # a set of ipset(8), as it was at first
    return space.field(name)


class Asked(NamedTuple):
    """The packets that a rule matches at a place, and the fields of the arriving packet on which that depends.

    ``asks_where`` says whether it depends on the place, too, and not only on what the packet is there.
    """

    packets: PacketSet
    fields: frozenset[str]
    asks_where: bool


class Memory:
    """What was asked already, and what the answers to unknown questions were asked of: fields may have changed since.

    Shared by all rulesets that are compared in one space.
    """

    def __init__(self) -> None:
        self.asked: dict[Hashable, dict[Hashable, Asked]] = {}
        """What rules ask, by their matches and the fields by then; and by where they look, if that matters."""
        self.rewritten: dict[Hashable, PacketSet] = {}
        """What the NAT of the first ruleset makes of packets, by path and hook."""
        self._answers: dict[Hashable, list[tuple[Values, PacketSet]]] = {}
        self._values: dict[Values, Values] = {}
        self._made: dict[Hashable, Any] = {}
        self._numbers: dict[Hashable, int] = {}

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What is worth making once for all rulesets."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]  # type: ignore[no-any-return]

    def number(self, text: Hashable) -> int:
        """A short name for something long."""
        return self._numbers.setdefault(text, len(self._numbers))

    def known(self, values: Values) -> Values:
        """The same values: equal ones are one object from here on, so that they are soon found equal."""
        return self._values.setdefault(values, values)

    def answer(self, space: Space, key: Hashable, values: Values) -> PacketSet:
        """The packets for which the answer is yes."""
        earlier = self._answers.setdefault(key, [])
        for asked, answer in earlier:
            if asked == values:
                return answer
        answer = space.unknown((key, len(earlier)))
        for asked, known in reversed(earlier):
            same = self.once(("agreement", asked, values), partial(_agreement, space, asked, values))
            answer = same.choose(known, answer)
        earlier.append((values, answer))
        return answer


_NOT_ASKED = frozenset(("state", "attached"))
"""What no match reads of which the answer is unknown: those that ask for a connection ask for it beside."""

_LARGEST_AGREEMENT = 10_000
"""Nodes beyond which two answers are taken to be independent: they are then no less true, and less precise."""

_OF_TUPLES = ("orig_", "repl_")
"""How the names of fields begin that hold what a connection is known by: NAT turns packets back to these."""

_ENDS = ("src", "dst", "proto", "sport", "dport", "src_type", "dst_type", "iif", "prior", "later_fragment")


def _agreement(space: Space, one: Values, other: Values) -> PacketSet:
    """The packets of which all fields are the same in both, or fewer where that is hard to say.

    Where it is, what a connection is known by is not looked at, and in the end only
    the ends are, of packets that differ: more packets have the same.
    """
    tuples = [name for name in space.fields if name.startswith(_OF_TUPLES)]
    outlines: tuple[Callable[[PacketSet], PacketSet], ...] = (
        lambda different: different,
        lambda different: different.without(tuples),
        lambda different: different.onto(_ENDS),
    )
    tries = (_same(space, one, other, outline) for outline in outlines)
    return next((found for found in tries if found is not None), space.nothing)


def _same(space: Space, one: Values, other: Values, outline: Callable[[PacketSet], PacketSet]) -> PacketSet | None:
    """The packets outside of what differs, None where that is too large."""
    same = space.everything
    for name in sorted({*one, *other} - _NOT_ASKED):
        if name not in space.fields and not (name in one and name in other):
            return space.nothing
        pair = [values.get(name) or space.field(name) for values in (one, other)]
        for bit, another in zip(pair[0].bits, pair[1].bits, strict=True):
            if bit != another:
                same -= outline(PacketSet(space, bit ^ another))
                if same.is_empty():
                    return same
                if same.function.node_count() > _LARGEST_AGREEMENT:
                    return None
    return same
