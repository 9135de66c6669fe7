"""What the fields of a packet ordinarily are, when nothing is said of them."""

from __future__ import annotations

from collections.abc import Mapping

from rulec.model.protocols import ICMP, ICMPV6, SCTP, TCP
from rulec.packetset.fields import ADDRESS_TYPES, FLAGS, PRIORS, STATUS, TRACKED_STATES

_NEW, _ESTABLISHED, _RELATED = (TRACKED_STATES.index(name) for name in ("NEW", "ESTABLISHED", "RELATED"))
_CONSTANT = {
    "prior": PRIORS.index("nothing"),
    "first": 1,
    "ttl": 64,
    "spi": 256,
    "uid": 1000,
    "gid": 1000,
}
_ERROR = {32: (3, 3), 128: (1, 4)}  # port unreachable
_ECHO = {32: {True: 8, False: 0}, 128: {True: 128, False: 129}}


def ordinary(bits: int, known: Mapping[str, int]) -> dict[str, int]:
    """What the other fields are, given those that are known; 0 where it does not say.

    A packet that comes in, and of which nothing says that it goes out, is for this host.
    """
    state, protocol = known.get("ctstate", _NEW), known.get("proto", TCP)
    stays = bool(known.get("iif")) and not known.get("oif")
    leaves = bool(known.get("oif")) and not known.get("iif")
    found = {
        **_CONSTANT,
        **_connection(known, protocol, state),
        **_inner(known, state),
        "length": 60 if bits == 32 else 80,
        "mss": 1460 if bits == 32 else 1440,
        "dst_type": ADDRESS_TYPES.index("LOCAL" if stays else "UNICAST"),
        "src_type": ADDRESS_TYPES.index("LOCAL" if leaves else "UNICAST"),
        "sctp_chunk": 1 if protocol == SCTP and state == _NEW else 0,
    }
    if protocol == TCP:
        found["tcp_flags"] = FLAGS["SYN"] if state == _NEW else FLAGS["ACK"]
    if protocol == (ICMP if bits == 32 else ICMPV6):
        found["icmp_type"], found["icmp_code"] = _ERROR[bits] if state == _RELATED else (_ECHO[bits][state == _NEW], 0)
    return {**found, **known}


def _connection(known: Mapping[str, int], protocol: int, state: int) -> dict[str, int]:
    """The connection of the packet, as its own addresses say."""
    reply = known.get("ctdir", 0)
    ends = [(known.get(f"{end}", 0), known.get(f"{end[0]}port", 0)) for end in ("src", "dst")]
    (source, sport), (destination, dport) = reversed(ends) if reply else ends
    return {
        "orig_proto": TCP if state == _RELATED else protocol,
        "orig_src": source, "orig_sport": sport, "orig_dst": destination, "orig_dport": dport,
        "repl_src": destination, "repl_sport": dport, "repl_dst": source, "repl_dport": sport,
        "ctstatus": STATUS["SEEN_REPLY"] | STATUS["ASSURED"] | STATUS["CONFIRMED"] if state == _ESTABLISHED else 0,
        "ctexpire": 431999 if state == _ESTABLISHED else 119,
    }  # fmt: skip


def _inner(known: Mapping[str, int], state: int) -> dict[str, int]:
    """What an ICMP error is about: a packet that came from where the error goes to."""
    if state != _RELATED:
        return {}
    source, destination = known.get("dst", 0), known.get("src", 0)
    return {"inner_proto": TCP, "inner_src": source, "inner_sport": 80, "inner_dst": destination, "inner_dport": 40000}
