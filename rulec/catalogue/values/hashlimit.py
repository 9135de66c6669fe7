"""The arithmetic of hashlimit: rates and bursts as iptables stores and prints them, and as the kernel counts them.

Packets are kept as the time between two of them, bytes as a cost per 16 bytes;
both lose something, so that a rate may come back as another number near it
(libxt_hashlimit and xt_hashlimit, revision 3; tried on iptables 1.8.9).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from rulec.catalogue.extension import Value
from rulec.catalogue.values.numbers import integer
from rulec.model import Family

SCALE = 1_000_000
"""XT_HASHLIMIT_SCALE_v2: the time between two packets is counted in parts of a second."""

MOST_BURST = 1_000_000
"""The largest burst in packets."""

_HIGHEST = 2**32 - 1
_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_PRINTED = (("day", 86400), ("hour", 3600), ("min", 60), ("sec", 1))
_FACTORS = {"k": 1024, "m": 1024**2}
_LEADING_NUMBER = re.compile(r"[ \t]*\+?([0-9]+)")
_BYTES_A_SECOND = re.compile(r".*?(.)b/s")
_BURST = re.compile(r"[ \t]*\+?(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)(.?)")


class Rate(NamedTuple):
    """``cost`` is the time between packets in parts of a second, or the price of 16 bytes; ``unit`` in seconds."""

    by_bytes: bool
    cost: int
    unit: int


class Burst(NamedTuple):
    """Packets or bytes, and whether it was a bare number."""

    amount: int
    bare: bool


def bytes_to_cost(octets: int) -> int:
    """The price of 16 bytes at a rate of so many bytes a second; ValueError where iptables breaks down."""
    blocks = (octets >> 4) + 1 & _HIGHEST
    if blocks == 0:
        raise ValueError("iptables-restore divides by zero at this rate")
    return _HIGHEST // blocks


def cost_to_bytes(cost: int) -> int:
    """Bytes a second, rounded to 16."""
    return ((_HIGHEST // cost if cost else _HIGHEST) - 1) << 4


def _amount(text: str) -> int:
    """The digits at the head of a text, as atoll(3) reads them."""
    found = _LEADING_NUMBER.match(text)
    return min(int(found[1]), 2**63 - 1) if found else 0


def _read_rate(family: Family, text: str) -> Rate:
    amount = _amount(text)
    found = _BYTES_A_SECOND.match(text)
    if found and amount:
        return Rate(True, bytes_to_cost(amount * _FACTORS.get(found[1], 1) & 2**64 - 1), 15)
    unit = _unit(text)
    if not amount or not unit:
        raise ValueError(f"{text!r} is not a rate such as 5/second, 10/minute or 512kb/s")
    if amount > SCALE * unit:
        raise ValueError(f"{text} is too fast: the most is {SCALE}/second")
    return Rate(False, SCALE * unit // amount, unit)


def _unit(text: str) -> int:
    _, slash, name = text.partition("/")
    if not slash:
        return 1
    return next((size for known, size in _UNITS.items() if name and known.startswith(name.lower())), 0)


def printed_unit(cost: int) -> tuple[str, int]:
    """The unit in which iptables-save prints a rate of packets: its name, and its seconds."""
    chosen = _PRINTED[0]
    for name, seconds in _PRINTED[1:]:
        whole, rest = divmod(seconds * SCALE, cost)
        if cost > seconds * SCALE or whole < rest:
            break
        chosen = name, seconds
    return chosen


def _show_rate(rate: Rate) -> str:
    if not rate.by_bytes:
        name, seconds = printed_unit(rate.cost)
        return f"{seconds * SCALE // rate.cost}/{name}"
    octets = cost_to_bytes(rate.cost)
    for unit, factor in reversed(_FACTORS.items()):
        rounded = octets & (_HIGHEST ^ factor - 1)  # iptables loses the upper half here
        if octets >= factor and bytes_to_cost(rounded) == rate.cost:
            return f"{octets // factor}{unit}b/s"
    return f"{octets}b/s"


def show_burst_in_bytes(octets: int) -> str:
    """In whole megabytes, kilobytes or bytes; what is left over is not shown."""
    for unit, factor in reversed(_FACTORS.items()):
        if octets >= factor:
            return f"{octets // factor}{unit}b"
    return f"{octets}b"


def _read_burst(family: Family, text: str) -> Burst:
    found = _BURST.match(text)
    number = integer(found[1], 0, 2**64 - 1) if found else 0
    bare = found is not None and not found[2]
    if found is None or number == 0 or (bare and number > MOST_BURST):
        raise ValueError(f"{text} is not a burst (1 to {MOST_BURST}, or a size such as 10mb)")
    return Burst(number * _FACTORS.get(found[2], 1) & 2**64 - 1, bare)


HASHLIMIT_RATE = Value(("BYTE_RATE",), "a rate such as 5/second or 512kb/s", _read_rate, _show_rate)
"""Packets or bytes in a time."""

HASHLIMIT_BURST = Value(("SIZE",), "a number of packets, or a size such as 10mb", _read_burst)
"""How much may come at once."""

_TICKS = 250
_CREDITS = 2**39
_CREDITS_FOR_BYTES = 2**24


def credits_of_time(time: int) -> int:
    """What the kernel makes of a time between packets (user2credits, 250 ticks a second); it may run over 64 bits."""
    return time * (_TICKS * _CREDITS // SCALE) & 2**64 - 1


def credits_of_bytes(cost: int) -> int:
    """What the kernel makes of the price of 16 bytes (user2credits_byte); 0 is refused."""
    return cost * _TICKS * _CREDITS_FOR_BYTES >> 32
