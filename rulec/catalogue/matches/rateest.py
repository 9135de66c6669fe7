"""rateest: compare the rates that RATEEST targets measure.

An estimator must exist when the rule is loaded: a ``-j RATEEST`` rule before it
makes it.  One estimator is held against a rate, or two against each other; with
``--rateest-delta`` against what they are short of given rates.  Where two are
compared, the rates may be left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rulec.catalogue.extension import Answer, Example, Extension, Given, Option, Setting, Value
from rulec.catalogue.values.numbers import integer
from rulec.catalogue.values.text import text
from rulec.model import Family

_SUFFIXES = {
    "": 1, "bit": 1, "kibit": 2**10, "kbit": 10**3, "mibit": 2**20, "mbit": 10**6, "gibit": 2**30, "gbit": 10**9,
    "tibit": 2**40, "tbit": 10**12, "bps": 8, "kibps": 2**13, "kbps": 8 * 10**3, "mibps": 2**23, "mbps": 8 * 10**6,
    "gibps": 2**33, "gbps": 8 * 10**9, "tibps": 2**43, "tbps": 8 * 10**12,
}  # fmt: skip
_RATE = re.compile(r"[ \t]*\+?((?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)(.*)")
_COMPARISONS = ("--rateest-lt", "--rateest-gt", "--rateest-eq")


def _read_bytes(family: Family, word: str = "0") -> int:
    found = _RATE.fullmatch(word)
    if found is None or found[2].lower() not in _SUFFIXES:
        raise ValueError(f"{word!r} is not a rate such as 8000bit, 1.5mbit or 20KBps")
    return int(float(found[1]) * _SUFFIXES[found[2].lower()] / 8) & 2**32 - 1


def _read_packets(family: Family, word: str = "0") -> int:
    return integer(word)


def _show_bytes(rate: int) -> str:
    """In bits, by thousands or millions of them once there are so many."""
    bits = rate * 8
    if bits >= 10**9:
        return f"{bits / 10**6:.0f}Mbit"
    return f"{bits / 10**3:.0f}Kbit" if bits >= 10**6 else f"{bits}bit"


BYTES = Value(("OPTIONAL_RATE",), "a rate such as 8000bit, or none", _read_bytes, _show_bytes)
"""Bytes a second, 0 where no rate stands."""

PACKETS = Value(("OPTIONAL_RATE",), "packets a second, or none", _read_packets)
"""Packets a second, 0 where no number stands."""

_ESTIMATOR = text(limit=15, show=str)


def _comparison(given: Given) -> str:
    """The comparison that was given last; a ``!`` before any of them turns it round."""
    name = next((use.option for use in reversed(given.uses) if use.option in _COMPARISONS), "")
    return f"! {name}" if any(given.negated(option) for option in _COMPARISONS) else name


def _save(given: Given) -> Iterator[str]:
    if "--rateest-delta" in given:
        yield "--rateest-delta"
    yield f"--rateest{'1' if '--rateest2' in given else ''} {given.get('--rateest1', '')}"
    for unit, value in (("bps", BYTES), ("pps", PACKETS)):
        if f"--rateest-{unit}1" in given or f"--rateest-{unit}2" in given:
            yield from _saved_rates(given, unit, value)
    if "--rateest2" in given:
        yield f"--rateest2 {given.get('--rateest2')}"


def _saved_rates(given: Given, unit: str, value: Value) -> Iterator[str]:
    second = value.show(given.get(f"--rateest-{unit}2", 0))
    if "--rateest-delta" in given:
        yield f"--rateest-{unit}1 {value.show(given.get(f'--rateest-{unit}1', 0))}"
        yield f"{_comparison(given)} --rateest-{unit}2 {second}"
    else:
        yield f"{_comparison(given)} --rateest-{unit}{'' if '--rateest2' in given else ' ' + second}"


def _kernel_check(given: Given, setting: Setting) -> None:
    if not any(option in given for option in _COMPARISONS):
        raise ValueError(f"one of {', '.join(_COMPARISONS)} must be given")
    if not any(f"--rateest-{unit}" in given for unit in ("bps1", "bps2", "pps1", "pps2")):
        raise ValueError("--rateest-bps or --rateest-pps must be given")
    if not given.get("--rateest1"):
        raise ValueError("--rateest must name an estimator")


EXTENSION = Extension(
    name="rateest",
    summary="compare the rates that RATEEST targets measure",
    modules=("xt_rateest", "xt_RATEEST"),
    answer=Answer.STATEFUL,
    options=(
        Option("--rateest-delta"),
        Option("--rateest1", _ESTIMATOR, aliases=("--rateest",)),
        Option("--rateest-bps1", BYTES),
        Option("--rateest-pps1", PACKETS),
        *(Option(name, invertible=True) for name in _COMPARISONS),
        Option("--rateest-bps2", BYTES, aliases=("--rateest-bps",)),
        Option("--rateest-pps2", PACKETS, aliases=("--rateest-pps",)),
        Option("--rateest2", _ESTIMATOR),
    ),
    save=_save,
    kernel_check=_kernel_check,
    valid=(
        Example("-m rateest --rateest RE1 --rateest-lt --rateest-bps 1KBps",
                saved="-m rateest --rateest RE1 --rateest-lt --rateest-bps 8000bit"),
        Example("-m rateest --rateest1 RE1 ! --rateest-eq --rateest-pps2 0x10",
                saved="-m rateest --rateest RE1 ! --rateest-eq --rateest-pps 16"),
        Example("-m rateest --rateest RE1 --rateest-gt --rateest-bps 1.5gbit",
                saved="-m rateest --rateest RE1 --rateest-gt --rateest-bps 1500Mbit"),
        Example("-m rateest --rateest1 RE1 --rateest-lt --rateest-bps --rateest2 RE2"),
        Example("-m rateest --rateest-delta --rateest RE1 --rateest-bps1 1mbit --rateest-gt --rateest-bps2",
                saved="-m rateest --rateest-delta --rateest RE1 --rateest-bps1 1000Kbit"
                      " --rateest-gt --rateest-bps2 0bit"),
        Example("-m rateest --rateest-delta --rateest1 RE1 --rateest-pps1 5"
                " --rateest-lt --rateest-pps2 42 --rateest2 RE2"),
    ),
    invalid=(
        "-m rateest --rateest RE1 --rateest-gt --rateest-bps 5foo",
        "-m rateest --rateest RE1 --rateest-gt --rateest-pps 5bit",
        "-m rateest --rateest RE1 --rateest RE2 --rateest-gt --rateest-pps 5",
        "-m rateest --rateest RE1 --rateest-gt --rateest-gt --rateest-pps 5",
        "-m rateest ! --rateest RE1 --rateest-gt --rateest-pps 5",
    ),
    refused=(
        "-m rateest --rateest RE1 --rateest-pps 5",
        "-m rateest --rateest RE1 --rateest-gt",
        "-m rateest --rateest-gt --rateest-pps 5",
    ),
)  # fmt: skip
