"""sctp: match on the ports of an SCTP packet, and on the chunks that it carries.

``--chunk-types`` takes first how many of the listed kinds must be there (``any``
of them, ``all`` of them, or ``only`` them), then the list.  Letters behind a
kind are flags: a capital must be set, a small one must not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rulec.catalogue.extension import Example, Extension, Option, Value
from rulec.catalogue.values.ports import PORTS
from rulec.model import Family
from rulec.model.protocols import SCTP

_KINDS = {
    "DATA": 0, "INIT": 1, "INIT_ACK": 2, "SACK": 3, "HEARTBEAT": 4, "HEARTBEAT_ACK": 5, "ABORT": 6, "SHUTDOWN": 7,
    "SHUTDOWN_ACK": 8, "ERROR": 9, "COOKIE_ECHO": 10, "COOKIE_ACK": 11, "ECN_ECNE": 12, "ECN_CWR": 13,
    "SHUTDOWN_COMPLETE": 14, "I_DATA": 64, "ASCONF_ACK": 128, "RE_CONFIG": 130, "PAD": 132, "FORWARD_TSN": 192,
    "ASCONF": 193, "I_FORWARD_TSN": 194,
}  # fmt: skip
_NAMES = {number: name for name, number in _KINDS.items()}
_DATA_FLAGS, _ABORT_FLAGS, _NO_FLAGS = "----IUBE", "-------T", "--------"
_FLAGS = {"DATA": _DATA_FLAGS, "I_DATA": _DATA_FLAGS, "ABORT": _ABORT_FLAGS, "SHUTDOWN_COMPLETE": _ABORT_FLAGS}
_MOST_WITH_FLAGS = 4
_LAST_WITH_FLAGS = 14  # of kinds with a larger number the flags are lost between iptables and the kernel


class Kind(NamedTuple):
    """A kind of chunk, the flags to look at, and those of them that must be set."""

    number: int
    mask: int = 0
    value: int = 0


class Chunks(NamedTuple):
    """``any``, ``all`` or ``only``, and the kinds by number; None stands for all 256."""

    scope: str
    kinds: tuple[Kind, ...] | None


def _read_chunks(family: Family, scope: str, text: str) -> Chunks:
    if text.upper() == "ALL":
        return Chunks(scope.lower(), None)
    kinds: dict[int, Kind] = {}
    for part in text.split(",") if text.upper() != "NONE" else ():
        if part:
            kind = _read_kind(part, kinds)
            kinds[kind.number] = kind
    if sum(kind.mask > 0 for kind in kinds.values()) > _MOST_WITH_FLAGS:
        raise ValueError(f"at most {_MOST_WITH_FLAGS} kinds of chunks may have flags")
    return Chunks(scope.lower(), tuple(sorted(kinds.values())))


def _read_kind(part: str, before: dict[int, Kind]) -> Kind:
    """One part of the list, with the flags that the same kind had before."""
    name, _, letters = part.partition(":")
    if name.upper() not in _KINDS:
        raise ValueError(f"{name!r} is no kind of chunk; known are {', '.join(_KINDS)}")
    number = _KINDS[name.upper()]
    _, mask, value = before.get(number, Kind(number))
    for letter in letters:
        place = _FLAGS.get(name.upper(), _NO_FLAGS).find(letter.upper())
        if place < 0:
            raise ValueError(f"{name} has no flag {letter!r}")
        mask |= 0x80 >> place
        value |= 0x80 >> place if letter.isupper() else 0
    return Kind(number, mask, value)


def _show_chunks(chunks: Chunks) -> str:
    if chunks.kinds is None:
        return f"{chunks.scope} ALL"
    return f"{chunks.scope} {','.join(map(_show_kind, chunks.kinds)) or 'NONE'}"


def _show_kind(kind: Kind) -> str:
    name = _NAMES[kind.number]
    letters = "".join(_letters(kind, _FLAGS.get(name, _NO_FLAGS)))
    return f"{name}:{letters}" if letters and kind.number <= _LAST_WITH_FLAGS else name


def _letters(kind: Kind, flags: str) -> Iterator[str]:
    for place, letter in enumerate(flags):
        if kind.mask & 0x80 >> place:
            yield letter if kind.value & 0x80 >> place else letter.lower()


CHUNKS = Value(("CHUNK_SCOPE", "CHUNKS"), "any, all or only, and a list of kinds of chunks", _read_chunks, _show_chunks)
"""What must be said of which kinds of chunks."""

EXTENSION = Extension(
    name="sctp",
    summary="match on the ports of an SCTP packet, and on the chunks that it carries",
    modules=("xt_sctp",),
    protocols=(SCTP,),
    options=(
        Option("--sport", PORTS, aliases=("--source-port",), invertible=True),
        Option("--dport", PORTS, aliases=("--destination-port",), invertible=True),
        Option("--chunk-types", CHUNKS, invertible=True),
    ),
    valid=(
        Example("-p sctp --dport 3868", saved="-p sctp -m sctp --dport 3868"),
        Example("-p sctp ! --destination-port 1: --source-port :",
                saved="-p sctp -m sctp --sport 0:65535 ! --dport 1:65535"),
        Example("-p sctp ! --chunk-types ANY init,data:Be", saved="-p sctp -m sctp ! --chunk-types any DATA:Be,INIT"),
        Example("-p sctp --chunk-types only none", saved="-p sctp -m sctp --chunk-types only NONE"),
        Example("-p sctp -m sctp --chunk-types all ALL"),
        Example("-p sctp --chunk-types any DATA,DATA:I,,DATA:u", saved="-p sctp -m sctp --chunk-types any DATA:Iu"),
        Example("-p sctp --chunk-types any ASCONF,ABORT:t,I_DATA:I",
                saved="-p sctp -m sctp --chunk-types any ABORT:t,I_DATA,ASCONF"),
    ),
    invalid=(
        "-p sctp --dport 20:10",
        "-p sctp --chunk-types any",
        "-p sctp --chunk-types some DATA",
        "-p sctp --chunk-types any DATA:X",
        "-p sctp --chunk-types any ALL,INIT",
        "-p sctp --chunk-types any 5",
        "-p sctp --chunk-types any DATA --chunk-types any INIT",
    ),
    refused=("-m sctp --dport 80", "-p tcp -m sctp --dport 80"),
)  # fmt: skip
