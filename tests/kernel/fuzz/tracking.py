"""A small model of connection tracking: what it says of each packet, given those that came before.

After nf_conntrack_core.c and nf_conntrack_proto_tcp.c.  An entry lives only when
the packet that made it comes to the end of its way; untracked packets and those
dropped in raw are not seen at all.  Time does not pass here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from rulec.model import Family
from rulec.model.protocols import ICMP, ICMPV6, SCTP, TCP, UDPLITE
from rulec.packetset.fields import FLAGS, STATUS
from tests.kernel.fuzz.packet import PORTED, Packet

GRE = 47
NOTHING = 59
"""Behind the IPv6 header "no next header" there is nothing that could be tracked."""


@dataclass(frozen=True)
class Tuple:
    """How a direction of a connection is known; of ICMP the identifier and type stand in the ports."""

    proto: int
    src: int
    dst: int
    sport: int = 0
    dport: int = 0
    zone: int = 0
    code: int = 0

    def turned(self) -> Tuple:
        """That of the other direction."""
        return Tuple(self.proto, self.dst, self.src, self.dport, self.sport, self.zone, self.code)

    @property
    def ports(self) -> tuple[int, int]:
        """What matches see as its ports: of ICMP the identifier, and type and code (nf_conntrack_tuple.h)."""
        if self.proto in (ICMP, ICMPV6):
            return self.sport >> 8, (self.sport & 0xFF) << 8 | self.code
        return self.sport, self.dport


@dataclass
class Entry:
    """A connection."""

    original: Tuple
    reply: Tuple
    tcp: str = "NONE"
    seen_reply: bool = False
    assured: bool = False
    confirmed: bool = False
    mark: int = 0
    packets: int = 0
    ends: dict[bool, int] = field(default_factory=dict)


@dataclass(frozen=True)
class View:
    """What connection tracking says of one packet; ``entry`` is None for INVALID ones.

    ``sure`` is not set where that depends on windows and times, of which nothing
    is known here; ``end`` is the sequence number behind the segment.
    """

    state: str
    entry: Entry | None = None
    reply: bool = False
    tcp: str = "NONE"
    status: int = 0
    assures: bool = False
    kills: bool = False
    sure: bool = True
    end: int = 0

    @property
    def packets(self) -> int:
        """How many packets the connection has had, this one among them; errors about it do not count."""
        return 0 if self.entry is None else self.entry.packets + (self.state != "RELATED")

    def fields(self) -> dict[str, int | str]:
        """The same as fields of the packet."""
        found: dict[str, int | str] = {"ctstate": self.state, "first": 1}
        if self.entry is None:
            return found
        entry, one, other = self.entry, self.entry.original, self.entry.reply
        found |= {"ctdir": "REPLY" if self.reply else "ORIGINAL", "ctstatus": self.status, "connmark": entry.mark}
        found |= {"first": int(not entry.confirmed), "orig_proto": one.proto}
        found |= {"snat": int(other.dst != one.src or other.dport != one.sport)}
        found |= {"dnat": int(other.src != one.dst or other.sport != one.dport)}
        found |= {"orig_src": one.src, "orig_dst": one.dst, "repl_src": other.src, "repl_dst": other.dst}
        for name, known in (("orig", one), ("repl", other)):
            found |= dict(zip((f"{name}_sport", f"{name}_dport"), known.ports, strict=True))
        return found


@dataclass
class Tracker:
    """The table of connections, by the tuples of both directions."""

    table: dict[Tuple, tuple[Entry, bool]] = field(default_factory=dict)

    def look(self, packet: Packet, zone: int = 0) -> View:
        """What it says of a packet, if it gets to see it."""
        if packet.inner is not None:
            return self._error(packet, zone)
        key = tuple_of(packet, zone)
        if key is None:
            return View("INVALID")
        known = self.table.get(key)
        return self._new(packet, key) if known is None else self._known(packet, *known)

    def saw(self, view: View, survives: bool, mark: int, final: Tuple | None) -> None:
        """Remember a packet that it got to see; ``survives`` says whether it came to the end of its way.

        ``final`` is the tuple with which it left, None where nothing was rewritten.
        """
        entry = view.entry
        if entry is None:
            return
        if not entry.confirmed and not survives:
            return
        entry.mark = mark
        entry.packets = view.packets
        if view.state == "RELATED":
            return
        entry.tcp = view.tcp
        entry.seen_reply |= view.reply
        entry.assured |= view.assures
        if entry.original.proto == TCP:
            entry.ends[view.reply] = view.end
        if not entry.confirmed:
            entry.confirmed = True
            if final is not None:
                entry.reply = final.turned()
            self.table[entry.original] = (entry, False)
            self.table[entry.reply] = (entry, True)
        if view.kills:
            self.table.pop(entry.original, None)
            self.table.pop(entry.reply, None)

    def _error(self, packet: Packet, zone: int) -> View:
        """An ICMP error belongs to the connection that it is about, if it goes back to who sent the packet."""
        assert packet.inner is not None
        key = tuple_of(packet.inner, zone)
        known = self.table.get(key.turned()) if key is not None else None
        if known is None or packet.inner.src != packet.dst:
            return View("INVALID")
        entry, reply = known
        return View("RELATED", entry, reply, entry.tcp, _status(entry))

    def _new(self, packet: Packet, key: Tuple) -> View:
        entry = Entry(key, key.turned())
        if packet.proto == TCP:
            tcp = _TCP[False][_kind(packet.flags)]["NONE"]
            return View("NEW", entry, tcp=tcp, end=_end(packet)) if tcp != "INVALID" else View("INVALID")
        if packet.proto in (ICMP, ICMPV6) and packet.icmp_type not in _ASKS[packet.proto]:
            return View("INVALID")
        if packet.proto == (ICMPV6 if packet.family is Family.IPV4 else ICMP):
            return View("INVALID")
        if packet.proto == SCTP and (packet.payload > 3 or [kind for kind, _ in packet.chunks] not in _OPENING):
            return View("INVALID")
        return View("INVALID") if packet.proto == NOTHING else View("NEW", entry)

    def _known(self, packet: Packet, entry: Entry, reply: bool) -> View:
        state = "ESTABLISHED" if reply or entry.seen_reply else "NEW"
        view = View(state, entry, reply, entry.tcp, _status(entry) | (STATUS["SEEN_REPLY"] if reply else 0))
        if packet.proto in (UDPLITE, GRE) and entry.seen_reply:
            return replace(view, assures=True, status=view.status | STATUS["ASSURED"])
        if packet.proto == SCTP:
            return replace(view, sure=False)
        return view if packet.proto != TCP else _tcp(packet, view)


def _tcp(packet: Packet, view: View) -> View:
    """The next state of a TCP connection; ASSURED is set as the packet is looked at."""
    entry = view.entry
    assert entry is not None
    tcp = _TCP[view.reply][_kind(packet.flags)][entry.tcp]
    if tcp == "INVALID":
        return View("INVALID")
    if tcp == "IGNORE" or entry.tcp in ("TIME_WAIT", "CLOSE"):
        return replace(view, tcp=entry.tcp, sure=False)
    assures = entry.tcp in ("SYN_RECV", "ESTABLISHED") and tcp == "ESTABLISHED" and entry.seen_reply
    kills = not entry.seen_reply and bool(packet.flags & FLAGS["RST"])
    status = view.status | (STATUS["ASSURED"] if assures else 0)
    ends = entry.ends
    in_order = ends.get(view.reply, packet.seq) == packet.seq
    acknowledged = not packet.flags & FLAGS["ACK"] or ends.get(not view.reply, packet.ack) == packet.ack
    reset_early = tcp == "CLOSE" and entry.tcp != "ESTABLISHED"
    sure, end = in_order and acknowledged and not reset_early, _end(packet)
    return replace(view, tcp=tcp, assures=assures, kills=kills, status=status, sure=sure, end=end)


def _end(packet: Packet) -> int:
    """The sequence number behind a segment."""
    return packet.seq + packet.payload + bool(packet.flags & FLAGS["SYN"]) + bool(packet.flags & FLAGS["FIN"])


def _status(entry: Entry) -> int:
    found = STATUS["CONFIRMED"] if entry.confirmed else 0
    found |= STATUS["SEEN_REPLY"] if entry.seen_reply else 0
    return found | (STATUS["ASSURED"] if entry.assured else 0)


def tuple_of(packet: Packet, zone: int = 0) -> Tuple | None:
    """How a packet is known; None for ICMP messages that are about nothing that is tracked."""
    proto, src, dst = packet.proto, packet.src, packet.dst
    if proto in PORTED and proto not in _WITHOUT_PORTS:
        return Tuple(proto, src, dst, packet.sport, packet.dport, zone)
    if proto in (ICMP, ICMPV6):
        pair = _PAIRS[proto].get(packet.icmp_type)
        if pair is None:
            return None
        number = packet.icmp_id << 8
        return Tuple(proto, src, dst, number | pair[0], number | pair[1], zone, packet.icmp_code)
    return Tuple(proto, src, dst, 0, 0, zone)


_OPENING = ([1], [4])
"""INIT or HEARTBEAT alone make an entry for SCTP (nf_conntrack_proto_sctp.c, sctp_new)."""

_WITHOUT_PORTS = (33,)
"""DCCP: Linux 6.18 does not track its ports."""

_PAIRS = {
    ICMP: {8: (8, 0), 0: (0, 8), 13: (13, 14), 14: (14, 13), 15: (15, 16), 16: (16, 15), 17: (17, 18), 18: (18, 17)},
    ICMPV6: {128: (128, 129), 129: (129, 128), 139: (139, 140), 140: (140, 139)},
}
_ASKS = {ICMP: (8, 13, 15, 17), ICMPV6: (128, 139)}


def _kind(flags: int) -> str:
    """Which row of the table a segment is for (get_conntrack_index); none for sets of flags that no segment has."""
    bare = flags & ~(FLAGS["ECE"] | FLAGS["CWR"] | FLAGS["PSH"])
    if bare not in _VALID:
        return "none"
    if flags & FLAGS["RST"]:
        return "rst"
    if flags & FLAGS["SYN"]:
        return "synack" if flags & FLAGS["ACK"] else "syn"
    if flags & FLAGS["FIN"]:
        return "fin"
    return "ack" if flags & FLAGS["ACK"] else "none"


_F, _S, _R, _A, _U = (FLAGS[name] for name in ("FIN", "SYN", "RST", "ACK", "URG"))
_VALID = frozenset((_S, _S | _U, _S | _A, _R, _R | _A, _F | _A, _F | _A | _U, _A, _A | _U))
"""tcp_valid_flags."""

_COLUMNS = ("NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE")
_WORDS = {
    "SS": "SYN_SENT", "SR": "SYN_RECV", "ES": "ESTABLISHED", "FW": "FIN_WAIT", "CW": "CLOSE_WAIT", "LA": "LAST_ACK",
    "TW": "TIME_WAIT", "CL": "CLOSE", "S2": "SYN_SENT2", "IV": "INVALID", "IG": "IGNORE",
}  # fmt: skip


def _rows(text: str) -> dict[str, dict[str, str]]:
    rows = {}
    for line in text.strip().splitlines():
        name, *cells = line.split()
        rows[name] = dict(zip(_COLUMNS, [_WORDS[cell] for cell in cells], strict=True))
    return rows


_TCP = {
    False: _rows("""
        syn    SS SS IG IG IG IG IG SS SS
        synack IV IV SR IV IV IV IV IV IV
        fin    IV IV FW FW LA LA LA TW CL
        ack    ES IV ES ES CW CW TW TW CL
        rst    IV CL CL CL CL CL CL CL CL
        none   IV IV IV IV IV IV IV IV IV
    """),
    True: _rows("""
        syn    IV S2 IV IV IV IV IV SS IV
        synack IV SR IG IG IG IG IG IG IG
        fin    IV IV FW FW LA LA LA TW CL
        ack    IV IG SR ES CW CW TW TW CL
        rst    IV CL CL CL CL CL CL CL CL
        none   IV IV IV IV IV IV IV IV IV
    """),
}
"""tcp_conntracks: what a segment of the original direction (False) and of the reply (True) does in each state."""
