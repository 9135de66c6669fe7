"""What rulec compiles, between two real hosts: hot ports serve without an entry, and nothing else changes.

Each test runs with the ruleset as it was too, where the hot ports have their entries.
"""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from rulec.model import Family
from tests.kernel.conftest import PROGRAM, restore, run_in, save
from tests.kernel.network import KIND, Pair, answers, connection, entries, inside, pair, talk
from tests.running import rulec

SERVER = {Family.IPV4: "192.0.2.10", Family.IPV6: "2001:db8:10::80"}
OFFICE = {Family.IPV4: "198.51.100.9", Family.IPV6: "2001:db8:51::9"}
"""The one place from which the examples admit SSH."""

EXAMPLES = {Family.IPV4: "web-server.rules", Family.IPV6: "web-server6.rules"}
HTTP, SSH, DNS, CLOSED = 80, 22, 53, 8080

SMALLER = 1400
MTU_OF_SOCKET = {Family.IPV4: (socket.IPPROTO_IP, 14), Family.IPV6: (socket.IPPROTO_IPV6, 24)}
"""IP_MTU and IPV6_MTU (linux/in.h, linux/in6.h)."""

COMPILED = pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "as it was"])
BACKEND = pytest.mark.parametrize("backend", ["legacy", "nft"])
FAMILY = pytest.mark.parametrize("family", Family)


class Maker(NamedTuple):
    """Compiles the examples."""

    root: Path
    folder: Path

    def text(self, example: str, policy: str, compiled: bool = True) -> str:
        """An example, as it is or compiled with a ready policy."""
        source = self.root / "examples" / example
        if not compiled:
            return source.read_text(encoding="utf-8")
        done = rulec("compile", source, "--policy", self.root / "policies" / policy, "-o", self.folder / example)
        assert done.code == 0, done.err
        return (self.folder / example).read_text(encoding="utf-8")


@pytest.fixture
def maker(root: Path, tmp_path: Path) -> Maker:
    return Maker(root, tmp_path)


@pytest.fixture
def hosts() -> Iterator[Pair]:
    with pair(SERVER, OFFICE) as made:
        yield made


def load(hosts: Pair, text: str, family: Family, backend: str) -> None:
    done = restore(hosts.server, text, family, backend)
    assert (done.returncode, done.stderr) == (0, "")


def has_entry(hosts: Pair, family: Family, port: int) -> bool:
    """Whether the server has an entry of a connection to or from its port."""
    return any(re.search(rf" [sd]port={port} ", entry) for entry in entries(hosts.server, family))


@COMPILED
@BACKEND
@FAMILY
def test_web_server(family: Family, backend: str, compiled: bool, hosts: Pair, maker: Maker) -> None:
    """The web is served without an entry, SSH with one; what was closed is closed."""
    load(hosts, maker.text(EXAMPLES[family], "web.yaml", compiled), family, backend)
    for port in (HTTP, SSH):
        with connection(hosts, family, port) as (near, far):
            assert talk(near, far)
    with pytest.raises((ConnectionRefusedError, PermissionError)), connection(hosts, family, CLOSED):
        pass
    assert has_entry(hosts, family, HTTP) == (not compiled)
    assert has_entry(hosts, family, SSH)


@COMPILED
@BACKEND
@FAMILY
def test_loopback(family: Family, backend: str, compiled: bool, hosts: Pair, maker: Maker) -> None:
    """Connections of the server to itself work, and stay tracked."""
    load(hosts, maker.text(EXAMPLES[family], "web.yaml", compiled), family, backend)
    with connection(hosts._replace(client=hosts.server), family, HTTP) as (near, far):
        assert talk(near, far)
    assert has_entry(hosts, family, HTTP)


@COMPILED
@BACKEND
def test_name_server(backend: str, compiled: bool, hosts: Pair, maker: Maker) -> None:
    """Queries over UDP, also in fragments, and over TCP are answered without an entry."""
    family = Family.IPV4
    load(hosts, maker.text("dns-server.rules", "dns-server.yaml", compiled), family, backend)
    assert answers(hosts, family, DNS, b"short")
    assert answers(hosts, family, DNS, b"long" * 1000)
    with connection(hosts, family, DNS) as (near, far):
        assert talk(near, far)
    assert has_entry(hosts, family, DNS) == (not compiled)


@BACKEND
@FAMILY
def test_loads_twice(family: Family, backend: str, hosts: Pair, maker: Maker) -> None:
    """Loading what is loaded changes nothing, also for a connection under way."""
    text = maker.text(EXAMPLES[family], "web.yaml")
    load(hosts, text, family, backend)
    before = save(hosts.server, family, backend)
    with connection(hosts, family, HTTP) as (near, far):
        load(hosts, text, family, backend)
        assert talk(near, far)
    assert without_counters(save(hosts.server, family, backend)) == without_counters(before)


@COMPILED
@BACKEND
@FAMILY
def test_too_big(family: Family, backend: str, compiled: bool, hosts: Pair, maker: Maker) -> None:
    """A router says that packets of a hot connection are too big for it, and the server sends smaller ones."""
    load(hosts, maker.text(EXAMPLES[family], "web.yaml", compiled), family, backend)
    level, option = MTU_OF_SOCKET[family]
    with inside(hosts.client):
        tap = socket.socket(KIND[family], socket.SOCK_RAW, socket.IPPROTO_TCP)
    with tap, connection(hosts, family, HTTP) as (near, far):
        assert talk(near, far)
        assert far.getsockopt(level, option) == 1500
        say_too_big(hosts, family, last_segment(tap, family, HTTP))
        assert far.getsockopt(level, option) == SMALLER
    assert counted(hosts, family, backend) == (1 if compiled else 0)


def last_segment(tap: socket.socket, family: Family, port: int) -> bytes:
    """Eight bytes such as begin the next segment that comes from a port: ports and sequence number."""
    tap.setblocking(False)
    found = b""
    while True:
        try:
            packet = tap.recv(2048)
        except BlockingIOError:
            return found
        segment = packet[(packet[0] & 15) * 4 :] if family is Family.IPV4 else packet
        source, destination, sequence = struct.unpack_from("!HHI", segment)
        if source == port:
            length = len(segment) - (segment[12] >> 4) * 4
            found = struct.pack("!HHI", source, destination, sequence + length & 0xFFFFFFFF)


def say_too_big(hosts: Pair, family: Family, segment: bytes) -> None:
    """Send the error about a segment of the server, as the router before the client would."""
    source, target = (socket.inet_pton(KIND[family], at[family]) for at in (hosts.server_at, hosts.client_at))
    if family is Family.IPV4:
        inner = (
            struct.pack("!BBHHHBBH", 0x45, 0, 1500, 0, 0x4000, 64, socket.IPPROTO_TCP, 0) + source + target + segment
        )
        error = with_checksum(struct.pack("!BBHHH", 3, 4, 0, 0, SMALLER) + inner)
    else:
        inner = struct.pack("!IHBB", 0x60000000, 1460, socket.IPPROTO_TCP, 64) + source + target + segment
        error = struct.pack("!BBHI", 2, 0, 0, SMALLER) + inner
    protocol = socket.IPPROTO_ICMP if family is Family.IPV4 else socket.IPPROTO_ICMPV6
    with inside(hosts.client), socket.socket(KIND[family], socket.SOCK_RAW, protocol) as sender:
        sender.sendto(error, (hosts.server_at[family], 0))


def with_checksum(message: bytes) -> bytes:
    total = sum(struct.unpack(f"!{len(message) // 2}H", message))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return message[:2] + struct.pack("!H", ~total & 0xFFFF) + message[4:]


def counted(hosts: Pair, family: Family, backend: str) -> int:
    """How many packets the rules for ICMP errors have counted."""
    saved = run_in(hosts.server, f"{PROGRAM[family]}-{backend}-save", "--counters").stdout
    return sum(int(packets) for packets in re.findall(r"(?m)^\[(\d+):\d+\] -A INPUT .*-m u32", saved))


def without_counters(text: str) -> str:
    return re.sub(r"\[\d+:\d+\]", "[0:0]", text)
