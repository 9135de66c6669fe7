"""connlabel: match on a label of the packet's connection, or set it.

A connection has 128 labels, each set or not.  With ``--set`` the match puts the
label on, and matches when that was done.  The names of labels stand in
/etc/xtables/connlabel.conf, which differs from host to host: rulec takes
numbers only.  One rule with this match has every packet of its family tracked.
"""

from __future__ import annotations

from rulec.catalogue.extension import Answer, Example, Extension, Given, Option, Setting, Tracking, Value
from rulec.catalogue.values.numbers import integer
from rulec.model import Family

HIGHEST_LABEL = 127


def _read_label(family: Family, text: str) -> int:
    try:
        number = integer(text, 0, 2**64 - 1) & 2**32 - 1
    except ValueError:
        raise ValueError(f"{text!r} is not a number, and names of labels differ from host to host") from None
    if number >= 2**31:
        raise ValueError(f"{text} is out of range (0 to {HIGHEST_LABEL})")
    return number & 0xFFFF


def _kernel_check(given: Given, setting: Setting) -> None:
    if given.get("--label") > HIGHEST_LABEL:
        raise ValueError(f"a connection has the labels 0 to {HIGHEST_LABEL} only")


LABEL = Value(("TEXT",), "the number of a label, from 0 to 127", _read_label, lambda label: f'"{label}"')
"""The number of a label; what does not fit into 16 bits is cut."""

EXTENSION = Extension(
    name="connlabel",
    summary="match on a label of the packet's connection, or set it",
    modules=("xt_connlabel", "nf_conntrack"),
    tracking=Tracking.TRACKS,
    answer=Answer.STATEFUL,
    options=(Option("--label", LABEL, invertible=True, required=True), Option("--set")),
    kernel_check=_kernel_check,
    valid=(
        Example("-m connlabel --label 40", saved='-m connlabel --label "40"'),
        Example('-m connlabel ! --label "0x7f"', saved='-m connlabel ! --label "127"'),
        Example("-m connlabel --set --label 65537", saved='-m connlabel --label "1" --set'),
    ),
    invalid=(
        "-m connlabel",
        "-m connlabel --set",
        "-m connlabel --label no-such-label",
        '-m connlabel --label ""',
        "-m connlabel --label 1 ! --set",
        "-m connlabel --label 1 --label 2",
    ),
    refused=("-m connlabel --label 128", "-m connlabel --label 65535"),
)
