"""CONNMARK: change the mark of the connection, or copy it from or to the mark of the packet.

The mark of a connection is kept by tracking: one such rule has every packet of
the family tracked, and an untracked packet has no such mark.  ``--save-mark``
copies from the packet to the connection, ``--restore-mark`` back; the masks say
which bits.  The options are read one after the other, so that ``--mask`` behind
``--set-mark`` replaces its mask, and is lost before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rulec.catalogue.extension import Example, Extension, Given, Option, Tracking, Unloadable, Value
from rulec.catalogue.options import exclusive
from rulec.catalogue.values.marks import change
from rulec.catalogue.values.numbers import MARK, integer, number
from rulec.model import Family

ALL_ONES = 2**32 - 1

BITS = number(32)


def _read_shift(family: Family, text: str) -> int:
    places = integer(text, 0, 32)
    if places == 32:
        raise Unloadable("the kernel shifts by 31 places at most")
    return places


SHIFT = Value(("NUMBER",), "a number from 0 to 31", _read_shift)
"""By how many places the mark is shifted."""

OPERATIONS = exclusive(
    Option("--set-xmark", MARK),
    Option("--set-mark", MARK),
    Option("--and-mark", BITS),
    Option("--or-mark", BITS),
    Option("--xor-mark", BITS),
    Option("--save-mark"),
    Option("--restore-mark"),
)


class Operation(NamedTuple):
    """What the kernel holds of a rule: one operation, both masks and a shift (negative to the right)."""

    name: str = ""
    mark: int = 0
    mark_mask: int = ALL_ONES
    packet_mask: int = ALL_ONES
    shift: int = 0


def operation(given: Given) -> Operation:
    """The options put together in the order in which they stand."""
    found = Operation()
    for use in given:
        if use.option in ("--save-mark", "--restore-mark"):
            found = found._replace(name=use.option)
        elif use.option == "--mask":
            found = found._replace(mark_mask=use.value, packet_mask=use.value)
        elif use.option == "--ctmask":
            found = found._replace(mark_mask=use.value)
        elif use.option == "--nfmask":
            found = found._replace(packet_mask=use.value)
        elif use.option in ("--left-shift-mark", "--right-shift-mark"):
            found = found._replace(shift=use.value if use.option.startswith("--left") else -use.value)
        else:
            mark, mask = change(use.option, use.value)
            found = found._replace(name="--set-xmark", mark=mark, mark_mask=mask)
    return found


def _save(given: Given) -> Iterator[str]:
    found = operation(given)
    yield found.name
    if found.name == "--set-xmark":
        yield f"{found.mark:#x}/{found.mark_mask:#x}"
    else:
        yield from ("--nfmask", f"{found.packet_mask:#x}", "--ctmask", f"{found.mark_mask:#x}")
    if found.shift:
        yield from ("--left-shift-mark" if found.shift > 0 else "--right-shift-mark", str(abs(found.shift)))


EXTENSION = Extension(
    name="CONNMARK",
    summary="change the mark of the connection, or copy it from or to the mark of the packet",
    modules=("xt_connmark", "nf_conntrack"),
    tracking=Tracking.TRACKS,
    options=(
        *OPERATIONS,
        Option("--left-shift-mark", SHIFT),
        Option("--right-shift-mark", SHIFT),
        Option("--nfmask", BITS, excludes=("--mask",)),
        Option("--ctmask", BITS, excludes=("--mask",)),
        Option("--mask", BITS, excludes=("--nfmask", "--ctmask")),
    ),
    one_of=(tuple(option.name for option in OPERATIONS),),
    save=_save,
    valid=(
        Example("-j CONNMARK --set-xmark 0xfe/0xff"),
        Example("-j CONNMARK --set-mark 1/2", saved="-j CONNMARK --set-xmark 0x1/0x3"),
        Example("-j CONNMARK --set-mark 1 --mask 8", saved="-j CONNMARK --set-xmark 0x1/0x8"),
        Example("-j CONNMARK --mask 8 --set-mark 1", saved="-j CONNMARK --set-xmark 0x1/0xffffffff"),
        Example("-j CONNMARK --and-mark 5", saved="-j CONNMARK --set-xmark 0x0/0xfffffffa"),
        Example("-j CONNMARK --or-mark 5", saved="-j CONNMARK --set-xmark 0x5/0x5"),
        Example("-j CONNMARK --xor-mark 5", saved="-j CONNMARK --set-xmark 0x5/0x0", table="mangle"),
        Example("-j CONNMARK --save-mark", saved="-j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff"),
        Example("-j CONNMARK --restore-mark --mask 3", saved="-j CONNMARK --restore-mark --nfmask 0x3 --ctmask 0x3"),
        Example("-j CONNMARK --ctmask 1 --nfmask 2 --save-mark --left-shift-mark 0",
                saved="-j CONNMARK --save-mark --nfmask 0x2 --ctmask 0x1"),
        Example("-j CONNMARK --set-xmark 0x1/0x1 --left-shift-mark 3 --right-shift-mark 5",
                saved="-j CONNMARK --set-xmark 0x1/0x1 --right-shift-mark 5"),
    ),
    invalid=(
        "-j CONNMARK",
        "-j CONNMARK --mask 3",
        "-j CONNMARK --save-mark --restore-mark",
        "-j CONNMARK --save-mark --mask 3 --nfmask 3",
        "-j CONNMARK --save-mark --left-shift-mark 33",
        "-j CONNMARK ! --save-mark",
    ),
    refused=("-j CONNMARK --save-mark --left-shift-mark 32",),
)  # fmt: skip
