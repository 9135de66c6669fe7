"""dccp: match on what a DCCP header holds: ports, types, options.

Ports too large are cut to 16 bits without a word, and are decimal whatever
they begin with.  INVALID stands for all types that the protocol does not know.
A list of types may be empty, and then matches nothing.
"""

from __future__ import annotations

from rulec.catalogue.extension import Example, Extension, Option, Value
from rulec.catalogue.values.numbers import number
from rulec.catalogue.values.ports import PORTS_EITHER_WAY
from rulec.model import Family
from rulec.model.protocols import DCCP

TYPES = (
    "REQUEST", "RESPONSE", "DATA", "ACK", "DATAACK", "CLOSEREQ", "CLOSE", "RESET", "SYNC", "SYNCACK", "INVALID",
)  # fmt: skip
"""The types of a packet, as RFC 4340 counts them."""


def _read_types(family: Family, words: str) -> tuple[str, ...]:
    chosen = {word for word in words.upper().split(",") if word}
    for word in chosen.difference(TYPES):
        raise ValueError(f"{word!r} is no DCCP type ({', '.join(TYPES)})")
    return tuple(name for name in TYPES if name in chosen)


_TYPES = Value(("LOOSE_NAMES",), "a list of DCCP types with commas", _read_types, ",".join)

EXTENSION = Extension(
    name="dccp",
    summary="match on what a DCCP header holds: ports, types, options",
    modules=("xt_dccp",),
    protocols=(DCCP,),
    options=(
        Option("--sport", PORTS_EITHER_WAY, aliases=("--source-port",), invertible=True),
        Option("--dport", PORTS_EITHER_WAY, aliases=("--destination-port",), invertible=True),
        Option("--dccp-types", _TYPES, invertible=True),
        Option("--dccp-option", number(8, low=1), invertible=True),
    ),
    valid=(
        Example("-p dccp -m dccp"),
        Example("-p dccp ! --dport http --sport 1024:", saved="-p dccp -m dccp --sport 1024:65535 ! --dport 80"),
        Example("-p 33 --source-port 010 --destination-port 9:3", saved="-p dccp -m dccp --sport 10 --dport 9:3"),
        Example("-p dccp --dport 70000", saved="-p dccp -m dccp --dport 4464"),
        Example("-p dccp ! --dccp-types invalid,,Data ! --dccp-option 255",
                saved="-p dccp -m dccp ! --dccp-types DATA,INVALID ! --dccp-option 255"),
    ),
    invalid=(
        "-p dccp --dport 1:2:3",
        "-p dccp --dport no-such-service",
        "-p dccp --dport 0x10",
        "-p dccp --dccp-types SYN",
        "-p dccp --dccp-option 0",
        "-p dccp --dccp-option 256",
        "-p dccp --sport 1 --source-port 2",
    ),
    refused=("-m dccp --sport 1", "-p tcp -m dccp --sport 1", "! -p dccp -m dccp"),
)  # fmt: skip
