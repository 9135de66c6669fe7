"""NFQUEUE: hand the packet to a program, which says what becomes of it.

While no program listens to the queue every packet is dropped, unless
``--queue-bypass`` lets it go on with the next rule.  ``--queue-balance`` spreads
connections over several queues.  The program may be an intrusion prevention
system that needs connection tracking; the rule itself does not.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Example, Extension, Given, Option, Unloadable, Value
from rulec.catalogue.values.numbers import integer, number
from rulec.model import Family

LAST_QUEUE = 65535


def _read_queues(family: Family, text: str) -> tuple[int, int]:
    first, colon, last = text.partition(":")
    if not colon:
        raise ValueError(f"{text!r} is not a range first:last")
    low = integer(first, 0, LAST_QUEUE) if first else 0
    high = integer(last, 0, LAST_QUEUE) if last else LAST_QUEUE
    if low >= high:
        raise ValueError(f"{low} is not less than {high}")
    if high - low == LAST_QUEUE:
        raise Unloadable(f"the kernel takes at most {LAST_QUEUE} queues")
    return low, high


QUEUES = Value(("NUMBER_RANGE",), "a range first:last of queues", _read_queues, lambda pair: f"{pair[0]}:{pair[1]}")
"""First and last queue."""


def _save(given: Given) -> Iterator[str]:
    if "--queue-balance" in given:
        yield from ("--queue-balance", QUEUES.show(given.get("--queue-balance")))
    else:
        yield from ("--queue-num", str(given.get("--queue-num", 0)))
    for flag in ("--queue-bypass", "--queue-cpu-fanout"):
        if flag in given:
            yield flag


EXTENSION = Extension(
    name="NFQUEUE",
    summary="hand the packet to a program, which says what becomes of it",
    modules=("xt_NFQUEUE",),
    options=(
        Option("--queue-num", number(16), excludes=("--queue-balance",)),
        Option("--queue-balance", QUEUES, excludes=("--queue-num",)),
        Option("--queue-bypass"),
        Option("--queue-cpu-fanout", requires=("--queue-balance",)),
    ),
    save=_save,
    valid=(
        Example("-j NFQUEUE", saved="-j NFQUEUE --queue-num 0"),
        Example("-j NFQUEUE --queue-bypass --queue-num 65535", saved="-j NFQUEUE --queue-num 65535 --queue-bypass"),
        Example("-j NFQUEUE --queue-cpu-fanout --queue-balance :5", table="mangle", chain="PREROUTING",
                saved="-j NFQUEUE --queue-balance 0:5 --queue-cpu-fanout"),
        Example("-j NFQUEUE --queue-balance 1:", saved="-j NFQUEUE --queue-balance 1:65535"),
    ),
    invalid=(
        "-j NFQUEUE --queue-num 65536",
        "-j NFQUEUE --queue-num 1 --queue-balance 1:2",
        "-j NFQUEUE --queue-balance 5",
        "-j NFQUEUE --queue-balance 5:5",
        "-j NFQUEUE --queue-balance 1:2:3",
        "-j NFQUEUE --queue-cpu-fanout",
    ),
    refused=("-j NFQUEUE --queue-balance 0:65535",),
)  # fmt: skip
