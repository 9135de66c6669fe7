"""MARK: change the mark that the packet carries inside this host.

The mark is a number of 32 bits that is never sent; routing rules, queues and
``-m mark`` read it.  All five options do one thing, which is how iptables-save
prints them: bits of a mask are cleared, then a value is xored in.  The packet
goes on with the next rule.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Example, Extension, Given, Option
from rulec.catalogue.options import exclusive
from rulec.catalogue.values.marks import Change, change, show_change
from rulec.catalogue.values.numbers import MARK, number

BITS = number(32)

OPTIONS = exclusive(
    Option("--set-xmark", MARK),
    Option("--set-mark", MARK),
    Option("--and-mark", BITS),
    Option("--or-mark", BITS),
    Option("--xor-mark", BITS),
)


def mark_change(given: Given) -> Change:
    """What happens to the mark: the bits that are cleared, and the value that is xored in."""
    (use,) = given
    return change(use.option, use.value)


def _save(given: Given) -> Iterator[str]:
    yield "--set-xmark"
    yield show_change(mark_change(given))


EXTENSION = Extension(
    name="MARK",
    summary="change the mark that the packet carries inside this host",
    modules=("xt_mark",),
    options=OPTIONS,
    one_of=(tuple(option.name for option in OPTIONS),),
    save=_save,
    valid=(
        Example("-j MARK --set-xmark 0xfe/0xff"),
        Example("-j MARK --set-mark 010", saved="-j MARK --set-xmark 0x8/0xffffffff"),
        Example("-j MARK --set-mark 1/2", saved="-j MARK --set-xmark 0x1/0x3", table="mangle", chain="PREROUTING"),
        Example("-j MARK --and-mark 5", saved="-j MARK --set-xmark 0x0/0xfffffffa"),
        Example("-j MARK --or-mark 5", saved="-j MARK --set-xmark 0x5/0x5", table="nat"),
        Example("-j MARK --xor-mark 4294967295", saved="-j MARK --set-xmark 0xffffffff/0x0"),
    ),
    invalid=(
        "-j MARK",
        "-j MARK --set-mark 1 --or-mark 1",
        "-j MARK --set-mark 4294967296",
        "-j MARK --set-mark 1/",
        "-j MARK --set-mark -1",
        "-j MARK --or-mark 1/2",
        "-j MARK ! --set-mark 1",
    ),
)
