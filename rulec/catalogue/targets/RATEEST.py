"""RATEEST: measure the rate of the packets that meet the rule, for ``-m rateest`` to compare.

Rules with one name share one measurement, and must agree on its two times.
iptables rounds these to powers of two, and iptables-save prints the rounded
ones; a time without a unit is in microseconds.  The packet goes on with the
next rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import log
from typing import NamedTuple

from rulec.catalogue.extension import Example, Extension, Given, Option, Value
from rulec.catalogue.values.text import text
from rulec.model import Family

SECOND = 1_000_000

UNITS = {
    "s": SECOND,
    "sec": SECOND,
    "secs": SECOND,
    "ms": 1000,
    "msec": 1000,
    "msecs": 1000,
    "us": 1,
    "usec": 1,
    "usecs": 1,
    "": 1,
}
"""Microseconds of each unit."""

_TIME = re.compile(r"[ \t]*\+?([0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?)([A-Za-z]*)")


def _read_time(family: Family, word: str) -> int:
    found = _TIME.fullmatch(word)
    if found is None or found[2].lower() not in UNITS:
        raise ValueError(f"{word!r} is not a time such as 250ms or 4s")
    return int(float(found[1]) * UNITS[found[2].lower()]) & 0xFFFFFFFF


def show_time(value: int) -> str:
    """As iptables-save prints microseconds."""
    if value >= SECOND:
        return f"{value / SECOND:.1f}s"
    return f"{value / 1000:.1f}ms" if value >= 1000 else f"{value}us"


TIME = Value(("DURATION",), "a time such as 250ms or 4s", _read_time, show_time)
"""Microseconds."""


class Estimator(NamedTuple):
    """The times as the kernel holds them: logarithms to the base 2, of the interval in quarters of a second."""

    interval: int
    ewma: int


def estimator(given: Given) -> Estimator:
    """Both times rounded up, or ValueError where they do not fit (libxt_RATEEST.c)."""
    wanted, average = given.get("--rateest-interval"), given.get("--rateest-ewmalog")
    interval = next((power for power in range(6) if wanted <= (SECOND // 4) << power), None)
    if interval is None:
        raise ValueError("the interval is longer than 8 seconds")
    for power in range(1, 32):
        if wanted / -log(1 - 1 / (1 << power)) > average:
            if power == 1:
                break
            return Estimator(interval, power - 1)
    raise ValueError("the averaging time is too short or too long for the interval")


def _check(given: Given) -> None:
    estimator(given)


def _save(given: Given) -> Iterator[str]:
    found = estimator(given)
    interval = (SECOND // 4) << found.interval
    yield from ("--rateest-name", given.get("--rateest-name"))
    yield from ("--rateest-interval", show_time(interval))
    yield from ("--rateest-ewmalog", show_time(interval << found.ewma & 0xFFFFFFFF))


EXTENSION = Extension(
    name="RATEEST",
    summary="measure the rate of the packets that meet the rule, for -m rateest to compare",
    modules=("xt_RATEEST",),
    options=(
        Option("--rateest-name", text(limit=15, show=str), required=True),
        Option("--rateest-interval", TIME, required=True),
        Option("--rateest-ewmalog", TIME, required=True),
    ),
    check=_check,
    save=_save,
    valid=(
        Example("-j RATEEST --rateest-name one --rateest-interval 250.0ms --rateest-ewmalog 500.0ms"),
        Example("-j RATEEST --rateest-name two --rateest-interval 8s --rateest-ewmalog 60SECS",
                saved="-j RATEEST --rateest-name two --rateest-interval 8.0s --rateest-ewmalog 64.0s"),
        Example("-j RATEEST --rateest-ewmalog 100 --rateest-interval 5 --rateest-name three",
                saved="-j RATEEST --rateest-name three --rateest-interval 250.0ms --rateest-ewmalog 4.0s"),
        Example("-j RATEEST --rateest-name a-name-of-more-than-15 --rateest-interval .1e1s --rateest-ewmalog 2sec",
                saved="-j RATEEST --rateest-name a-name-of-more- --rateest-interval 1.0s --rateest-ewmalog 2.0s"),
    ),
    invalid=(
        "-j RATEEST --rateest-interval 250ms --rateest-ewmalog 500ms",
        "-j RATEEST --rateest-name four --rateest-interval 250ms",
        "-j RATEEST --rateest-name four --rateest-interval 9s --rateest-ewmalog 60s",
        "-j RATEEST --rateest-name four --rateest-interval 1s --rateest-ewmalog 1s",
        "-j RATEEST --rateest-name four --rateest-interval 0s --rateest-ewmalog 1s",
        "-j RATEEST --rateest-name four --rateest-interval 1min --rateest-ewmalog 4s",
    ),
)  # fmt: skip
