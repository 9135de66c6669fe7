"""realm: match on the routing realm of the packet's route.

Realms are numbers that ip-route(8) gives to routes.  The names in
/etc/iproute2/rt_realms differ from host to host; ``cosmos`` is realm 0 on all.
"""

from __future__ import annotations

from rulec.catalogue.extension import IPV4, Example, Extension, Option, Value
from rulec.catalogue.values.numbers import MARK, show_mark
from rulec.model import Family

_COSMOS = (0, 2**32 - 1)


def _read_realm(family: Family, text: str) -> tuple[int, int]:
    if text == "cosmos":
        return _COSMOS
    if text[:1].isdigit() or text[:1] == "+":
        return MARK.read(family, text)  # type: ignore[no-any-return]
    raise ValueError(f"{text!r} is neither a realm nor a name that every host knows")


REALM = Value(
    ("MASKED",),
    "a realm, value or value/mask",
    _read_realm,
    lambda pair: "cosmos" if pair == _COSMOS else show_mark(pair),
)
"""Value and mask."""

EXTENSION = Extension(
    name="realm",
    summary="match on the routing realm of the packet's route",
    families=IPV4,
    modules=("xt_realm",),
    hooks=("INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    options=(Option("--realm", REALM, invertible=True, required=True),),
    valid=(
        Example("-m realm --realm 1", saved="-m realm --realm 0x1"),
        Example("-m realm ! --realm 0x10/0xff"),
        Example("-m realm --realm 0", saved="-m realm --realm cosmos"),
        Example("-m realm --realm 0/1", table="mangle", chain="POSTROUTING", saved="-m realm --realm 0x0/0x1"),
    ),
    invalid=(
        "-m realm",
        "-m realm --realm no-such-realm",
        "-m realm --realm 1/x",
        "-m realm --realm 4294967296",
    ),
    refused=(Example("-m realm --realm 1", table="nat", chain="PREROUTING"),),
)
