"""dscp: match on the DSCP, the upper six bits of the former TOS byte.

By number or by the name of a class; iptables-save prints the number.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Example, Extension, Given, Option, saved_option
from rulec.catalogue.values.dscp import DSCP, DSCP_CLASS
from rulec.model import Use

_DSCP = Option("--dscp", DSCP, invertible=True, excludes=("--dscp-class",))
_CLASS = Option("--dscp-class", DSCP_CLASS, invertible=True, excludes=("--dscp",))


def _save(given: Given) -> Iterator[str]:
    for use in given:
        yield from saved_option(_DSCP, Use(_DSCP.name, use.negated, use.value))


EXTENSION = Extension(
    name="dscp",
    summary="match on the DSCP, the upper six bits of the former TOS byte",
    modules=("xt_dscp",),
    options=(_DSCP, _CLASS),
    one_of=(("--dscp", "--dscp-class"),),
    save=_save,
    valid=(
        Example("-m dscp --dscp 0x3f"),
        Example("-m dscp ! --dscp 8", saved="-m dscp ! --dscp 0x08"),
        Example("-m dscp --dscp-class ef", saved="-m dscp --dscp 0x2e"),
        Example("-m dscp ! --dscp-class CS1x", saved="-m dscp ! --dscp 0x08"),
    ),
    invalid=(
        "-m dscp",
        "-m dscp --dscp 64",
        "-m dscp --dscp CS1",
        "-m dscp --dscp-class CS",
        "-m dscp --dscp 1 --dscp-class CS1",
        "-m dscp --dscp 1 --dscp 2",
    ),
)
