"""This host in the laboratory: programs that ask and answer, and what gets to them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address

from rulec.host.lab_namespaces import Namespaces, inside
from rulec.host.lab_packets import Seen, Way, read
from rulec.model import Family
from rulec.model.protocols import ICMP, ICMPV6, TCP, UDP

KINDS = {Family.IPV4: socket.AF_INET, Family.IPV6: socket.AF_INET6}
_WATCHED = {Family.IPV4: (TCP, UDP, ICMP), Family.IPV6: (TCP, UDP, ICMPV6)}
_BUFFER = 1 << 21
LARGE_BUFFER = (socket.SOL_SOCKET, 33, 1 << 25)
"""SO_RCVBUFFORCE: what comes while nobody looks must not be lost (asm-generic/socket.h)."""
_FREEBIND = {Family.IPV4: (socket.IPPROTO_IP, 15), Family.IPV6: (socket.IPPROTO_IPV6, 78)}
_HEADER_INCLUDED = {Family.IPV4: (socket.IPPROTO_IP, socket.IP_HDRINCL), Family.IPV6: (socket.IPPROTO_IPV6, 36)}
_RECEIVE_PACKET_INFO, _PACKET_INFO = 49, 50
_REPAIR, _REPAIR_QUEUE, _QUEUE_NUMBER, _SEND_QUEUE, _REPAIR_OFF = 19, 20, 21, 2, -1
"""Options of sockets that Python does not name (linux/in.h, linux/in6.h, linux/tcp.h)."""

End = tuple[int, int]
"""Address and port."""


class Here:
    """The sockets of this host; those of a scene are closed with it, the watchers stay."""

    def __init__(self, spaces: Namespaces) -> None:
        self._spaces = spaces
        self._listeners: dict[tuple[Family, int], socket.socket] = {}
        self._ports: dict[tuple[Family, End], socket.socket] = {}
        self._accepted: dict[tuple[Family, End, End], socket.socket] = {}
        self._asking: list[socket.socket] = []
        with inside(spaces.here):
            self._watchers = [self._watcher(family, protocol) for family in Family for protocol in _WATCHED[family]]
            self._senders = {family: self._sender(family) for family in Family}

    # ── programs ──

    def listen(self, family: Family, port: int) -> None:
        """Have a program wait for connections to a port, of whatever address: NAT may bring others there."""
        if (family, port) not in self._listeners:
            made = self._bound(family, socket.SOCK_STREAM, (0, port))
            made.listen(512)
            self._listeners[family, port] = made

    def connect(self, family: Family, own: End, peer: End, number: int) -> socket.socket:
        """Begin a connection whose first sequence number is known beforehand."""
        made = self._bound(family, socket.SOCK_STREAM, own)
        made.setsockopt(socket.IPPROTO_TCP, _REPAIR, 1)
        made.setsockopt(socket.IPPROTO_TCP, _REPAIR_QUEUE, _SEND_QUEUE)
        made.setsockopt(socket.IPPROTO_TCP, _QUEUE_NUMBER, number)
        made.setsockopt(socket.IPPROTO_TCP, _REPAIR, _REPAIR_OFF)
        made.connect_ex(_name(peer, family))
        self._asking.append(made)
        return made

    def accepted(self, family: Family, own: End, peer: End) -> socket.socket | None:
        """The connection from a peer, None where there is none."""
        listener = self._listeners.get((family, own[1]))
        with suppress(BlockingIOError):
            while listener is not None:
                made, come = listener.accept()
                made.setblocking(False)
                self._accepted[family, _end(made.getsockname()), _end(come)] = made
        return self._accepted.get((family, own, peer))

    def datagram(self, family: Family, own: End, peer: End, data: bytes) -> None:
        """Send a datagram; what a rule forbids to leave is no error here."""
        if (family, own) not in self._ports:
            self._ports[family, own] = self._bound(family, socket.SOCK_DGRAM, own)
        with suppress(OSError):
            self._ports[family, own].sendto(data, _name(peer, family))

    def raw(self, way: Way, packet: bytes) -> None:
        """Send a packet that was made by hand."""
        end = (way.destination, 0)
        with suppress(OSError):
            self._senders[way.family].sendto(packet, _name(end, way.family))

    def close(self) -> None:
        """Close what a scene has opened, without a farewell to the other side."""
        held = (self._listeners, self._ports, self._accepted)
        for one in (*self._asking, *(one for sockets in held for one in sockets.values())):
            one.close()
        self._asking.clear()
        for sockets in held:
            sockets.clear()

    def _bound(self, family: Family, kind: socket.SocketKind, own: End) -> socket.socket:
        with inside(self._spaces.here):
            made = socket.socket(KINDS[family], kind)
        made.setblocking(False)
        for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
            made.setsockopt(socket.SOL_SOCKET, option, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        made.setsockopt(*_FREEBIND[family], 1)
        if family is Family.IPV6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(_name(own, family))
        return made

    # ── what gets here ──

    @property
    def handles(self) -> list[int]:
        """What to wait for."""
        return [watcher.fileno() for watcher, _, _ in self._watchers]

    def seen(self) -> Iterator[Seen]:
        """The packets that got to this host, behind all rules."""
        for watcher, family, protocol in self._watchers:
            with suppress(BlockingIOError):
                while True:
                    found = _received(watcher, family, protocol)
                    if found is not None:
                        yield found

    def _watcher(self, family: Family, protocol: int) -> tuple[socket.socket, Family, int]:
        made = socket.socket(KINDS[family], socket.SOCK_RAW, protocol)
        made.setblocking(False)
        with suppress(OSError):
            made.setsockopt(*LARGE_BUFFER)
        if family is Family.IPV6:
            made.setsockopt(socket.IPPROTO_IPV6, _RECEIVE_PACKET_INFO, 1)
        return made, family, protocol

    def _sender(self, family: Family) -> socket.socket:
        made = socket.socket(KINDS[family], socket.SOCK_RAW, socket.IPPROTO_RAW)
        made.setsockopt(*_HEADER_INCLUDED[family], 1)
        return made


def _received(watcher: socket.socket, family: Family, protocol: int) -> Seen | None:
    data, extra, _, source = watcher.recvmsg(1 << 16, 256)
    if family is Family.IPV4:
        return read(data, "")
    to = next((info[:16] for _, kind, info in extra if kind == _PACKET_INFO), b"")
    come = int(ip_address(source[0].partition("%")[0]))
    return Seen("", family, come, int.from_bytes(to, "big"), protocol, data, True)


def _end(name: tuple[str, int]) -> End:
    return int(ip_address(name[0].partition("%")[0])), name[1]


def _name(end: End, family: Family) -> tuple[str, int]:
    return str(ip_address(end[0].to_bytes(family.bits // 8, "big"))), end[1]
