"""Addresses as getaddrinfo(3) reads them, which is not as ``-s`` reads them.

Options of libxtables' kinds XTTYPE_HOST and XTTYPE_HOSTMASK: ``10.1`` is
10.0.0.1 here (and 10.1.0.0 after ``-s``), ``24`` is 0.0.0.24, and host bits
stay (tried on iptables 1.8.9).
"""

from __future__ import annotations

from _socket import inet_aton

from rulec.catalogue.extension import Value
from rulec.catalogue.values.addresses import (
    Addressed,
    address,
    all_ones,
    numeric,
    prefix_length,
    prefix_mask,
    show_address,
    show_network,
)
from rulec.catalogue.values.numbers import integer
from rulec.model import Family


def _in_numbers(family: Family, text: str) -> int | None:
    """An address that is no name, or None."""
    if family is Family.IPV6:
        return numeric(family, text)
    try:
        return int.from_bytes(inet_aton(text), "big") if text[:1].isdigit() else _mapped(text)
    except OSError:
        return None


def _mapped(text: str) -> int | None:
    """The IPv4 address inside ``::ffff:192.0.2.1``."""
    written = numeric(Family.IPV6, text)
    return written & 2**32 - 1 if written is not None and written >> 32 == 0xFFFF else None


def host(family: Family, text: str) -> int:
    """One address; NameNeedsResolver for a host name."""
    written = _in_numbers(family, text)
    if written is None and family is Family.IPV4 and text[:1].isdigit():
        raise ValueError(f"{text!r} is not an IPv4 address")
    return address(family, text) if written is None else written


def _length(family: Family, text: str) -> int | None:
    """The prefix length that a number or a written mask is; None for a mask with gaps."""
    try:
        return integer(text, 0, family.bits)
    except ValueError:
        written = _in_numbers(family, text)
    if written is None:
        raise ValueError(f"{text!r} is not a mask (0 to {family.bits}, or written like an address)")
    return prefix_length(family, written)


def _length_without_gaps(family: Family, text: str) -> int:
    length = _length(family, text)
    if length is None:
        raise ValueError(f"the mask {text} has gaps")
    return length


def _length_or_all(family: Family, text: str) -> int:
    length = _length(family, text)
    return family.bits if length is None else length


def _mask(family: Family, text: str) -> int:
    return prefix_mask(family, _length_or_all(family, text))


def _read_host(family: Family, text: str) -> Addressed:
    return Addressed(family, (host(family, text),))


def _read_host_and_mask(family: Family, text: str) -> Addressed:
    first, slash, tail = text.partition("/")
    return Addressed(family, (host(family, first), _mask(family, tail) if slash else all_ones(family)))


def _show_with_length(value: Addressed) -> str:
    return show_network(value.family, (value[0], value[1]))


def _show(value: Addressed) -> str:
    if len(value) == 1 or value[1] == all_ones(value.family):
        return show_address(value.family, value[0])
    return _show_with_length(value)


LOOKED_UP_HOST = Value(("ADDRESS",), "an address", _read_host, _show)
"""One address (XTTYPE_HOST)."""

HOST_AND_MASK = Value(("NETWORK",), "an address, with or without a prefix length", _read_host_and_mask, _show)
"""Address and mask, the address as it was written (XTTYPE_HOSTMASK); a single host is printed without length."""

HOST_AND_LENGTH = HOST_AND_MASK._replace(show=_show_with_length)
"""The same, always printed with its length."""


GROUP_LENGTH = Value(("ADDRESS_MASK",), "a prefix length or a mask", _length_or_all)
"""A prefix length (XTTYPE_PLENMASK); a mask with gaps counts as a single host."""

LENGTH = GROUP_LENGTH._replace(read=_length_without_gaps)
"""A prefix length (XTTYPE_PLEN); a mask with gaps is refused."""
