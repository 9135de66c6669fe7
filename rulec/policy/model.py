"""What a policy says, with every default filled in.

Addresses and ports are plain integers; a range has its first and its last.
Spans are left out of equality: two files that say the same are equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from rulec.model import Family
from rulec.source import Source, Span

Mode = Literal["notrack", "stateless"]
Losses = Literal["refuse", "accept"]
Dialect = Literal["ct", "notrack"]
Fragments = Literal["reassemble", "leave"]
IcmpErrors = Literal["exact", "wide", "leave"]
Loopback = Literal["tracked", "hot"]
Role = Literal["server", "client", "forward"]

PortRange = tuple[int, int]
Ports = tuple[PortRange, ...]

ANY: Ports = ((0, 65535),)
"""``ports: any``.  Nobody uses port 0, so an entry with these ports needs no match for them."""


class AddressRange(NamedTuple):
    """The addresses of one family from the first to the last."""

    family: Family
    first: int
    last: int


Addresses = tuple[AddressRange, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One kind of flow that is to be untracked.

    ``protocols`` are numbers; 1 is echo, of both families.  ``ports`` are the
    server's, whatever the role; echo has none.  Where ``servers``, ``clients``,
    ``client_ports`` or ``interface`` is None, nothing narrows them.
    """

    name: str
    role: Role
    protocols: tuple[int, ...]
    ports: Ports
    servers: Addresses | None
    clients: Addresses | None
    client_ports: Ports | None
    interface: str | None
    families: tuple[Family, ...]
    reserved: bool
    loopback: Loopback
    icmp_errors: IcmpErrors
    spans: Mapping[str, Span] = field(compare=False, repr=False)

    def span(self, key: str = "name") -> Span:
        """Where a key's value stands; of a key that the entry leaves out, the entry's name."""
        return self.spans.get(key.replace("_", "-"), self.spans["name"])


@dataclass(frozen=True, slots=True)
class Policy:
    """What a policy file asks for."""

    version: int
    mode: Mode
    losses: Losses
    dialect: Dialect
    fragments: Fragments
    ephemeral: PortRange
    icmp_errors: IcmpErrors
    loopback: Loopback
    hot: tuple[Entry, ...]
    source: Source = field(compare=False, repr=False)
    spans: Mapping[str, Span] = field(compare=False, repr=False)

    def span(self, key: str = "hot") -> Span:
        """Where a key's value stands; of a key that the file leaves out, ``hot``."""
        return self.spans.get(key.replace("_", "-"), self.spans["hot"])
