"""What TPROXY takes is answered by this host: with one direction alone untracked nothing gets through."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from rulec.model import Family
from tests.compile_fuzz.parts import GUARDED, Broken, without_guard
from tests.kernel.conftest import installed, restore, run_in
from tests.kernel.network import Pair, inside, pair, talk

if missing := [tool for tool in ("ip", "sysctl") if not installed(tool)]:
    pytest.skip(f"not installed: {', '.join(missing)}", allow_module_level=True)

V4 = Family.IPV4
OWN, ELSEWHERE = "192.0.2.1", "203.0.113.9"
ON_PORT, IP_TRANSPARENT = 8080, 19  # linux/in.h
ROUTES = (
    "ip rule add fwmark 1 lookup 100",
    "ip route add local default dev lo table 100",
    "sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.wire.rp_filter=0",
)
GUARD = next(guard for guard in GUARDED if guard.name == "TPROXY")


@pytest.fixture(name="hosts")
def proxy_and_client() -> Iterator[Pair]:
    with pair({V4: OWN, Family.IPV6: "2001:db8::1"}, {V4: "198.51.100.7", Family.IPV6: "2001:db8::7"}) as made:
        for command in ROUTES:
            run_in(made.server, *command.split()).check_returncode()
        run_in(made.client, "ip", "route", "add", ELSEWHERE, "via", OWN, "dev", "wire", "onlink").check_returncode()
        yield made


def is_answered(hosts: Pair, address: str) -> bool:
    """Whether a client can talk to the proxy by an address; the SYN,ACK always comes."""
    with inside(hosts.server), socket.socket() as proxy:
        proxy.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        proxy.setsockopt(socket.SOL_IP, IP_TRANSPARENT, 1)
        proxy.bind(("", ON_PORT))
        proxy.listen()
        proxy.settimeout(1)
        with inside(hosts.client), socket.socket() as asking:
            asking.settimeout(1)
            asking.connect((address, 80))
            try:
                answering, _ = proxy.accept()
            except TimeoutError:
                return False
            with answering:
                return talk(asking, answering)


@pytest.mark.parametrize("backend", ["legacy", "nft"])
def test_a_proxied_flow_stalls_where_only_its_answers_are_untracked(hosts: Pair, backend: str) -> None:
    """The flows to this host's own addresses are untracked in both directions, and work."""
    broken = without_guard(GUARD)
    assert isinstance(broken, Broken)
    fares = {}
    for name, ruleset in (("old", broken.old), ("new", broken.new)):
        restore(hosts.server, ruleset.source.text, V4, backend).check_returncode()
        fares[name] = [is_answered(hosts, address) for address in (OWN, ELSEWHERE)]
    assert fares == {"old": [True, True], "new": [True, False]}
