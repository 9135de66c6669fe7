"""Values for rules and packets: few enough that they meet, and with neighbours on both sides of each bound."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from random import Random
from typing import TypeVar

from rulec.model import Family
from rulec.packetset.fields import FLAGS
from tests.kernel.fuzz.topology import GROUPS, HOSTS, LOCAL, NOWHERE

T = TypeVar("T")

PORTS = (0, 1, 22, 53, 79, 80, 81, 443, 1023, 1024, 5060, 8080, 32768, 65534, 65535)
MARKS = (0, 1, 2, 3, 7, 0x10, 0x11, 0xFF, 0x100, 0x80000000, 0xFFFFFFFF)
MASKS = (1, 3, 0xF, 0xFF, 0xFF00, 0x80000000, 0xFFFFFFFF)
SMALL = (0, 1, 2, 4, 8, 0x10, 0x1F, 0x20, 0x3F, 0x40, 0xB8, 0xFE, 0xFF)
HOPS = (1, 2, 3, 31, 32, 63, 64, 65, 128, 254, 255)
LENGTHS = (20, 28, 40, 41, 44, 48, 60, 64, 68, 80, 100, 128, 500, 576, 1280)
INDEXES = (0, 1, 2, 255, 256, 500, 0x7FFFFFFF, 0xFFFFFFFF)
USERS = (0, 1, 7, 1000, 1001, 65534)
MACS = tuple(0x020000000100 + number for number in range(1, 5))
SETS = ("hosts", "nets", "pairs")


class Values:
    """A source of values for one family."""

    def __init__(self, random: Random, family: Family) -> None:
        self.random = random
        self.family = family
        ours, others = LOCAL[family], [host for hosts in HOSTS[family].values() for host in hosts]
        self.addresses = (*ours, *ours, *others, *GROUPS[family], *NOWHERE[family])

    def one(self, choices: Sequence[T]) -> T:
        return self.random.choice(choices)

    def some(self, choices: Sequence[T], most: int = 3) -> list[T]:
        return self.random.sample(list(choices), self.random.randint(1, min(most, len(choices))))

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def near(self, choices: Sequence[int], most: int) -> int:
        """One of some numbers, or a neighbour of it."""
        return min(max(self.one(choices) + self.one((0, 0, 0, -1, 1)), 0), most)

    def no(self) -> str:
        """A ``!`` now and then."""
        return "! " if self.chance(0.3) else ""

    def negatable_span(self, option: str, choices: Sequence[int], most: int) -> str:
        """An option with a range, perhaps behind a ``!``; the nft back end forgets that before a range of all."""
        span = self.span(choices, most)
        return f"{'' if span == f'0:{most}' else self.no()}{option} {span}"

    def span(self, choices: Sequence[int], most: int, separator: str = ":") -> str:
        """A number or a range."""
        first = self.near(choices, most)
        if self.chance(0.5):
            return str(first)
        last = self.near(choices, most)
        return separator.join(map(str, sorted((first, last)))) if first != last else str(first)

    def address(self) -> int:
        return self.one(self.addresses)

    def host(self) -> str:
        return self.shown(self.address())

    def shown(self, address: int) -> str:
        return str(ip_address(address.to_bytes(self.family.bits // 8, "big")))

    def negatable_network(self, option: str) -> str:
        """An option with a network, perhaps behind a ``!``; the nft back end refuses that before a network of all."""
        network = self.network()
        return f"{'' if network.endswith('/0') else self.no()}{option} {network}"

    def network(self) -> str:
        """An address with a mask, most often a prefix."""
        bits = self.family.bits
        address = self.address()
        if self.chance(0.1):
            mask = ((1 << bits) - 1) ^ (0xFF << self.one((0, 8, bits // 2)))
            return f"{self.shown(address)}/{self.shown(mask)}"
        return f"{self.shown(address)}/{self.one((0, 1, 8, bits // 2, bits - 8, bits - 7, bits - 1, bits, bits, bits))}"

    def masked(self, choices: Sequence[int] = MARKS, masks: Sequence[int] = MASKS, most: int = 0xFFFFFFFF) -> str:
        """A value, often with a mask."""
        value = self.near(choices, most)
        return hex(value) if self.chance(0.4) else f"{value:#x}/{self.one(masks):#x}"

    def flags(self, most: int = 4) -> list[str]:
        return self.some(tuple(FLAGS)[:6], most)
