"""owner: match on the user or group of the local process that sent the packet.

Only where packets leave the host: the kernel refuses it elsewhere, and a packet
without a socket, such as one that the kernel itself sends, matches no
``--uid-owner``.  Names of users are looked up while the ruleset loads; numbers
are the same on every host.
"""

from __future__ import annotations

import re

from rulec.catalogue.extension import Example, Extension, Given, Option, Setting, Value
from rulec.catalogue.values.numbers import integer
from rulec.model import Family

_KNOWN = {"root": 0, "nobody": 65534, "nogroup": 65534}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\$?")
_LARGEST = 2**32 - 2

Owner = tuple[int, int] | str
"""First and last number, or a name that the host must know."""


def _read_owner(family: Family, text: str) -> Owner:
    if text in _KNOWN:
        return _KNOWN[text], _KNOWN[text]
    if _NAME.fullmatch(text):
        return text
    first, dash, last = text.replace(":", "-", 1).partition("-")
    low = integer(first, 0, _LARGEST)
    return low, integer(last, 0, _LARGEST) if dash else low


def _show_owner(value: Owner) -> str:
    if isinstance(value, str):
        return value
    return str(value[0]) if value[0] == value[1] else f"{value[0]}-{value[1]}"


OWNER = Value(("OWNER",), "a user or group, by name, number or range first-last", _read_owner, _show_owner)
"""A range of numbers, or a name."""


def _check(given: Given) -> None:
    order = [use.option for use in given]
    if "--suppl-groups" in order and "--gid-owner" not in order[: order.index("--suppl-groups")]:
        raise ValueError("--suppl-groups needs --gid-owner before it")


def _kernel_check(given: Given, setting: Setting) -> None:
    for use in given:
        if isinstance(use.value, tuple) and use.value[0] > use.value[1]:
            raise ValueError(f"the range of {use.option} runs backwards")


EXTENSION = Extension(
    name="owner",
    summary="match on the user or group of the local process that sent the packet",
    modules=("xt_owner",),
    hooks=("OUTPUT", "POSTROUTING"),
    options=(
        Option("--socket-exists", invertible=True),
        Option("--uid-owner", OWNER, invertible=True),
        Option("--gid-owner", OWNER, invertible=True),
        Option("--suppl-groups", requires=("--gid-owner",)),
    ),
    one_of=(("--uid-owner", "--gid-owner", "--socket-exists"),),
    check=_check,
    kernel_check=_kernel_check,
    valid=(
        Example("-m owner --uid-owner root", saved="-m owner --uid-owner 0", chain="OUTPUT"),
        Example("-m owner ! --gid-owner 1000:0x400 --suppl-groups", chain="OUTPUT",
                saved="-m owner ! --gid-owner 1000-1024 --suppl-groups"),
        Example("-m owner ! --uid-owner 1000 --gid-owner 5-5 ! --socket-exists", table="mangle", chain="POSTROUTING",
                saved="-m owner ! --socket-exists ! --uid-owner 1000 --gid-owner 5"),
        Example("-m owner --uid-owner 4294967294", chain="OUTPUT"),
    ),
    invalid=(
        Example("-m owner", chain="OUTPUT"),
        Example("-m owner --uid-owner 4294967295", chain="OUTPUT"),
        Example("-m owner --uid-owner 5-", chain="OUTPUT"),
        Example('-m owner --uid-owner ""', chain="OUTPUT"),
        Example("-m owner --uid-owner 1 --uid-owner 2", chain="OUTPUT"),
        Example("-m owner --suppl-groups --gid-owner 5", chain="OUTPUT"),
        Example("-m owner --pid-owner 5", chain="OUTPUT"),
    ),
    refused=(
        "-m owner --uid-owner 5",
        Example("-m owner --uid-owner 10-5", chain="OUTPUT"),
    ),
)  # fmt: skip
