"""What rulesets do to packets: the one entry to this floor."""

from __future__ import annotations

import gc
from collections.abc import Callable, Hashable
from functools import cached_property
from typing import NamedTuple, TypeVar

from rulec.errors import InputError, Undecided
from rulec.packetset.fields import fields
from rulec.packetset.space import DEFAULT_MEMORY, Space, TooLarge, room
from rulec.semantics.concern import Concern
from rulec.semantics.order import orders
from rulec.semantics.paths import Host, Way
from rulec.semantics.place import Memory
from rulec.semantics.plain import Setting
from rulec.semantics.program import Program, Step, interface_patterns, mac_addresses, programs
from rulec.syntax.ruleset import Ruleset

T = TypeVar("T")

NAMES = ("", "'")
"""What tells two rulesets apart that are compared."""


class Prepared:
    """A ruleset without errors, ready to be walked."""

    def __init__(self, ruleset: Ruleset) -> None:
        self.ruleset = ruleset
        self.programs: dict[str, Program] = programs(ruleset)

    def refuse_loops(self) -> None:
        """Raise InputError where chains go round in a circle: no packet would ever come to an end."""
        for program in self.programs.values():
            if program.loop:
                circle = " > ".join(program.loop)
                name = self.ruleset.source.name
                raise InputError(f"{name}: chains of the table {program.name} go round in a circle: {circle}")

    @cached_property
    def interfaces(self) -> frozenset[str]:
        """The interface names and patterns that it tells apart."""
        return frozenset(interface_patterns(self.programs.values()))

    @cached_property
    def macs(self) -> tuple[str, ...]:
        """The MAC addresses that it tells apart, in the order in which it names them."""
        return tuple(mac_addresses(self.programs.values()))


class Meaning(NamedTuple):
    """What a ruleset does to every packet of a space."""

    prepared: Prepared
    space: Space
    ways: tuple[Way, ...]

    def way(self, path: str) -> Way:
        """The way of that path: input, forward or output."""
        return next(way for way in self.ways if way.path == path)


def meaning(
    prepared: Prepared,
    space: Space,
    memory: Memory | None = None,
    name: str = "",
    remembers: Callable[[Step], Hashable] = lambda step: step.key,
    exact: bool = True,
    concern: Concern | None = None,
    late: bool = False,
) -> Meaning:
    """Walk all ways through a ruleset.

    Two rulesets that are compared share ``memory``, so that the same question
    has the same answer in both; ``remembers`` names what a rule remembers, and
    ``name`` tells apart what their NAT makes of packets.  Where not ``exact`` a rule
    behind a large table is taken to get what came to that table.
    """
    setting = Setting(space, prepared.ruleset.family, memory or Memory(), name, remembers, exact, concern, late)
    return Meaning(prepared, space, tuple(Host(setting, prepared.programs).ways()))


def in_space(
    prepared: tuple[Prepared, ...],
    job: Callable[[Space], T],
    memory: int = DEFAULT_MEMORY,
    interfaces: frozenset[str] = frozenset(),
) -> T:
    """Do a job in a space in which all packets differ that these rulesets tell apart.

    The likeliest order of the fields first, the others when it does not fit;
    raises Undecided when none fits into ``memory`` bytes.
    """
    patterns = interfaces.union(*(one.interfaces for one in prepared))
    macs = tuple(dict.fromkeys(address for one in prepared for address in one.macs))
    bits = prepared[0].ruleset.family.bits
    cache = _results_to_remember(sum(len(one.ruleset.templates) for one in prepared))
    for order in orders(program for one in prepared for program in one.programs.values()):
        try:
            return job(Space(fields(bits, patterns, order, NAMES[: len(prepared)], macs), memory, cache))
        except TooLarge:
            gc.collect()  # the space that was too small refers to itself
    names = " and ".join(one.ruleset.source.name for one in prepared)
    raise Undecided(
        f"{names}: undecided: the packets that the rules tell apart do not fit into {room(memory) >> 20} MB,"
        " in any order of the fields; --memory allows more"
    )


def _results_to_remember(rules: int) -> int:
    """How many operations on sets are worth remembering: many make a large ruleset fast, few a small one small."""
    return 1 << min(max((rules << 10).bit_length(), 14), 19)
