"""Packets of a world with four addresses, for tests only."""

from __future__ import annotations

from typing import NamedTuple

OWN, PEER, OTHER, BACKEND = "192.0.2.1", "198.51.100.7", "198.51.100.8", "10.0.0.2"
"""This host; two hosts outside, and one behind this host."""

FLAGS = {"S": "SYN", "A": "ACK", "R": "RST", "F": "FIN", "P": "PSH", "U": "URG"}


class Packet(NamedTuple):
    """A packet of TCP (with the letters of its flags), of UDP, or an ICMP error about one."""

    protocol: str
    source: str
    sport: int
    destination: str
    dport: int
    flags: str = ""
    about: Packet | None = None
    kind: int = 0

    def __str__(self) -> str:
        if self.about is not None:
            return f"icmp {self.source} > {self.destination} type {self.kind} about ({self.about})"
        ends = f"{self.protocol} {self.source}:{self.sport} > {self.destination}:{self.dport}"
        return f"{ends} {','.join(FLAGS[flag].lower() for flag in self.flags)}".strip()
