"""The ports from which connections of a host begin that asks for none: what sysctl.d says, or the kernel."""

from __future__ import annotations

import re

from rulec.analysis.host import HostFacts
from rulec.config.file import Kind
from rulec.kernel.settings import dotted

_AT_FIRST = (32768, 60999)
_RANGE = re.compile(r"\s*(\d{1,5})\s+(\d{1,5})\s*")
_RESERVED = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")


def local_ports(host: HostFacts) -> tuple[tuple[int, int], ...]:
    """The ranges of these ports, without those that are reserved (ip-sysctl.rst; of IPv6 they are the same)."""
    said = _RANGE.fullmatch(_said(host, "net.ipv4.ip_local_port_range"))
    found = [(int(said[1]), int(said[2]))] if said else [_AT_FIRST]
    for first, last in _RESERVED.findall(_said(host, "net.ipv4.ip_local_reserved_ports")):
        found = [left for ports in found for left in _without(ports, int(first), int(last or first))]
    return tuple(found)


def _said(host: HostFacts, name: str) -> str:
    """What a setting is set to last."""
    values = [said.value.text for said in host.said("set", Kind.SYSCTL) if dotted(said.name.text) == name]
    return values[-1] if values else ""


def _without(ports: tuple[int, int], first: int, last: int) -> list[tuple[int, int]]:
    low, high = ports
    parts = ((low, min(high, first - 1)), (max(low, last + 1), high))
    return [part for part in parts if part[0] <= part[1]]
