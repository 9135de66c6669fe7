"""limit: match so many packets in a time, and no more.

One bucket a rule, for all packets that reach it: it holds ``--limit-burst``
packets and is refilled at the rate of ``--limit``.  Without options it is
``--limit 3/hour --limit-burst 5``.  The rate is kept as the time between two
packets, so that ``7/second`` may come back as another number that is near.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rulec.catalogue.extension import Answer, Example, Extension, Given, Option, Setting, Value
from rulec.catalogue.values.numbers import number
from rulec.model import Family

SCALE = 10_000
"""XT_LIMIT_SCALE: the time between two packets is counted in parts of a second."""

_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_PRINTED = (("day", 86400 * SCALE), ("hour", 3600 * SCALE), ("min", 60 * SCALE), ("sec", SCALE))
_LEADING_NUMBER = re.compile(r"[ \t]*\+?([0-9]+)")
_DEFAULT_PERIOD = 1200 * SCALE
_DEFAULT_BURST = 5


def _read_rate(family: Family, text: str) -> int:
    digits, slash, unit = text.partition("/")
    seconds = next((size for name, size in _UNITS.items() if unit and name.startswith(unit.lower())), 0 if slash else 1)
    found = _LEADING_NUMBER.match(digits)
    packets = int(found[1]) & 2**32 - 1 if found and int(found[1]) < 2**63 else 0
    if not packets or not seconds:
        raise ValueError(f"{text!r} is not a rate such as 5/second, 10/minute, 3/hour or 1/day")
    if packets > SCALE * seconds:
        raise ValueError(f"{text} is too fast: the most is {SCALE}/second")
    return SCALE * seconds // packets


def show_rate(period: int) -> str:
    """A rate as iptables-save prints it: in the shortest unit in which little is lost."""
    name, unit = _PRINTED[0]
    for shorter in _PRINTED[1:]:
        if period > shorter[1] or shorter[1] // period < shorter[1] % period:
            break
        name, unit = shorter
    return f"{unit // period}/{name}"


RATE = Value(("RATE",), "a rate such as 5/second", _read_rate, show_rate)
"""The time between two packets, in parts of a second (SCALE)."""


def _credits(time: int) -> int:
    """What the kernel makes of a time (user2credits of xt_limit.c, for 250 and 1000 ticks a second)."""
    if time > (2**32 - 1) // 32000:
        return time // SCALE * 32000 & 2**32 - 1
    return time * 32000 // SCALE


def _kernel_check(given: Given, setting: Setting) -> None:
    period = given.get("--limit", _DEFAULT_PERIOD)
    burst = given.get("--limit-burst", _DEFAULT_BURST)
    if burst == 0 or _credits(period * burst & 2**32 - 1) < _credits(period):
        raise ValueError("the kernel cannot count so slow a rate with such a burst; try a smaller one")


def _save(given: Given) -> Iterator[str]:
    yield f"--limit {show_rate(given.get('--limit', _DEFAULT_PERIOD))}"
    burst = given.get("--limit-burst", _DEFAULT_BURST)
    if burst != _DEFAULT_BURST:
        yield f"--limit-burst {burst}"


EXTENSION = Extension(
    name="limit",
    summary="match so many packets in a time, and no more",
    modules=("xt_limit",),
    answer=Answer.STATEFUL,
    options=(Option("--limit", RATE), Option("--limit-burst", number(high=10000))),
    save=_save,
    kernel_check=_kernel_check,
    valid=(
        Example("-m limit", saved="-m limit --limit 3/hour"),
        Example("-m limit --limit 5", saved="-m limit --limit 5/sec"),
        Example("-m limit --limit 10/MINUTE --limit-burst 5", saved="-m limit --limit 10/min"),
        Example("-m limit --limit 1/h --limit-burst 100", saved="-m limit --limit 1/hour --limit-burst 100"),
        Example("-m limit --limit 10000/s", saved="-m limit --limit 10000/sec"),
        Example("-m limit --limit 5x/se", saved="-m limit --limit 5/sec"),
    ),
    invalid=(
        "-m limit --limit 10001/second",
        "-m limit --limit 0/second",
        "-m limit --limit 5/",
        "-m limit --limit 5/week",
        "-m limit ! --limit 5/second",
        "-m limit --limit-burst 10001",
        "-m limit --limit 5/second --limit 6/second",
    ),
    refused=("-m limit --limit-burst 0", "-m limit --limit 1/day --limit-burst 5"),
)
