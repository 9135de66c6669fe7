"""What the keys of a policy ask of each other.

Each rule looks at the keys that are right and leaves those alone that are wrong or
missing, so that every mistake is reported once, whatever else is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from rulec.model import Family
from rulec.policy.document import Document, Path, Problem, shown
from rulec.policy.model import ANY, Addresses, Mode
from rulec.policy.shape import EntryShape, FileShape
from rulec.source import Span

_FAMILY_NAMES = {Family.IPV4: "IPv4", Family.IPV6: "IPv6"}


class Draft(NamedTuple):
    """An entry while it is checked: the keys that are right, and where all of them stand."""

    document: Document
    path: Path
    shape: EntryShape
    mode: Mode | None

    @property
    def raw(self) -> Any:
        """The entry as it was written; a mapping in every policy that is read."""
        return self.document.data["hot"][self.path[-1]]

    def has(self, key: str) -> bool:
        """Whether the key was written, right or wrong."""
        return (*self.path, key) in self.document.keys

    def at(self, key: str) -> Span:
        """Where the value of a key stands."""
        return self.document.value((*self.path, key))

    def at_key(self, key: str) -> Span:
        """Where a key stands."""
        return self.document.key((*self.path, key))

    @property
    def title(self) -> str:
        """The entry as a message calls it."""
        return shown(self.shape.name) if self.shape.name else "the entry"

    @property
    def has_ports(self) -> bool:
        """Whether its protocols are known to have ports."""
        return self.shape.protocol is not None and "icmp" not in self.shape.protocol


def drafts(document: Document, shape: FileShape) -> list[Draft]:
    """The entries of a file that are mappings."""
    every = [Draft(document, ("hot", number), entry, shape.mode) for number, entry in enumerate(shape.hot or ())]
    return [draft for draft in every if isinstance(draft.raw, dict)]


def of_file(document: Document) -> Iterator[Problem]:
    """What the top of the file lacks."""
    if isinstance(document.data, dict):
        for key in ("version", "mode", "hot"):
            if (key,) not in document.keys:
                yield Problem(document.value(()), f"the policy lacks {key}: add {_HOW[key]}")


def of_names(entries: list[Draft]) -> Iterator[Problem]:
    """Names that stand twice."""
    first: dict[str, Draft] = {}
    for draft in entries:
        name = draft.shape.name
        if name is not None and first.setdefault(name, draft) is not draft:
            also = ((first[name].at("name"), "the first"),)
            yield Problem(draft.at("name"), f"the name {shown(name)} stands twice: give each entry its own", also)


def of_entry(draft: Draft) -> Iterator[Problem]:
    """What is wrong between the keys of one entry."""
    yield from _missing(draft)
    yield from _misplaced(draft)
    yield from _whole_host(draft)
    yield from _families_left_out(draft)
    yield from _families_apart(draft)


_HOW = {
    "version": "`version: 1`",
    "mode": "`mode: notrack` or `mode: stateless`",
    "hot": "`hot:` and below it a list of entries",
    "name": "a name of its own, such as `name: web`",
    "role": "`role: server`, `role: client` or `role: forward`",
    "protocol": "`protocol: tcp`, `udp`, `[tcp, udp]` or `icmp`",
    "ports": "the server's ports, such as `ports: [80, https]`",
    "servers": "the addresses that the host routes to, such as `servers: [192.0.2.10]`",
    "client-ports": 'the local ports that it asks from, such as `client-ports: "32768-60999"`',
}


def _missing(draft: Draft) -> Iterator[Problem]:
    needed = {"name": "", "role": "", "protocol": ""}
    if draft.has_ports:
        needed["ports"] = " for tcp and udp"
    if draft.shape.role == "forward":
        needed["servers"] = " in role forward"
    if draft.shape.role == "client" and draft.has_ports:
        needed["client-ports"] = " in role client"
    for key, why in needed.items():
        if not draft.has(key):
            place = draft.document.value(draft.path)
            yield Problem(place, f"{draft.title} lacks {key}, which it must have{why}: add {_HOW[key]}")


def _misplaced(draft: Draft) -> Iterator[Problem]:
    if "icmp" in (draft.shape.protocol or ()):
        for key in ("ports", "client-ports"):
            if draft.has(key):
                yield Problem(draft.at_key(key), f"icmp has no ports: delete {key}, or change the protocol")
    if draft.shape.role == "client" and draft.has("interface"):
        message = "interface says where requests arrive, and those of a client leave this host: delete it"
        yield Problem(draft.at_key("interface"), message)


def _whole_host(draft: Draft) -> Iterator[Problem]:
    shape = draft.shape
    if shape.ports != ANY or draft.mode != "notrack":
        return
    if any(draft.has(key) and value is None for key, value in (("servers", shape.servers), ("clients", shape.clients))):
        return
    if any(_everybody(shape.servers, family) and _everybody(shape.clients, family) for family in families(shape)):
        message = "ports: any would untrack everything in mode notrack: name servers or clients that narrow it"
        yield Problem(draft.at("ports"), message)


def _everybody(addresses: Addresses | None, family: Family) -> bool:
    return addresses is None or (family, 0, (1 << family.bits) - 1) in addresses


def families(shape: EntryShape) -> tuple[Family, ...]:
    """The families of an entry: those that it names, as far as it has addresses of them."""
    named, servers, clients = _families_of(shape)
    return tuple(family for family in Family if family in named & servers & clients)


def _families_of(shape: EntryShape) -> tuple[frozenset[Family], frozenset[Family], frozenset[Family]]:
    named = frozenset(map(Family, shape.families)) if shape.families else frozenset(Family)
    return named, _present(shape.servers), _present(shape.clients)


def _present(addresses: Addresses | None) -> frozenset[Family]:
    return frozenset(Family) if addresses is None else frozenset(item.family for item in addresses)


def _families_left_out(draft: Draft) -> Iterator[Problem]:
    named, *_ = _families_of(draft.shape)
    for key, addresses in (("servers", draft.shape.servers), ("clients", draft.shape.clients)):
        for family in sorted(_present(addresses) - named if addresses else ()):
            message = f"families leaves {_FAMILY_NAMES[family]} out, and {key} has such addresses"
            also = ((draft.at(key), f"{_FAMILY_NAMES[family]} addresses here"),)
            yield Problem(draft.at("families"), f"{message}: add {family.value}, or delete them", also)


def _families_apart(draft: Draft) -> Iterator[Problem]:
    _, servers, clients = _families_of(draft.shape)
    if draft.shape.servers is None or draft.shape.clients is None:
        return
    for family in sorted(servers ^ clients):
        has, lacks = ("servers", "clients") if family in servers else ("clients", "servers")
        message = f"{has} has {_FAMILY_NAMES[family]} addresses and {lacks} has none, so they meet nobody"
        also = ((draft.at(has), f"{_FAMILY_NAMES[family]} addresses here"),)
        yield Problem(draft.at(lacks), f"{message}: add some to {lacks}, or delete them from {has}", also)
