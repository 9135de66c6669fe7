"""Ports, addresses, names: how a policy writes them.

Each function takes what YAML gave and returns the value, or raises ValueError
with the sentence that the user should read.  Nothing is resolved: a host name may
mean another address tomorrow, and the same policy must mean the same rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from rulec.catalogue.values.addresses import all_ones, numeric, prefix_mask, show_address
from rulec.diagnostics.suggest import suggestion
from rulec.model import Family
from rulec.model.services import service_port, services
from rulec.policy.document import shown
from rulec.policy.model import ANY, Addresses, AddressRange, PortRange, Ports

_NUMBER = re.compile(r"0|[1-9][0-9]{0,9}", re.ASCII)
_RANGE = re.compile(r"([0-9]+) *([-:]) *([0-9]+)", re.ASCII)
_PREFIX = re.compile(r"0|[1-9][0-9]{0,2}", re.ASCII)
_INTERFACE = re.compile(r"[^\s/!+:]{1,15}|(?=.{1,15}$)[^\s/!+:]+\+")
_LONGEST_NAME = 64


def listed(value: Any) -> Any:
    """A list; one thing that stands for itself becomes a list of one."""
    return not_empty(value) if isinstance(value, list) else [value]


def not_empty(value: Any) -> Any:
    """A list that holds something."""
    if value == []:
        raise ValueError("the list is empty: name something")
    return value


def port_number(text: str) -> int:
    """A port by its number or the name of its service."""
    if not _NUMBER.fullmatch(text):
        return _service(text)
    number = int(text)
    if not 1 <= number <= 65535:
        raise ValueError(f"there is no port {text}: ports go from 1 to 65535")
    return number


def _service(text: str) -> int:
    number = service_port(text)
    if number is None:
        close = suggestion(text, services())
        raise ValueError(f"{shown(text)} is neither a port nor the name of a known service{close}")
    return number


def port_range(value: Any) -> PortRange:
    """``80``, ``https`` or ``8000-8010``."""
    text = _text(value, "a port or a range of ports")
    if text == "any":
        raise ValueError("any is for ports only, and stands alone: leave client-ports out, or write the range")
    parts = _RANGE.fullmatch(text)
    if parts is None:
        return (port_number(text),) * 2
    if parts[2] == ":":
        raise ValueError(f"a range of ports has a dash here: write {parts[1]}-{parts[3]}")
    low, high = port_number(parts[1]), port_number(parts[3])
    if low > high:
        raise ValueError(f"the range {text} runs backwards: write {high}-{low}")
    return low, high


def port_range_or_any(value: Any) -> PortRange:
    """A port, a range, or ``any``."""
    return ANY[0] if value == "any" else port_range(value)


def merged_ports(ranges: Iterable[PortRange]) -> Ports:
    """Sorted, and what touches joined; every port there is becomes ``ANY``."""
    ports = merged(ranges)
    return ANY if ports == ((1, 65535),) else ports


def lone_any(ranges: tuple[PortRange, ...]) -> Ports:
    """Ports in which ``any`` stands alone."""
    if len(ranges) > 1 and ANY[0] in ranges:
        raise ValueError("any stands alone: write ports: any, or delete any from the list")
    return merged_ports(ranges)


def merged(ranges: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Ranges of integers, sorted, and what touches joined."""
    joined: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if joined and low <= joined[-1][1] + 1:
            joined[-1] = joined[-1][0], max(high, joined[-1][1])
        else:
            joined.append((low, high))
    return tuple(joined)


def address_range(value: Any) -> AddressRange:
    """``192.0.2.10``, ``192.0.2.0/24`` or ``192.0.2.10-192.0.2.20``, or the same in IPv6."""
    text = _text(value, "an address, a prefix or a range first-last")
    if "/" in text:
        return _prefix(text)
    first, dash, last = (part.strip() for part in text.partition("-"))
    if not dash or _address(first) is None:
        return _single(text)
    low, high = _single(first), _single(last)
    if low.family is not high.family:
        raise ValueError(f"{shown(text)} begins in one family and ends in the other")
    if low.first > high.last:
        raise ValueError(f"the range {text} runs backwards: write {last}-{first}")
    return AddressRange(low.family, low.first, high.last)


def _single(text: str) -> AddressRange:
    found = _address(text)
    if found is None:
        raise ValueError(f"{shown(text)} {_no_address(text)}")
    return AddressRange(found[0], found[1], found[1])


def _address(text: str) -> tuple[Family, int] | None:
    for family in Family:
        number = numeric(family, text)
        if number is not None:
            return family, number
    return None


def _no_address(text: str) -> str:
    if ":" not in text and any(character.isalpha() for character in text):
        return "is a host name, which may mean another address tomorrow: write the address"
    return "is not an address; write one such as 192.0.2.10, 192.0.2.0/24, 2001:db8::1 or 192.0.2.10-192.0.2.20"


def _prefix(text: str) -> AddressRange:
    host, _, tail = text.partition("/")
    family, low, _ = _single(host)
    if not _PREFIX.fullmatch(tail) or int(tail) > family.bits:
        raise ValueError(f"{shown(tail)} is not the length of a prefix: write a number from 0 to {family.bits}")
    mask = prefix_mask(family, int(tail))
    if low & mask != low:
        network = show_address(family, low & mask)
        raise ValueError(f"{text} has bits set behind the prefix: write {network}/{tail}, or {host} alone")
    return AddressRange(family, low, low | (all_ones(family) ^ mask))


def merged_addresses(ranges: Iterable[AddressRange]) -> Addresses:
    """IPv4 first, each family sorted, and what touches joined."""
    given = tuple(ranges)
    return tuple(
        AddressRange(family, low, high)
        for family in Family
        for low, high in merged((item.first, item.last) for item in given if item.family is family)
    )


def protocols(names: tuple[str, ...]) -> tuple[str, ...]:
    """Protocols of one entry: icmp stands alone, since it has no ports."""
    if "icmp" in names and len(names) > 1:
        raise ValueError("icmp has no ports and stands alone: give it an entry of its own")
    return unlike(names)


def unlike(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names of which none stands twice."""
    for number, name in enumerate(names):
        if name in names[:number]:
            raise ValueError(f"{name} stands twice: delete one")
    return names


def entry_name(value: Any) -> str:
    """The name of an entry; it stands in messages and in comments of the compiled ruleset."""
    text = _text(value, "a name")
    if not text or not text.isprintable() or text != text.strip():
        raise ValueError("a name is one line of printable characters, without blanks at its ends")
    if len(text) > _LONGEST_NAME:
        raise ValueError(f"a name has at most {_LONGEST_NAME} characters, and this one has {len(text)}")
    return text


def interface(value: Any) -> str:
    """An interface as iptables takes it: at most 15 characters, a ``+`` at the end stands for any rest."""
    text = _text(value, "the name of one interface")
    if text == "lo":
        raise ValueError("lo is not for interface: the key loopback says what becomes of looped packets")
    if not text.isprintable() or len(text.encode()) > 15 or not _INTERFACE.fullmatch(text):
        raise ValueError(f"{shown(text)} is not the name of an interface, such as eth0 or eth+ (at most 15 characters)")
    return text


def _text(value: Any, expected: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{expected} is wanted, and this is a {'list' if isinstance(value, list) else 'mapping'}")
    return value
