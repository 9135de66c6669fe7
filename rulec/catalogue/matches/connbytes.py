"""connbytes: match on how much has been transferred over the packet's connection.

Bytes, packets, or bytes a packet, of one direction or of both.  A single number
is a lower bound.  One rule with this match has every packet of its family
tracked, and switches the counting of connections on
(net.netfilter.nf_conntrack_acct), which stays on when the rule is gone.

The kernel keeps a negated range as one whose ends are crossed: so ``!`` before
``5:5`` is lost, and a dump shows ``0:0``, which is nothing yet, as ``0``,
which is any number.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Example, Extension, Given, Option, Tracking, Value
from rulec.catalogue.values.numbers import integer
from rulec.catalogue.values.text import choice
from rulec.model import Family

_HIGHEST = 2**64 - 1


def _read_amount(family: Family, text: str) -> tuple[int, int]:
    first, _, last = text.partition(":")
    low = integer(first, 0, _HIGHEST) if first else 0
    high = integer(last, 0, _HIGHEST) if last else _HIGHEST
    if low > high:
        raise ValueError(f"the range {text} runs backwards")
    return low, high


def _show_amount(pair: tuple[int, int]) -> str:
    return str(pair[0]) if pair[1] in (0, _HIGHEST) else f"{pair[0]}:{pair[1]}"


AMOUNT = Value(("NUMBER_RANGE",), "a number or a range first:last", _read_amount, _show_amount)
"""Least and most."""

_MODE = choice(("packets", "bytes", "avgpkt"), "one of packets, bytes and avgpkt")
_DIRECTION = choice(("original", "reply", "both"), "one of original, reply and both")


def _save(given: Given) -> Iterator[str]:
    low, high = given.get("--connbytes")
    if given.negated("--connbytes") and low != high:
        yield "!"
    yield f"--connbytes {_show_amount((low, high))}"
    yield f"--connbytes-mode {given.get('--connbytes-mode')}"
    yield f"--connbytes-dir {given.get('--connbytes-dir')}"


def _example(amount: str, mode: str, direction: str, saved: str = "") -> Example:
    def rule(amount: str) -> str:
        bang = "! " if amount.startswith("!") else ""
        range_ = amount.removeprefix("! ")
        return f"-m connbytes {bang}--connbytes {range_} --connbytes-mode {mode} --connbytes-dir {direction}"

    return Example(rule(amount), saved=rule(saved) if saved else "")


EXTENSION = Extension(
    name="connbytes",
    summary="match on how much has been transferred over the packet's connection",
    modules=("xt_connbytes", "nf_conntrack"),
    tracking=Tracking.TRACKS,
    options=(
        Option("--connbytes", AMOUNT, invertible=True, required=True),
        Option("--connbytes-mode", _MODE, required=True),
        Option("--connbytes-dir", _DIRECTION, required=True),
    ),
    save=_save,
    valid=(
        _example("1000:5000", "bytes", "both"),
        _example("1000:", "packets", "original", saved="1000"),
        _example(":9", "avgpkt", "reply", saved="0:9"),
        _example("! 3:9", "bytes", "both"),
        _example("! 5:5", "bytes", "both", saved="5:5"),
        _example("0:0", "bytes", "both", saved="0"),
    ),
    invalid=(
        "-m connbytes",
        "-m connbytes --connbytes 1",
        "-m connbytes --connbytes 1 --connbytes-mode bytes",
        "-m connbytes --connbytes 9:3 --connbytes-mode bytes --connbytes-dir both",
        "-m connbytes --connbytes 1:2:3 --connbytes-mode bytes --connbytes-dir both",
        "-m connbytes --connbytes 1 --connbytes-mode BYTES --connbytes-dir both",
        "-m connbytes --connbytes 1 --connbytes-mode bytes --connbytes-dir each",
        "-m connbytes --connbytes 1 ! --connbytes-mode bytes --connbytes-dir both",
    ),
)
