"""What the packet sets foretell of one packet: which rules and policies count it, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any, NamedTuple

from rulec.packetset.fields import ADDRESS_TYPES, fields, guessed_names
from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import Space
from rulec.packetset.vector import Vector
from rulec.semantics.paths import Way
from rulec.semantics.place import Memory
from rulec.semantics.place import Place as At
from rulec.semantics.program import Program, Step
from rulec.semantics.reach import Reach
from rulec.semantics.rule import conditions
from rulec.semantics.ruleset import Prepared, meaning
from rulec.syntax.ruleset import Ruleset
from tests.kernel.fuzz.counters import POLICY, Place
from tests.kernel.fuzz.fields import Fields
from tests.kernel.fuzz.topology import LINKS

Known = Callable[[Hashable], bool | None]
"""The answer to a question that a ruleset leaves open, for one packet; None where that is open here too."""

Valuation = frozenset[int]
"""The variables that are true of a packet; all others are false."""

_MEMORY = 64 << 20
_CACHE = 1 << 16
_SHORT = {
    "--source": "-s",
    "--destination": "-d",
    "--in-interface": "-i",
    "--out-interface": "-o",
    "--protocol": "-p",
    "--fragments": "-f",
}


class Met:
    """A rule that packets meet, at a hook."""

    __slots__ = ("place", "reach", "arrives", "matches")

    def __init__(self, place: Place, reach: Reach, arrives: Tested, matches: Tested) -> None:
        self.place = place
        self.reach = reach
        self.arrives = arrives
        self.matches = matches


class Tested:
    """A set that packets are tested for, with its bounds where it depends on what stays open."""

    __slots__ = ("packets", "low", "high")

    def __init__(self, packets: PacketSet, opened: Any) -> None:
        self.packets = packets
        function = packets.function
        self.low = self.high = function
        if opened is not None:
            self.low, self.high = function.forall(opened), function.exists(opened)

    def holds(self, packet: Valuation) -> bool | None:
        """Whether it holds a packet; None where that is open."""
        low = holds(self.low, packet)
        if low or self.high is self.low:
            return low
        return None if holds(self.high, packet) else False


def holds(function: Any, packet: Valuation) -> bool:
    """What a function is for a packet: from its root down, which is faster than to hand over all variables."""
    variable = function.node_var()
    while variable is not None:
        function = function.cofactor_true() if variable in packet else function.cofactor_false()
        variable = function.node_var()
    return bool(function.valid())


def settled(function: Any, packet: Valuation, free: frozenset[int]) -> Valuation | None:
    """The packet with the free variables such that it is in a set, as few of them changed as the order allows.

    None where there is no such choice.
    """
    dead: set[Any] = set()

    def sought(node: Any) -> tuple[tuple[int, bool], ...] | None:
        variable = node.node_var()
        if variable is None:
            return () if node.valid() else None
        if node in dead:
            return None
        preferred = variable in packet
        for chosen in (preferred, not preferred) if variable in free else (preferred,):
            rest = sought(node.cofactor_true() if chosen else node.cofactor_false())
            if rest is not None:
                return ((variable, chosen), *rest) if variable in free else rest
        dead.add(node)
        return None

    found = sought(function)
    if found is None:
        return None
    chosen_places = {place for place, _ in found}
    return (packet - chosen_places) | {place for place, value in found if value}


class Foretold(NamedTuple):
    """What becomes of a packet: the places that count it, those that perhaps do, and whether it comes to the end."""

    counts: frozenset[Place]
    perhaps: frozenset[Place]
    reached: frozenset[Place]
    accepted: bool | None
    valuation: Valuation


class Prediction:
    """A ruleset, made ready to foretell packets."""

    def __init__(self, ruleset: Ruleset, settled: Callable[[Hashable], bool]) -> None:
        self.prepared = Prepared(ruleset)
        interfaces = self.prepared.interfaces.union(LINKS)
        self.space = Space(fields(ruleset.family.bits, interfaces, macs=self.prepared.macs), _MEMORY, _CACHE)
        self._memory = Memory()
        self._parts: dict[Met, dict[str, PacketSet]] = {}
        self._true: dict[tuple[str, int | str], list[int]] = {}
        self.ways = {way.path: way for way in meaning(self.prepared, self.space, self._memory).ways}
        self.questions = {key: list(found.assignment()).index(True) for key, found in self._unknown()}
        opened = [place for key, place in self.questions.items() if not settled(key)]
        self._opened = self.space.variables(opened) if opened else None
        self._ones: dict[str, list[int]] = {name: list(self.space.places(name)) for name in self.space.fields}
        self.met = {path: list(self._met(way)) for path, way in self.ways.items()}
        self._policies = {path: list(self._ends(way)) for path, way in self.ways.items()}
        self._accepted = {path: self.tested(way.accepted) for path, way in self.ways.items()}
        self.values: dict[str, Any] = {path: way.values for path, way in self.ways.items()}
        self._prepare_guesses()

    def _prepare_guesses(self) -> None:
        """Take apart what NAT makes of packets: destinations, which are chosen first, and sources."""
        places = {name: list(self.space.places(name)) for name in guessed_names("")}
        self._ones.update(places)
        sources = {place for name, those in places.items() if "src" in name or "sport" in name for place in those}
        every = {place for those in places.values() for place in those}
        self._of_sources, self._of_destinations = frozenset(sources), frozenset(every - sources)
        variables = self.space.variables(sources)
        self._destinations = {path: way.guesses.function.exists(variables) for path, way in self.ways.items()}

    def _unknown(self) -> Iterator[tuple[Hashable, Any]]:
        yield from self.space.unknown_keys().items()

    def tested(self, packets: PacketSet) -> Tested:
        """A set made ready for tests."""
        return Tested(packets, self._opened)

    def valuation(self, values: Fields, known: Known) -> Valuation:
        """The variables that are true of a packet."""
        true: list[int] = []
        for item in values.items():
            if item not in self._true:
                self._true[item] = self._places(*item)
            true += self._true[item]
        return frozenset((*true, *(place for key, place in self.questions.items() if known(key))))

    def _places(self, name: str, value: int | str) -> list[int]:
        """The variables that are true where a field has a value."""
        number, places = self.number(name, value), self._ones[name]
        top = len(places) - 1
        if number >> top + 1:
            raise ValueError(f"{name} does not hold {number}")
        return [place for at, place in enumerate(places) if number >> top - at & 1]

    def number(self, name: str, value: int | str) -> int:
        """The number that stands for a word or an interface."""
        if isinstance(value, int):
            return value
        if name == "to_type":
            return ADDRESS_TYPES.index(value)
        field = self.space.fields[name]
        return field.names.number(value) if field.names is not None else field.choices.index(value)

    def foretell(self, path: str, packet: Valuation, until: str = "") -> Foretold:
        """What becomes of a packet; ``until`` names the only hook that it gets to, empty for all."""
        counts, perhaps, reached = set[Place](), set[Place](), set[Place]()
        for one in self.met[path]:
            if until and one.reach.hook.name != until:
                continue
            if one.arrives.holds(packet) is False:
                continue
            reached.add(one.place)
            answer = one.matches.holds(packet)
            if answer is not False:
                (counts if answer else perhaps).add(one.place)
        for place, hook, tested in self._policies[path]:
            if not until or hook == until:
                answer = tested.holds(packet)
                if answer is not False:
                    (counts if answer else perhaps).add(place)
        accepted = False if until else self._accepted[path].holds(packet)
        return Foretold(frozenset(counts), frozenset(perhaps - counts), frozenset(reached), accepted, packet)

    def with_destination(self, path: str, packet: Valuation) -> Valuation:
        """The packet with the destination that NAT gives it; where that is open, as it stands in the packet."""
        return settled(self._destinations[path], packet, self._of_destinations) or packet

    def with_source(self, path: str, packet: Valuation) -> Valuation:
        """The packet with the source too that NAT gives it."""
        return settled(self.ways[path].guesses.function, packet, self._of_sources) or packet

    def value(self, vector: Vector, packet: Valuation) -> int:
        """What a number is in a packet."""
        return sum(holds(bit, packet) << place for place, bit in enumerate(reversed(vector.bits)))

    def _met(self, way: Way) -> Iterator[Met]:
        for reach in way.reaches:
            place = self.place_of(reach.step)
            yield Met(place, reach, self.tested(reach.arrives), self.tested(reach.matches))

    def _ends(self, way: Way) -> Iterator[tuple[Place, str, Tested]]:
        for policy in way.policies:
            yield (policy.hook.table, policy.hook.name, POLICY), policy.hook.name, self.tested(policy.arrives)

    def parts(self, met: Met) -> dict[str, PacketSet]:
        """What a rule asks where it is met: the packets of which each of its matches holds, by name."""
        if met not in self._parts:
            family, reach = self.prepared.ruleset.family, met.reach
            place = At(self.space, family, reach.hook, reach.values, self._memory, ("again", reach.hook, reach.step))
            found: dict[str, PacketSet] = {}
            for match, condition in conditions(reach.step.rule, place):
                name = match or _SHORT[condition.use.option if condition.use else ""]
                found[name] = found.get(name, self.space.everything) & condition.packets
            self._parts[met] = found
        return self._parts[met]

    def place_of(self, step: Step) -> Place:
        """Where a rule stands."""
        return step.table, step.chain, _number(self.prepared.programs[step.table], step)


def _number(program: Program, step: Step) -> int:
    """The number of a rule in its chain."""
    steps: Iterable[Step] = program.chains[step.chain].steps
    return next(number for number, one in enumerate(steps) if (one.line, one.part) == (step.line, step.part))
