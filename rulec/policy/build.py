"""From the keys of a file to the values that later steps read, with every default filled in."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from rulec.model.protocols import NUMBERS
from rulec.policy.document import Document, Path
from rulec.policy.model import Entry, Policy
from rulec.policy.rules import Draft, families
from rulec.policy.shape import EntryShape, FileShape
from rulec.source import Source, Span

_INHERITED = {"loopback", "icmp-errors"}
"""Keys at the top that stand for what an entry leaves out."""


def entry(draft: Draft, top: FileShape) -> Entry | None:
    """The entry of a draft; None while a key that it needs is wrong or missing."""
    shape = draft.shape
    if _wrong(shape, draft.raw) or _wrong(top, draft.document.data) & _INHERITED:
        return None
    if shape.name is None or shape.role is None or shape.protocol is None:
        return None
    return Entry(
        name=shape.name,
        role=shape.role,
        protocols=tuple(sorted(NUMBERS[name] for name in shape.protocol)),
        ports=shape.ports or (),
        servers=shape.servers,
        clients=shape.clients,
        client_ports=shape.client_ports,
        interface=shape.interface,
        families=families(shape),
        reserved=shape.reserved == "true",
        loopback=shape.loopback or top.loopback,
        icmp_errors=shape.icmp_errors or top.icmp_errors,
        spans=_spans(draft.document, draft.path, draft.raw),
    )


def policy(document: Document, shape: FileShape, entries: tuple[Entry, ...], source: Source) -> Policy | None:
    """The policy of a file; None while a key that it needs is wrong or missing."""
    if shape.version is None or shape.mode is None:
        return None
    return Policy(
        version=int(shape.version),
        mode=shape.mode,
        losses=shape.losses,
        dialect=shape.dialect,
        fragments=shape.fragments,
        ephemeral=shape.ephemeral,
        icmp_errors=shape.icmp_errors,
        loopback=shape.loopback,
        hot=entries,
        source=source,
        spans=_spans(document, (), document.data),
    )


def _wrong(shape: FileShape | EntryShape, written: Mapping[str, Any]) -> set[str]:
    """The keys that were written and did not pass."""
    return set(written) - {name.replace("_", "-") for name in shape.model_fields_set}


def _spans(document: Document, path: Path, mapping: Mapping[str, Any]) -> Mapping[str, Span]:
    """Where the values of a mapping stand."""
    return MappingProxyType({key: document.value((*path, key)) for key in mapping})
