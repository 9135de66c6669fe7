"""All other hosts in the laboratory: nobody but a socket on each link, and packets that are made by hand."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress

from rulec.host.lab_here import LARGE_BUFFER
from rulec.host.lab_namespaces import ROUTER_MAC
from rulec.host.lab_packets import Seen, read

_ALL = 3
_OUTGOING = 4
_TYPES = {4: b"\x08\x00", 6: b"\x86\xdd"}
_HEADER = 14
_NEIGHBOUR = 0x020000000002


class There:
    """What comes out of this host, on whatever link, and what is sent to it."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL))
        self._socket.setblocking(False)
        with suppress(OSError):
            self._socket.setsockopt(*LARGE_BUFFER)

    def send(self, link: str, packet: bytes, mac: int = 0) -> None:
        """Send a packet to this host."""
        ends = bytes.fromhex(ROUTER_MAC.replace(":", "")) + (mac or _NEIGHBOUR).to_bytes(6, "big")
        self._socket.sendto(ends + _TYPES[packet[0] >> 4] + packet, (link, _ALL))

    @property
    def handles(self) -> list[int]:
        """What to wait for."""
        return [self._socket.fileno()]

    def seen(self) -> Iterator[Seen]:
        """The packets that came out of this host."""
        try:
            while True:
                data, (link, _, kind, *_) = self._socket.recvfrom(1 << 17)
                found = read(data[_HEADER:], link) if kind != _OUTGOING else None
                if found is not None:
                    yield found
        except BlockingIOError:
            return
