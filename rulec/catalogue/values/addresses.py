"""Addresses, networks, ranges: pairs of plain integers, whatever the family.

A network is ``(address, mask)`` with the host bits gone.  iptables reads its own
IPv4 notation: parts may be left out (``10.1`` is 10.1.0.0), be octal
(``010.1.1.1`` is 8.1.1.1) or hexadecimal, and masks need not be contiguous
(libxtables, xtables_ipparse_multiple; tried on 1.8.9).
"""

from __future__ import annotations

from _socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from collections.abc import Iterator
from itertools import chain

from rulec.catalogue.extension import Value
from rulec.catalogue.values.numbers import integer
from rulec.model import Family

Network = tuple[int, int]
Networks = tuple[Network, ...]

_FORMAT = {Family.IPV4: AF_INET, Family.IPV6: AF_INET6}
_LOCALHOST = {Family.IPV4: 0x7F000001, Family.IPV6: 1}


class NameNeedsResolver(ValueError):
    """A host name stands where an address is expected: only a resolver knows what it means."""


def all_ones(family: Family) -> int:
    """The mask of a single host."""
    return (1 << family.bits) - 1


_ALL_ONES = {family: all_ones(family) for family in Family}


def prefix_mask(family: Family, length: int) -> int:
    """The mask of a prefix length."""
    return all_ones(family) ^ (all_ones(family) >> length)


_PREFIXES = {
    family: {str(length): prefix_mask(family, length) for length in range(family.bits + 1)} for family in Family
}


def prefix_length(family: Family, mask: int) -> int | None:
    """The length of a contiguous mask, or None."""
    length = mask.bit_count()
    return length if mask == prefix_mask(family, length) else None


def numeric(family: Family, text: str) -> int | None:
    """The number of an address in the family's own notation, or None."""
    try:
        return int.from_bytes(inet_pton(_FORMAT[family], text), "big")
    except (OSError, UnicodeEncodeError, ValueError):
        return None


def _dotted(text: str, complete: bool = False) -> int | None:
    parts = text.split(".")
    if len(parts) > 4 or (complete and len(parts) < 4):
        return None
    try:
        octets = [integer(part, 0, 255) for part in parts]
    except ValueError:
        return None
    return int.from_bytes(bytes(octets + [0] * (4 - len(octets))), "big")


def address(family: Family, text: str) -> int:
    """One address; NameNeedsResolver for a host name, ValueError for anything else."""
    value = numeric(family, text)
    if value is None and family is Family.IPV4:
        value = _dotted(text)
    if value is not None:
        return value
    if text == "localhost":
        return _LOCALHOST[family]
    other = Family.IPV6 if family is Family.IPV4 else Family.IPV4
    if numeric(other, text) is not None:
        raise ValueError(f"{text} is an {_name(other)} address, and this is an {_name(family)} ruleset")
    if not any(character.isalpha() for character in text) or ":" in text:
        raise ValueError(f"{text!r} is not an {_name(family)} address")
    raise NameNeedsResolver(f"{text!r} is a host name, which is looked up while the ruleset loads")


def _name(family: Family) -> str:
    return "IPv4" if family is Family.IPV4 else "IPv6"


def mask(family: Family, text: str) -> int:
    """A mask, as a prefix length or written out."""
    written = _dotted(text, complete=True) if family is Family.IPV4 else numeric(family, text)
    if written is not None:
        return written
    try:
        return prefix_mask(family, integer(text, 0, family.bits))
    except ValueError:
        raise ValueError(f"{text!r} is not a mask (0 to {family.bits}, or written like an address)") from None


def network(family: Family, text: str) -> Network:
    """``host``, ``host/length`` or ``host/mask``, with the host bits taken off."""
    host, slash, tail = text.rpartition("/")
    if not slash:
        return address(family, tail), _ALL_ONES[family]
    bits = _PREFIXES[family].get(tail)
    if bits is None:
        bits = mask(family, tail)
    return (address(family, host) & bits if bits else 0), bits


def networks(family: Family, text: str) -> Networks:
    """One network or a comma list of them."""
    return tuple(network(family, part.lstrip(" \t")) for part in text.split(","))


def show_address(family: Family, value: int) -> str:
    """An address as inet_ntop prints it."""
    return inet_ntop(_FORMAT[family], value.to_bytes(family.bits // 8, "big"))


def show_network(family: Family, value: Network) -> str:
    """A network as iptables-save prints it: always with a length, or a mask that is none."""
    length = prefix_length(family, value[1])
    tail = show_address(family, value[1]) if length is None else str(length)
    return f"{show_address(family, value[0])}/{tail}"


class Addressed(tuple[int, ...]):
    """Integers that know their family, so that they can be printed without it."""

    family: Family

    def __new__(cls, family: Family, values: tuple[int, ...]) -> Addressed:
        """Numbers of one family."""
        made = super().__new__(cls, values)
        made.family = family
        return made


def _read_host(family: Family, text: str) -> Addressed:
    return Addressed(family, (address(family, text),))


def _show_host(value: Addressed) -> str:
    return show_address(value.family, value[0])


HOST = Value(("ADDRESS",), "an address", _read_host, _show_host)
"""One address."""


def _read_network(family: Family, text: str) -> Addressed:
    return Addressed(family, network(family, text))


def _show_network(value: Addressed) -> str:
    return show_network(value.family, (value[0], value[1]))


def _show_host_or_network(value: Addressed) -> str:
    if value[1] == all_ones(value.family):
        return show_address(value.family, value[0])
    return show_network(value.family, (value[0], value[1]))


NETWORK = Value(("NETWORK",), "an address, with or without a prefix length", _read_network, _show_network)
"""A network, always printed with its length."""

HOST_OR_NETWORK = NETWORK._replace(show=_show_host_or_network)
"""A network of which a single host is printed without ``/32`` or ``/128``."""


def _read_networks(family: Family, text: str) -> Addressed:
    if "," not in text:
        return Addressed(family, network(family, text.lstrip(" \t")))
    return Addressed(family, tuple(chain.from_iterable(networks(family, text))))


def pairs(value: Addressed) -> Iterator[Network]:
    """The networks of a list."""
    return zip(value[::2], value[1::2], strict=True)


def _show_networks(value: Addressed) -> str:
    return ",".join(show_network(value.family, pair) for pair in pairs(value))


NETWORKS = Value(("NETWORKS",), "an address, a network, or a list of them with commas", _read_networks, _show_networks)
"""What stands after ``-s`` and ``-d``: address and mask by turns."""


def _read_range(family: Family, text: str) -> Addressed:
    first, dash, last = text.partition("-")
    low = address(family, first)
    high = address(family, last) if dash else low
    return Addressed(family, (low, high))


def _show_range(value: Addressed) -> str:
    return f"{show_address(value.family, value[0])}-{show_address(value.family, value[1])}"


RANGE = Value(("ADDRESS_RANGE",), "a range of addresses first-last", _read_range, _show_range)
"""First and last address."""


def _read_mask(family: Family, text: str) -> Addressed:
    return Addressed(family, (mask(family, text),))


MASK = Value(("ADDRESS_MASK",), "a prefix length or a mask", _read_mask, _show_host)
"""A mask, printed like an address."""


def _read_prefix_length(family: Family, text: str) -> int:
    length = prefix_length(family, mask(family, text))
    if length is None:
        raise ValueError(f"{text!r} is not the mask of a prefix")
    return length


PREFIX_LENGTH = Value(("ADDRESS_MASK",), "a prefix length or a mask", _read_prefix_length)
"""A prefix length, printed as a number."""


def _read_mac(family: Family, text: str) -> bytes:
    return bytes(int(part or "0", 16) for part in text.split(":"))


MAC = Value(("MAC",), "a MAC address such as 00:16:3e:00:00:01", _read_mac, lambda value: value.hex(":"))
"""Six bytes, printed in lower case."""
