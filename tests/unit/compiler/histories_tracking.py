"""A second connection tracking, for tests only: one connection, one packet at a time.

The table is that of nf_conntrack_proto_tcp.c, with tcp_loose=1; packets are in
window, and have right checksums.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.unit.compiler.histories_packet import Packet

End = tuple[str, int]


class Entry(NamedTuple):
    """A connection: who asked, what TCP makes of it, and whether it was answered."""

    asker: End
    tcp: str = ""
    answered: bool = False


class Tracked(NamedTuple):
    """What tracking says of a packet, and its entry if the packet is dropped behind that, or gets through."""

    state: str
    dropped: Entry | None
    passed: Entry | None


_COLUMNS = ("NO", "SS", "SR", "ES", "FW", "CW", "LA", "TW", "CL", "S2")
_ORIGINAL = {
    "S": "SS SS IG IG IG IG IG SS SS S2",
    "SA": "IV IV SR IV IV IV IV IV IV SR",
    "FA": "IV IV FW FW LA LA LA TW CL IV",
    "A": "ES IV ES ES CW CW TW TW CL IV",
    "R": "IV CL CL CL CL CL CL CL CL CL",
}
_REPLY = {
    "S": "IV S2 IV IV IV IV IV SS IV S2",
    "SA": "IV SR IG IG IG IG IG IG IG SR",
    "FA": "IV IV FW FW LA LA LA TW CL IV",
    "A": "IV IG SR ES CW CW TW TW CL IG",
    "R": "IV CL CL CL CL CL CL CL CL CL",
}
"""What becomes of a connection, by the flags of a packet; all other flags are invalid (tcp_valid_flags)."""

_NEXT = {
    (reply, flags, column): new
    for reply, table in ((False, _ORIGINAL), (True, _REPLY))
    for flags, row in table.items()
    for column, new in zip(_COLUMNS, row.split(), strict=True)
}


def tracked(entry: Entry | None, packet: Packet) -> Tracked:
    """What tracking says of a packet, given the entry of its connection, if there is one."""
    if packet.about is not None:
        return Tracked("INVALID" if entry is None else "RELATED", entry, entry)
    here = (packet.source, packet.sport)
    if packet.protocol != "tcp":
        return _seen(Entry(here) if entry is None else entry, entry, here)
    return _tcp(entry, packet, here)


def _tcp(entry: Entry | None, packet: Packet, here: End) -> Tracked:
    reply = entry is not None and entry.asker != here
    before = "NO" if entry is None else entry.tcp
    after = _NEXT.get((reply, packet.flags, before), "IV")
    if after == "IV":
        return Tracked("INVALID", entry, entry)
    if entry is None or (packet.flags == "S" and before in ("TW", "CL")):
        return Tracked("NEW", None, Entry(here, after))
    if packet.flags == "R" and not entry.answered:
        return Tracked("ESTABLISHED" if reply else "NEW", None, None)
    return _seen(entry if after == "IG" else entry._replace(tcp=after), entry, here)


def _seen(after: Entry, before: Entry | None, here: End) -> Tracked:
    """A connection is established as soon as it is answered; it changes even where the packet is dropped later."""
    reply = after.asker != here
    state = "ESTABLISHED" if reply or after.answered else "NEW"
    after = after._replace(answered=after.answered or reply)
    return Tracked(state, None if before is None else after, after)
