"""TOS: change the former TOS byte of the IP header, in IPv6 the traffic class.

All options do one thing, which is how iptables-save prints them: bits of a mask
are cleared, then a value is xored in.  A name has the mask 0x3f, so that the
two highest bits stay.  The packet goes on with the next rule.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Example, Extension, Given, Option
from rulec.catalogue.options import exclusive
from rulec.catalogue.values.marks import Change, change
from rulec.catalogue.values.numbers import number
from rulec.catalogue.values.tos import TOS, show_tos

BITS = number(8)

OPTIONS = exclusive(
    Option("--set-tos", TOS),
    Option("--and-tos", BITS),
    Option("--or-tos", BITS),
    Option("--xor-tos", BITS),
)


def tos_change(given: Given) -> Change:
    """What happens to the byte: the bits that are cleared, and the value that is xored in."""
    (use,) = given
    return change(use.option, use.value, 0xFF)


def _save(given: Given) -> Iterator[str]:
    yield "--set-tos"
    yield show_tos(tos_change(given))


EXTENSION = Extension(
    name="TOS",
    summary="change the former TOS byte of the IP header, in IPv6 the traffic class",
    modules=("xt_DSCP",),
    tables=("mangle",),
    options=OPTIONS,
    one_of=(tuple(option.name for option in OPTIONS),),
    save=_save,
    valid=(
        Example("-j TOS --set-tos 0x1f/0x3f", table="mangle"),
        Example("-j TOS --set-tos 8", saved="-j TOS --set-tos 0x08/0xff", table="mangle", chain="PREROUTING"),
        Example("-j TOS --set-tos minimize-delay", saved="-j TOS --set-tos 0x10/0x3f", table="mangle"),
        Example("-j TOS --and-tos 0xf0", saved="-j TOS --set-tos 0x00/0x0f", table="mangle"),
        Example("-j TOS --or-tos 1", saved="-j TOS --set-tos 0x01/0x01", table="mangle"),
        Example("-j TOS --xor-tos 1", saved="-j TOS --set-tos 0x01/0x00", table="mangle"),
    ),
    invalid=(
        Example("-j TOS", table="mangle"),
        Example("-j TOS --set-tos 256", table="mangle"),
        Example("-j TOS --set-tos 1/", table="mangle"),
        Example("-j TOS --set-tos Minimize", table="mangle"),
        Example("-j TOS --or-tos 1 --xor-tos 1", table="mangle"),
    ),
    refused=("-j TOS --set-tos 1",),
)
