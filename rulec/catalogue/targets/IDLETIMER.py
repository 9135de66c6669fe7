"""IDLETIMER: tell a program when no packet has met the rule for some time.

Each packet winds up the timer of that label again; when it runs out, a file
below /sys/class/xt_idletimer changes.  Rules with one label share one timer, in
all tables and network namespaces, and must agree on ``--alarm``, with which it
wakes a sleeping machine.  The packet goes on with the next rule.
"""

from __future__ import annotations

from rulec.catalogue.extension import Example, Extension, Option, Unloadable, Value
from rulec.catalogue.values.numbers import integer
from rulec.catalogue.values.text import cut
from rulec.model import Family

RESERVED = ("power", "subsystem", "uevent")
"""Names that sysfs needs for itself (xt_IDLETIMER.c)."""

LONGEST_TIMEOUT = (2**31 - 1) // 1000 - 1
"""The kernel counts in milliseconds."""


def _read_label(family: Family, text: str) -> str:
    if not text or text in RESERVED or "/" in text:
        raise Unloadable(f"{text!r} cannot be the name of a file below /sys, and the kernel refuses it")
    return cut(text, 27)


def _read_timeout(family: Family, text: str) -> int:
    seconds = integer(text)
    if not 0 < seconds <= LONGEST_TIMEOUT:
        raise Unloadable(f"{text} is out of range (1 to {LONGEST_TIMEOUT})")
    return seconds


TIMEOUT = Value(("NUMBER",), f"a number from 1 to {LONGEST_TIMEOUT}", _read_timeout)
"""Seconds without a packet."""

LABEL = Value(("TEXT",), "a label of up to 27 bytes", _read_label)
"""The name of the timer."""

EXTENSION = Extension(
    name="IDLETIMER",
    summary="tell a program when no packet has met the rule for some time",
    modules=("xt_IDLETIMER",),
    options=(
        Option("--timeout", TIMEOUT, required=True),
        Option("--label", LABEL, required=True),
        Option("--alarm"),
    ),
    valid=(
        Example("-j IDLETIMER --timeout 42 --label catalogue"),
        Example("-j IDLETIMER --alarm --label woken --timeout 2147482", chain="FORWARD",
                saved="-j IDLETIMER --timeout 2147482 --label woken --alarm"),
    ),
    invalid=(
        "-j IDLETIMER --timeout 42",
        "-j IDLETIMER --label catalogue",
        "-j IDLETIMER --timeout 4294967296 --label catalogue",
    ),
    refused=(
        "-j IDLETIMER --timeout 0 --label catalogue",
        "-j IDLETIMER --timeout 2147483 --label catalogue",
        "-j IDLETIMER --timeout 42 --label uevent",
        "-j IDLETIMER --timeout 42 --label a/b",
        '-j IDLETIMER --timeout 42 --label ""',
    ),
)  # fmt: skip
