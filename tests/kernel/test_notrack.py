"""What the checks of the group notrack say comes to pass: bad examples fail in the kernel, and good ones work."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest

from rulec import api
from rulec.lint.checks import CHECKS
from rulec.model import Family
from tests.kernel.conftest import installed, restore, run_in
from tests.kernel.network import KIND, PATIENCE, Pair, answers, connection, inside, pair, talk

if missing := [tool for tool in ("ip", "sysctl") if not installed(tool)]:
    pytest.skip(f"not installed: {', '.join(missing)}", allow_module_level=True)

EXAMPLES = {check.slug: check.example for check in CHECKS}
V4, V6 = Family.IPV4, Family.IPV6
DATAGRAMS = """\
*filter
:INPUT DROP [0:0]
-A INPUT -p ipv6-icmp -j ACCEPT
-A INPUT -p udp -m udp --dport 5300 -j ACCEPT
COMMIT
"""
DUMMY = "*mangle\n-A PREROUTING -p 253 -m socket\nCOMMIT\n"


@pytest.fixture(name="hosts")
def two_hosts() -> Iterator[Pair]:
    server_at = {V4: "192.0.2.1", V6: "2001:db8::1"}
    with pair(server_at, {V4: "198.51.100.7", V6: "2001:db8::7"}) as made:
        yield made


def connects(hosts: Pair, port: int = 80) -> bool:
    """Whether a connection to the server comes about, and works."""
    try:
        with connection(hosts, V4, port) as (near, far):
            return talk(near, far)
    except TimeoutError:
        return False


def is_refused(hosts: Pair) -> bool:
    """Whether the client hears at once that nobody is there for it."""
    try:
        with connection(hosts, V4, 80):
            pytest.fail("let in")
    except ConnectionRefusedError:
        return True
    except TimeoutError:
        return False


def is_proxied(hosts: Pair) -> bool:
    run_in(hosts.server, "sysctl", "-qw", "net.netfilter.nf_conntrack_tcp_loose=0").check_returncode()
    return connects(hosts)


def announces(hosts: Pair, port: int = 20021) -> bool:
    """Whether a data connection of FTP comes about, as the server announces it behind its first line."""
    place = ",".join([*hosts.server_at[V4].split("."), str(port >> 8), str(port & 255)])
    with connection(hosts, V4, 21) as (near, far):
        for line in ("220 ready", f"227 Entering Passive Mode ({place})"):
            far.sendall(f"{line}\r\n".encode())
            assert near.recv(100)
        return connects(hosts, port)


def asks_from_the_hot_port(hosts: Pair, port: int = 40000) -> bool:
    """Whether a connection of the server's own comes about."""
    with inside(hosts.client), socket.create_server(("", 99)), inside(hosts.server), socket.socket(KIND[V4]) as own:
        own.settimeout(PATIENCE)
        own.bind((hosts.server_at[V4], port))
        try:
            own.connect((hosts.client_at[V4], 99))
        except TimeoutError:
            return False
    return True


TRIED: list[tuple[str, Callable[[Pair], bool]]] = [
    ("invalid-drop-hits-replies", connects),
    ("reject-reset-is-invalid", is_refused),
    ("notrack-on-synproxy", is_proxied),
    ("notrack-on-helper-port", announces),
]


def load(hosts: Pair, text: str, family: Family = V4) -> None:
    done = restore(hosts.server, text, family)
    if done.returncode and ("--helper" in text or "SYNPROXY" in text):
        pytest.skip(f"the kernel cannot do that: {done.stderr.strip()}")
    done.check_returncode()


@pytest.mark.parametrize(("slug", "works"), TRIED)
def test_only_the_good_example_works(slug: str, works: Callable[[Pair], bool], hosts: Pair) -> None:
    load(hosts, EXAMPLES[slug].good)
    assert works(hosts)
    load(hosts, EXAMPLES[slug].bad)
    run_in(hosts.server, "conntrack", "-F")
    assert not works(hosts)


def test_the_answer_of_synproxy_is_invalid(hosts: Pair) -> None:
    good = EXAMPLES["notrack-on-synproxy"].good
    accepted = "-A OUTPUT -p tcp --sport 80 --tcp-flags SYN,ACK SYN,ACK -m conntrack --ctstate INVALID -j ACCEPT\n"
    dropped = "-A OUTPUT -m conntrack --ctstate INVALID -j DROP\n"
    for rules, works in ((accepted + dropped, True), (dropped, False)):
        text = good.replace("COMMIT\n", f"{rules}COMMIT\n", 1)
        load(hosts, text)
        assert is_proxied(hosts) is works
        findings = api.lint(api.parse(text)).findings
        assert ("notrack-on-synproxy" in {finding.slug for finding in findings}) is not works


def test_answers_to_a_hot_port_are_lost(hosts: Pair) -> None:
    load(hosts, EXAMPLES["hot-port-in-ephemeral-range"].bad)
    assert asks_from_the_hot_port(hosts, 40001)
    assert not asks_from_the_hot_port(hosts)


def test_fragments_are_lost_unless_put_together(hosts: Pair) -> None:
    load(hosts, DATAGRAMS, V6)
    assert answers(hosts, V6, 5300, bytes(900))
    with pytest.raises(TimeoutError):
        answers(hosts, V6, 5300, bytes(4000))
    load(hosts, DATAGRAMS + DUMMY, V6)
    assert answers(hosts, V6, 5300, bytes(4000))
    said = [api.lint(api.parse(text, family="ipv6")).findings for text in (DATAGRAMS, DATAGRAMS + DUMMY)]
    assert ["fragments-unreassembled" in {finding.slug for finding in findings} for findings in said] == [True, False]
