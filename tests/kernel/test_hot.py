"""The table of connections, as the kernel and conntrack(8) print it, and a policy that empties it."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rulec import advice
from rulec.host.conntrack.here import streamed
from rulec.model import Family
from tests.kernel.conftest import installed, namespace, restore, run_in
from tests.kernel.network import Pair, inside, pair
from tests.running import rulec

pytestmark = pytest.mark.skipif(
    not installed("conntrack"), reason="conntrack is not installed (Debian: apt-get install conntrack)"
)

V4, V6 = Family.IPV4, Family.IPV6
SERVER, CLIENT = {V4: "192.0.2.10", V6: "2001:db8::10"}, {V4: "198.51.100.7", V6: "2001:db8::7"}
STATEFUL = """\
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m multiport --dports 22,80,8080 -m conntrack --ctstate NEW -j ACCEPT
-A INPUT -p udp -m udp --dport 53 -m conntrack --ctstate NEW -j ACCEPT
-A INPUT -p {icmp} -j ACCEPT
COMMIT
"""
SPECIAL = """\
*raw
-A PREROUTING -p tcp -m tcp --dport 22 -j CT --zone 7
-A OUTPUT -p tcp -m tcp --sport 22 -j CT --zone 7
-A PREROUTING -p icmp -j CT --zone-orig 8
COMMIT
*nat
-A PREROUTING -p tcp -m tcp --dport 81 -j REDIRECT --to-ports 8080
COMMIT
"""
RULES = {V4: STATEFUL.format(icmp="icmp"), V6: STATEFUL.format(icmp="ipv6-icmp")}
FORMATS = ("", "save", "extended", "id", "ktimestamp", "labels", "id,ktimestamp,labels", "xml", "xml,extended,id")
ECHO = {V4: (socket.IPPROTO_ICMP, 8), V6: (socket.IPPROTO_ICMPV6, 128)}


@contextlib.contextmanager
def busy(special: str = "") -> Iterator[Pair]:
    """A server with a stateful ruleset, and what is special about it."""
    with pair(SERVER, CLIENT) as hosts:
        with inside(hosts.server):
            for name in ("acct", "timestamp"):
                Path(f"/proc/sys/net/netfilter/nf_conntrack_{name}").write_text("1")
        restore(hosts.server, special + RULES[V4], V4).check_returncode()
        restore(hosts.server, RULES[V6], V6).check_returncode()
        yield hosts


@contextlib.contextmanager
def traffic(hosts: Pair, ports: tuple[int, ...] = (22, 80)) -> Iterator[None]:
    """TCP connections that stay open, UDP with and without answers, and ping, of both families."""
    with contextlib.ExitStack() as stack:
        for family, kind in ((V4, socket.AF_INET), (V6, socket.AF_INET6)):
            with inside(hosts.server):
                for port in (22, 80, 8080):
                    stack.enter_context(socket.create_server((SERVER[family], port), family=kind))
                answering = stack.enter_context(socket.socket(kind, socket.SOCK_DGRAM))
                answering.bind((SERVER[family], 53))
            with inside(hosts.client):
                for port in ports if family is V4 else (80, 80):
                    stack.enter_context(socket.create_connection((SERVER[family], port), timeout=5))
                asking = stack.enter_context(socket.socket(kind, socket.SOCK_DGRAM))
                asking.connect((SERVER[family], 53))
                asking.send(b"?")
                protocol, echo = ECHO[family]
                ping = stack.enter_context(socket.socket(kind, socket.SOCK_RAW, protocol))
                checksum = 0xFFFF - (echo << 8) if family is V4 else 0  # the kernel sets that of IPv6
                ping.sendto(struct.pack("!BBHHH", echo, 0, checksum, 0, 0), (SERVER[family], 0))
            answering.settimeout(5)
            answering.sendto(*answering.recvfrom(10))
        yield


def listed(ns: str, form: str) -> str:
    options = ["-o", form] if form else []
    done = run_in(ns, "conntrack", "-L", *options)
    done.check_returncode()
    return done.stdout


def counted(text: str) -> advice.Hot:
    lines = text.encode().splitlines(keepends=True)
    dump = streamed(_Lines(lines), "dump")
    return advice.hot(dump, False, addresses=[*SERVER.values()])


class _Lines:
    def __init__(self, lines: list[bytes]) -> None:
        self._lines = lines

    def readlines(self, _: int) -> list[bytes]:
        lines, self._lines = self._lines, []
        return lines


@pytest.fixture(scope="module")
def dumps() -> dict[str, str]:
    """The table of one server in all forms; that of /proc is called so."""
    with busy(SPECIAL) as hosts, traffic(hosts, (22, 80, 80, 81)):
        found = {form: listed(hosts.server, form) for form in FORMATS}
        with inside(hosts.server):
            table = Path("/proc/thread-self/net/nf_conntrack")
            return {**found, **({"proc": table.read_text()} if table.exists() else {})}


@pytest.mark.parametrize("form", [*FORMATS, "proc"])
def test_every_entry_is_counted_in_every_form(form: str, dumps: dict[str, str]) -> None:
    if form not in dumps:
        pytest.skip("the kernel does not list connections in /proc")
    text = dumps[form]
    found = counted(text)
    lines = text.count("<flow>") if "xml" in form else len(text.splitlines())
    assert (found.missed.first, found.table.entries) == ([], lines)
    assert {(one.title, one.role): one.entries for one in found.table.services} == {
        ("tcp/22", "server"): 1,
        ("tcp/80", "server"): 4,
        ("udp/53", "server"): 2,
        ("icmp echo", "server"): 2,
    }
    assert [(one.title, one.nat, one.entries) for one in found.table.translated] == [("tcp/81", "DNAT", 1)]
    assert dict(found.table.zones).get("7") == 1
    assert [host for host, _ in found.table.hosts] == [CLIENT[V4], CLIENT[V6]]


def test_reads_the_running_kernel() -> None:
    """Table, addresses and settings are those of the namespace; nothing is loaded or written."""
    with busy() as hosts, traffic(hosts):
        with inside(hosts.server):
            done = rulec("hot", "--output-format", "json")
            count = int(Path("/proc/sys/net/netfilter/nf_conntrack_count").read_text())
        assert (done.code, done.err) == (0, "")
        assert f'"entries": {count},' in done.out
        assert '"addresses_known": "the addresses of this machine"' in done.out
        assert re.search(r'"maximum": [1-9]', done.out)


def test_asks_conntrack_where_proc_has_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels may be built without it; both families are listed."""
    monkeypatch.setattr("rulec.host.conntrack.here._TABLES", ())
    with busy() as hosts, traffic(hosts), inside(hosts.server):
        count = int(Path("/proc/sys/net/netfilter/nf_conntrack_count").read_text())
        done = rulec("hot")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"conntrack -L: {count} entries")
    assert CLIENT[V6] in done.out


def test_who_may_not_read_the_table_is_told_so() -> None:
    if not Path("/proc/net/nf_conntrack").exists():
        pytest.skip("the kernel does not list connections in /proc")
    rulec("hot")  # so that all is imported that root alone may read
    said = as_nobody(lambda: rulec("hot").err)
    assert said == "rulec: error: /proc/net/nf_conntrack: only root may read it; or name a file that root wrote\n"


def as_nobody(ask: Callable[[], str]) -> str:
    """What somebody without rights is told."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            os.write(writing, ask().encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as stream:
        return stream.read()


def test_the_policy_empties_the_table(tmp_path: Path) -> None:
    """What it names takes no entry any more, all else does."""
    rules = {family: tmp_path / f"rules.{family.value}" for family in Family}
    for family, path in rules.items():
        path.write_text(RULES[family])
    policy, out = tmp_path / "hot.yaml", tmp_path / "out"
    with busy() as hosts:
        with traffic(hosts, (22, 80, 80)), inside(hosts.server):
            given = [option for path in rules.values() for option in ("--rules", path)]
            done = rulec("hot", *given, "--policy-out", policy, "--least", "15")
        assert (done.code, done.err) == (0, "")
        assert "name: tcp-80\n" in policy.read_text()
        done = rulec("compile", *rules.values(), "--policy", policy, "--output-dir", out)
        assert done.code == 0, done.err
        for family, path in rules.items():
            restore(hosts.server, (out / path.name).read_text(), family).check_returncode()
        run_in(hosts.server, "conntrack", "-F").check_returncode()
        with traffic(hosts, (22, 80, 80)):
            left = counted(listed(hosts.server, ""))
        titles = {service.title for service in left.table.services}
        hot = set(re.findall(r"(?m)^  - name: (\w+)-(\w+)$", policy.read_text()))
        assert hot
        assert not titles & {f"{protocol}/{port}" for protocol, port in hot}
        assert "tcp/22" in titles


# ── this host asks, and this host routes ──

ASKING = """\
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
COMMIT
"""
ROUTING = """\
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -d 192.0.2.10/32 -p tcp -m tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT
-A FORWARD -d 192.0.2.10/32 -p udp -m udp --dport 53 -m conntrack --ctstate NEW -j ACCEPT
COMMIT
"""


@contextlib.contextmanager
def talking(asking: str, answering: str, address: str) -> Iterator[None]:
    """A TCP connection to port 80 of an address, and a datagram to port 53 that is answered."""
    with contextlib.ExitStack() as stack:
        with inside(answering):
            stack.enter_context(socket.create_server((address, 80)))
            far = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            far.bind((address, 53))
        with inside(asking):
            stack.enter_context(socket.create_connection((address, 80), timeout=5))
            near = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            near.connect((address, 53))
            near.send(b"?")
        for one in (far, near):
            one.settimeout(5)
        far.sendto(*far.recvfrom(10))
        assert near.recv(10) == b"?"
        yield


@contextlib.contextmanager
def routed() -> Iterator[tuple[str, str, str]]:
    """A client, a router and a server."""
    with namespace() as client, namespace() as router, namespace() as server:
        for end, own, via, net in ((client, CLIENT[V4], "198.51.100.1", 1), (server, SERVER[V4], "192.0.2.1", 2)):
            commands = (
                f"-n {router} link add wire{net} type veth peer wire netns {end}",
                f"-n {router} address add {via}/24 dev wire{net}",
                f"-n {router} link set wire{net} up",
                f"-n {end} address add {own}/24 dev wire",
                f"-n {end} link set wire up",
                f"-n {end} route add default via {via}",
            )
            for command in commands:
                run_in("", "ip", *command.split()).check_returncode()
        with inside(router):
            Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
        yield client, router, server


def emptied(
    host: str, rules: str, folder: Path, talk: Callable[[], contextlib.AbstractContextManager[None]]
) -> set[str]:
    """The services that were drafted for a host; they take no entry once the compiled rules are loaded."""
    before, after, policy = folder / "rules.v4", folder / "new.v4", folder / "hot.yaml"
    before.write_text(rules)
    restore(host, rules, V4).check_returncode()
    with talk(), inside(host):
        done = rulec("hot", "--rules", before, "--policy-out", policy)
    assert (done.code, done.err) == (0, "")
    done = rulec("compile", before, "--policy", policy, "-o", after)
    assert done.code == 0, done.err
    restore(host, after.read_text(), V4).check_returncode()
    run_in(host, "conntrack", "-F").check_returncode()
    drafted = set(re.findall(r"(?m)^  - name: (.*)$", policy.read_text()))
    with talk():
        left = {service.title.replace("/", "-") for service in counted(listed(host, "")).table.services}
    assert not {name for name in left if any(draft.endswith(name) for draft in drafted)}
    return drafted


def test_the_policy_of_who_asks_empties_the_table(tmp_path: Path) -> None:
    with pair(SERVER, CLIENT) as hosts:
        drafted = emptied(hosts.server, ASKING, tmp_path, lambda: talking(hosts.server, hosts.client, CLIENT[V4]))
    assert drafted == {"to-tcp-80", "to-udp-53"}


def test_the_policy_of_a_router_empties_the_table(tmp_path: Path) -> None:
    with routed() as (client, router, server):
        drafted = emptied(router, ROUTING, tmp_path, lambda: talking(client, server, SERVER[V4]))
    assert "through-tcp-80" in drafted
