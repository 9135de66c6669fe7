"""The table of connections of a network namespace, asked of the kernel itself (ctnetlink).

To read it does not switch connection tracking on (measured).
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple

from rulec.model import Family
from rulec.model.protocols import TCP

_NETFILTER, _CTNETLINK, _GET, _DELETE = 12, 1 << 8, 1, 2
_REQUEST, _ACK, _DUMP, _ERROR, _DONE = 0x001, 0x004, 0x300, 2, 3
_ORIGINAL, _REPLY, _STATUS, _PROTOCOL = 1, 2, 3, 4
_ADDRESSES, _PORTS, _PROTOCOL_NUMBER, _ICMP_IDS = 1, 2, 1, (4, 7)
_ANSWERED = 2
_STATES = (
    "NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE",
    "SYN_SENT2",
)  # fmt: skip
_FAMILIES = {socket.AF_INET: Family.IPV4, socket.AF_INET6: Family.IPV6}

Ends = tuple[tuple[int, int], tuple[int, int]]
"""Address and port of source and destination."""


class Entry(NamedTuple):
    """A connection that is tracked: as it began, as its answers are expected, and how far it has come."""

    family: Family
    protocol: int
    original: Ends
    reply: Ends
    state: str


def entries() -> list[Entry]:
    """The connections of the namespace where this process is."""
    with _asking() as kernel:
        kernel.send(_message(_GET, _REQUEST | _DUMP))
        return [_entry(family, attributes) for family, attributes in _answers(kernel)]


def forget() -> None:
    """Delete all of them."""
    with _asking() as kernel:
        kernel.send(_message(_DELETE, _REQUEST | _ACK))
        list(_answers(kernel))


def _asking() -> socket.socket:
    """Without connection tracking in the kernel there is nothing to ask."""
    made = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETFILTER)
    made.settimeout(5)
    return made


def _message(kind: int, flags: int) -> bytes:
    return struct.pack("=IHHIIBBH", 20, _CTNETLINK | kind, flags, 1, 0, 0, 0, 0)


def _answers(kernel: socket.socket) -> Iterator[tuple[int, bytes]]:
    """Family and attributes of each answer; an error ends them, such as there being no connection tracking."""
    while True:
        data = kernel.recv(1 << 18)
        while len(data) >= 16:
            length, kind = struct.unpack_from("=IH", data)
            if kind in (_ERROR, _DONE):
                return
            yield data[16], data[20:length]
            data = data[length + 3 & ~3 :]


def _entry(family: int, data: bytes) -> Entry:
    found = _attributes(data)
    protocol, original = _tuple(found[_ORIGINAL])
    _, reply = _tuple(found[_REPLY])
    status = int.from_bytes(found[_STATUS], "big")
    words = ["answered" if status & _ANSWERED else "unanswered"]
    if protocol == TCP and _PROTOCOL in found:
        state = _attributes(_attributes(found[_PROTOCOL])[1])[1][0]
        words.insert(0, _STATES[state] if state < len(_STATES) else str(state))
    return Entry(_FAMILIES[socket.AddressFamily(family)], protocol, original, reply, " ".join(words))


def _tuple(data: bytes) -> tuple[int, Ends]:
    """Protocol, and both ends; of an echo its identifier is the port of the asker, whichever way it goes."""
    found = _attributes(data)
    source, destination = (int.from_bytes(value, "big") for _, value in sorted(_attributes(found[_ADDRESSES]).items()))
    ports = _attributes(found[_PORTS])
    numbers = [int.from_bytes(ports.get(number, b""), "big") for number in (2, 3)]
    for number in _ICMP_IDS:
        if number in ports:
            numbers = [int.from_bytes(ports[number], "big"), 0]
    return ports[_PROTOCOL_NUMBER][0], ((source, numbers[0]), (destination, numbers[1]))


def _attributes(data: bytes) -> dict[int, bytes]:
    """The attributes of a message, by number (linux/netlink.h); nested ones are marked by the highest bit."""
    found = {}
    while len(data) >= 4:
        length, number = struct.unpack_from("=HH", data)
        found[number & 0x3FFF] = data[4:length]
        data = data[max(length, 4) + 3 & ~3 :]
    return found
