"""What random rulesets and policies of one family speak of: they have to meet often enough."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from rulec.model import Family

KNOWN = ("RELATED,ESTABLISHED", "ESTABLISHED,RELATED", "ESTABLISHED", "NEW,RELATED,ESTABLISHED")
PORTS = {"tcp": (80, 443, 22, 8080), "udp": (53, 123, 514, 8053)}
"""The first ones most often."""


class Words(NamedTuple):
    """Addresses of a family: of this host, of one behind it, of one and of many others."""

    family: Family
    own: str
    behind: str
    other: str
    others: str

    @property
    def errors(self) -> str:
        """The protocol of ICMP errors, as rules have it."""
        return "icmp" if self.family is Family.IPV4 else "ipv6-icmp"


WORDS = {
    Family.IPV4: Words(Family.IPV4, "192.0.2.1", "10.1.2.3", "198.51.100.7", "198.51.100.0/24"),
    Family.IPV6: Words(Family.IPV6, "2001:db8::1", "2001:db8:1::3", "2001:db8:2::7", "2001:db8:2::/48"),
}


class Draw:
    """Chances."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def often(self, of_ten: float) -> bool:
        """Yes so many times of ten."""
        return self.random.random() * 10 < of_ten

    def of(self, *texts: str) -> str:
        """One of some texts."""
        return self.random.choice(texts)

    def early(self, *texts: str) -> str:
        """One of some texts, the earlier ones more often."""
        return texts[min(int(self.random.expovariate(2 / len(texts))), len(texts) - 1)]

    def some(self, of_ten: float, *texts: str) -> str:
        """One of some texts so many times of ten, or nothing."""
        return self.of(*texts) if self.often(of_ten) else ""

    def port(self, protocol: str) -> int:
        """A port that rules and policies speak of."""
        return int(self.early(*map(str, PORTS[protocol])))
