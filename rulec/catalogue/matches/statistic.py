"""statistic: match some of the packets, at random or every so many.

``--mode random`` throws dice for each packet, ``--mode nth`` counts the packets
that reach the rule, over all processors together.  To share among n targets,
the first rule takes one of n, the next one of n - 1 of the rest, and so on.
"""

from __future__ import annotations

from rulec.catalogue.extension import Answer, Example, Extension, Given, Option, Value
from rulec.catalogue.values.numbers import number
from rulec.catalogue.values.text import choice
from rulec.model import Family

_STEPS = 2**31


def _read_probability(family: Family, text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError(f"{text} is no probability (0 to 1)")
    return int(value * _STEPS + 0.5) / _STEPS


PROBABILITY = Value(("FRACTION",), "a probability from 0 to 1", _read_probability, lambda value: f"{value:.11f}")
"""A probability, in steps of one in 2**31."""


def _check(given: Given) -> None:
    if given.get("--mode") == "random" and "--probability" not in given:
        raise ValueError("--mode random needs --probability")
    if given.get("--mode") == "nth" and "--every" not in given:
        raise ValueError("--mode nth needs --every and --packet")
    if given.get("--packet", 0) >= given.get("--every", 2**32):
        raise ValueError("--packet counts from 0 and must be less than --every")


EXTENSION = Extension(
    name="statistic",
    summary="match some of the packets, at random or every so many",
    modules=("xt_statistic",),
    answer=Answer.RANDOM,
    options=(
        Option("--mode", choice(("random", "nth"), "random or nth"), required=True),
        Option("--probability", PROBABILITY, invertible=True, excludes=("--every", "--packet")),
        Option("--every", number(low=1), invertible=True, excludes=("--probability",), requires=("--packet",)),
        Option("--packet", number(), excludes=("--probability",), requires=("--every",)),
    ),
    check=_check,
    valid=(
        Example("-m statistic --mode random --probability 0.5",
                saved="-m statistic --mode random --probability 0.50000000000"),
        Example("-m statistic ! --probability 1e-3 --mode random",
                saved="-m statistic --mode random ! --probability 0.00100000016"),
        Example("-m statistic --mode random --probability 1",
                saved="-m statistic --mode random --probability 1.00000000000"),
        Example("-m statistic --mode nth --packet 4 --every 5", saved="-m statistic --mode nth --every 5 --packet 4"),
        Example("-m statistic --mode nth ! --every 4294967295 --packet 0"),
    ),
    invalid=(
        "-m statistic",
        "-m statistic --mode odd --probability 0.5",
        "-m statistic --mode random",
        "-m statistic --mode random --probability 1.1",
        "-m statistic --mode nth --every 5",
        "-m statistic --mode nth --every 5 --packet 5",
        "-m statistic --mode nth --every 0 --packet 0",
        "-m statistic --mode nth --every 5 ! --packet 0",
        "-m statistic --mode nth --probability 0.5",
        "-m statistic --mode random --every 5 --packet 0",
    ),
)  # fmt: skip
