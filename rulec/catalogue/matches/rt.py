"""rt: match on the routing header of an IPv6 packet.

The routing header of type 0, which the options ``--rt-0-...`` look at, is
deprecated (RFC 5095), and hosts throw it away.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import IPV6, Example, Extension, Given, Option, Value, saved_option
from rulec.catalogue.values.addresses import Addressed, numeric, show_address
from rulec.catalogue.values.numbers import number, number_range
from rulec.model import Family

HOPS = 16
"""IP6T_RT_HOPS: the most addresses of one list."""

_EVERY = (0, 2**32 - 1)


def _read_hops(family: Family, text: str) -> Addressed:
    hops = tuple([_read_hop(family, part) for part in text.split(",")])
    if len(hops) > HOPS:
        raise ValueError(f"at most {HOPS} addresses may stand in a list")
    return Addressed(family, hops)


def _read_hop(family: Family, text: str) -> int:
    found = numeric(family, text)
    if found is None:
        raise ValueError(f"{text!r} is not an IPv6 address")
    return found


ADDRESSES = Value(
    ("ADDRESSES",),
    "IPv6 addresses with commas",
    _read_hops,
    lambda hops: ",".join(show_address(hops.family, hop) for hop in hops),
)
"""Addresses of the header, in their order."""


def _check(given: Given) -> None:
    seen: dict[str, object] = {}
    for use in given:
        if use.option in ("--rt-0-res", "--rt-0-addrs") and seen.get("--rt-type") != 0:
            raise ValueError(f"{use.option} needs --rt-type 0 before it")
        if use.option == "--rt-0-not-strict" and "--rt-0-addrs" not in seen:
            raise ValueError(f"{use.option} needs --rt-0-addrs before it")
        seen[use.option] = None if use.negated else use.value


def _save(given: Given) -> Iterator[str]:
    for option in EXTENSION.options:
        for use in given:
            if use.option == option.name and use.value != _EVERY:
                yield from saved_option(option, use)


EXTENSION = Extension(
    name="rt",
    summary="match on the routing header of an IPv6 packet",
    families=IPV6,
    modules=("ip6t_rt",),
    options=(
        Option("--rt-type", number(), invertible=True),
        Option("--rt-segsleft", number_range(32), invertible=True),
        Option("--rt-len", number(), invertible=True),
        Option("--rt-0-res"),
        Option("--rt-0-addrs", ADDRESSES),
        Option("--rt-0-not-strict"),
    ),
    check=_check,
    save=_save,
    valid=(
        Example("-m rt"),
        Example("-m rt ! --rt-type 1 --rt-segsleft 0x10:20 ! --rt-len 42",
                saved="-m rt ! --rt-type 1 --rt-segsleft 16:20 ! --rt-len 42"),
        Example("-m rt --rt-segsleft 5:", saved="-m rt --rt-segsleft 5:4294967295"),
        Example("-m rt ! --rt-segsleft :", saved="-m rt"),
        Example("-m rt --rt-type 0 --rt-0-addrs 2001:db8:0::1,::2 --rt-0-not-strict --rt-0-res",
                saved="-m rt --rt-type 0 --rt-0-res --rt-0-addrs 2001:db8::1,::2 --rt-0-not-strict"),
    ),
    invalid=(
        "-m rt --rt-0-res",
        "-m rt --rt-0-res --rt-type 0",
        "-m rt ! --rt-type 0 --rt-0-res",
        "-m rt --rt-type 1 --rt-0-addrs ::1",
        "-m rt --rt-type 0 --rt-0-not-strict",
        "-m rt --rt-type 0 --rt-0-addrs 192.0.2.1",
        "-m rt --rt-type 0 ! --rt-0-res",
        "-m rt --rt-segsleft 1:2:3",
    ),
)  # fmt: skip
