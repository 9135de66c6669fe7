"""mh: match on the type of a Mobile IPv6 message.

Types go by number or name, and names may be cut short; where several names
begin so, the first in the table is meant.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import IPV6, Example, Extension, Given, Option, Value, saved_option
from rulec.catalogue.values.numbers import colon_range, integer
from rulec.model import Family
from rulec.model.protocols import MOBILITY

_NAMES = {
    "binding-refresh-request": 0, "brr": 0,
    "home-test-init": 1, "hoti": 1,
    "careof-test-init": 2, "coti": 2,
    "home-test": 3, "hot": 3,
    "careof-test": 4, "cot": 4,
    "binding-update": 5, "bu": 5,
    "binding-acknowledgement": 6, "ba": 6,
    "binding-error": 7, "be": 7,
}  # fmt: skip
_EVERY = (0, 255)


def message_type(text: str) -> int:
    """The number of a message, by its number, its name, or the beginning of its name."""
    name = text.lower()
    if name in _NAMES:
        return _NAMES[name]
    for known, kind in _NAMES.items():
        if known.startswith(name):
            return kind
    return integer(text, 0, 255)


def _read_types(family: Family, text: str) -> tuple[int, int]:
    first, colon, last = text.partition(":")
    low = message_type(first) if first else 0
    high = low if not colon else message_type(last) if last else 255
    if low > high:
        raise ValueError(f"the range {text} runs backwards")
    return low, high


MESSAGES = Value(("NAME",), "a type of message, or a range first:last", _read_types, colon_range)
"""First and last type."""


def _save(given: Given) -> Iterator[str]:
    for use in given:
        if use.value != _EVERY:
            yield from saved_option(_MH_TYPE, use)


_MH_TYPE = Option("--mh-type", MESSAGES, invertible=True)

EXTENSION = Extension(
    name="mh",
    summary="match on the type of a Mobile IPv6 message",
    families=IPV6,
    modules=("ip6t_mh",),
    protocols=(MOBILITY,),
    options=(_MH_TYPE,),
    save=_save,
    valid=(
        Example("-p 135 -m mh", saved="-p mobility-header -m mh"),
        Example("-p mobility-header -m mh --mh-type binding-update", saved="-p mobility-header -m mh --mh-type 5"),
        Example("-p ipv6-mh -m mh ! --mh-type HOTI:cot", saved="-p mobility-header -m mh ! --mh-type 1:4"),
        Example("-p mh --mh-type 3:", saved="-p mobility-header -m mh --mh-type 3:255"),
        Example("-p 135 -m mh --mh-type home-t", saved="-p mobility-header -m mh --mh-type 1"),
        Example("-p 135 -m mh ! --mh-type :", saved="-p mobility-header -m mh"),
    ),
    invalid=(
        "-p 135 -m mh --mh-type 5:3",
        "-p 135 -m mh --mh-type 256",
        "-p 135 -m mh --mh-type nosuch",
        "-p 135 --mh-type 5",
    ),
    refused=("-m mh --mh-type 5", "-p tcp -m mh --mh-type 5"),
)
