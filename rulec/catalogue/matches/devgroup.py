"""devgroup: match on the group of the interface that a packet comes in on or leaves by.

Groups are numbers that ip-link(8) gives to interfaces; ``default`` is 0.  Other
names stand in /etc/iproute2/group, which differs from host to host: rulec takes
numbers only.
"""

from __future__ import annotations

from rulec.catalogue.extension import Example, Extension, Given, Option, Setting, Value
from rulec.catalogue.values.numbers import MARK, show_mark
from rulec.model import Family

_DEFAULT = (0, 2**32 - 1)
_NO_INTERFACE = {
    "--src-group": frozenset(("OUTPUT", "POSTROUTING")),
    "--dst-group": frozenset(("PREROUTING", "INPUT")),
}


def _read_group(family: Family, text: str) -> tuple[int, int]:
    if text == "default":
        return _DEFAULT
    try:
        pair: tuple[int, int] = MARK.read(family, text)
    except ValueError:
        raise ValueError(f"{text!r} is neither a group nor a name that every host knows") from None
    return pair


def _kernel_check(given: Given, setting: Setting) -> None:
    for option, hooks in _NO_INTERFACE.items():
        if option in given and not setting.hooks.isdisjoint(hooks):
            raise ValueError(f"{option} names an interface that packets in {min(setting.hooks & hooks)} do not have")


GROUP = Value(
    ("MASKED",),
    "a group, value or value/mask",
    _read_group,
    lambda pair: "default" if pair == _DEFAULT else show_mark(pair),
)
"""Value and mask."""

EXTENSION = Extension(
    name="devgroup",
    summary="match on the group of the interface that a packet comes in on or leaves by",
    modules=("xt_devgroup",),
    options=(Option("--src-group", GROUP, invertible=True), Option("--dst-group", GROUP, invertible=True)),
    one_of=(("--src-group", "--dst-group"),),
    kernel_check=_kernel_check,
    valid=(
        Example("-m devgroup --src-group 10", saved="-m devgroup --src-group 0xa"),
        Example("-m devgroup --src-group 0", saved="-m devgroup --src-group default"),
        Example("-m devgroup ! --src-group default"),
        Example("-m devgroup ! --dst-group 5/0xff --src-group 0x1", chain="FORWARD",
                saved="-m devgroup --src-group 0x1 ! --dst-group 0x5/0xff"),
    ),
    invalid=(
        "-m devgroup",
        "-m devgroup --src-group no-such-group",
        "-m devgroup --src-group 5/",
        "-m devgroup --src-group 4294967296",
        "-m devgroup --src-group 1 --src-group 2",
    ),
    refused=(
        "-m devgroup --dst-group 1",
        Example("-m devgroup --src-group 1", chain="OUTPUT"),
        Example("-m devgroup --src-group 1", table="mangle", chain="POSTROUTING"),
        Example("-m devgroup --dst-group 1", table="raw", chain="PREROUTING"),
    ),
)  # fmt: skip
