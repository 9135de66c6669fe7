"""The connection that rulec runs in, found in the environment or in /proc."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rulec.host.apply import session as sessions
from rulec.host.apply.session import Session

FLOW = Session("198.51.100.7", 50000, "192.0.2.10", 22)


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This process, below a shell (7) below a server of sessions (5)."""
    monkeypatch.setattr(sessions, "_link", lambda found: "eth0")
    for pid, name, parent in ((os.getpid(), "python", 7), (7, "ba) sh", 5), (5, "sshd", 1)):
        folder = tmp_path / str(pid)
        (folder / "fd").mkdir(parents=True)
        (folder / "stat").write_text(f"{pid} ({name}) S {parent} 1 1")
        (folder / "comm").write_text(name + "\n")
        (folder / "environ").write_bytes(b"A=B\0")
    (tmp_path / "thread-self/net").mkdir(parents=True)
    return tmp_path


def found(proc: Path, **environment: str) -> tuple[str, str] | None:
    one = sessions.sessions(environment, proc)
    return (str(one[0]), one[0].link) if one else None


def test_none(proc: Path) -> None:
    assert found(proc) is None


@pytest.mark.parametrize("text", ["", "198.51.100.7", "a b c d", "198.51.100.7 x 192.0.2.10 22"])
def test_a_variable_that_says_nothing(proc: Path, text: str) -> None:
    assert found(proc, SSH_CONNECTION=text) is None


def test_its_own_variable(proc: Path) -> None:
    assert found(proc, SSH_CONNECTION="198.51.100.7 50000 192.0.2.10 22") == (str(FLOW), "eth0")


def test_addresses_of_ipv6(proc: Path) -> None:
    text = "2001:db8::7 50000 ::ffff:192.0.2.10 22"
    assert found(proc, SSH_CONNECTION=text) == ("[2001:db8::7]:50000 > 192.0.2.10:22", "eth0")


def test_an_address_of_a_link_says_which(proc: Path) -> None:
    """The routes of fe80::/10 know nothing of it: every link has one."""
    text = "fe80::7%eth1 50000 fe80::1%eth1 22"
    assert found(proc, SSH_CONNECTION=text) == ("[fe80::7]:50000 > [fe80::1]:22", "eth1")


def test_a_variable_that_sudo_took_away(proc: Path) -> None:
    (proc / "7/environ").write_bytes(b"HOME=/\0SSH_CONNECTION=198.51.100.7 50000 192.0.2.10 22\0")
    assert found(proc) == (str(FLOW), "eth0")


@pytest.mark.parametrize("name", ["tcp", "tcp6"])
def test_the_socket_of_the_server(proc: Path, name: str) -> None:
    mapped = "0000000000000000FFFF0000" if name == "tcp6" else ""
    lines = [
        "  sl  local_address rem_address   st",
        f"   0: {mapped}0A0200C0:0016 {mapped}00000000:0000 0A 0:0 0:0 0 0 0 99",
        f"   1: {mapped}0A0200C0:0016 {mapped}076433C6:C350 01 0:0 0:0 0 0 0 100",
    ]
    (proc / "thread-self/net" / name).write_text("\n".join(lines))
    os.symlink("socket:[100]", proc / "5/fd/3")
    assert found(proc) == (str(FLOW), "eth0")
    (proc / "5/comm").write_text("curl\n")
    assert found(proc) is None


@pytest.mark.parametrize(
    ("variable", "clients"),
    [
        ("198.51.100.7 50000 192.0.2.10 22", ["198.51.100.7"]),
        ("203.0.113.9 40000 192.0.2.10 22", ["198.51.100.7", "198.51.100.8"]),
        ("203.0.113.9 40000 192.0.2.10 2222", ["203.0.113.9"]),
    ],
)
def test_a_shell_of_tmux_names_a_connection_that_may_be_gone(proc: Path, variable: str, clients: list[str]) -> None:
    """Then it is one of those that are there; in another network namespace there are none."""
    lines = ["  sl  local_address rem_address   st"]
    for client, port in (("076433C6", "C350"), ("086433C6", "C350"), ("086433C6", "C351")):
        lines.append(f"   1: 0A0200C0:0016 {client}:{port} 01 0:0 0:0 0 0 0 100")
    (proc / "thread-self/net/tcp").write_text("\n".join(lines))
    assert [one.client for one in sessions.sessions({"SSH_CONNECTION": variable}, proc)] == clients


ENTRY = (
    "ipv4     2 tcp      6 9 ESTABLISHED src=198.51.100.7 dst=192.0.2.1 sport=50000 dport=2222"
    " src=192.0.2.10 dst=198.51.100.7 sport=22 dport=50000 [ASSURED] mark=0 zone=0 use=2\n"
)


@pytest.mark.parametrize(
    ("table", "is_loaded", "known"),
    [(ENTRY, True, True), ("", True, False), (ENTRY.replace("50000", "50001"), True, False), (None, True, None),
     (None, False, False)],
)  # fmt: skip
def test_whether_it_has_an_entry(
    proc: Path, monkeypatch: pytest.MonkeyPatch, table: str | None, is_loaded: bool, known: bool | None
) -> None:
    monkeypatch.setattr(sessions, "is_loaded", lambda: is_loaded)
    if table is not None:
        (proc / "thread-self/net/nf_conntrack").write_text(table)
    (one,) = sessions.sessions({"SSH_CONNECTION": "198.51.100.7 50000 192.0.2.10 22"}, proc)
    assert one.is_tracked is known


def test_a_flow_without_an_entry_begins_in_the_middle() -> None:
    first = [next(FLOW._replace(is_tracked=known).packets())[1] for known in (True, None, False)]
    assert [text.rpartition(" ")[2] for text in first] == ["ESTABLISHED", "ESTABLISHED", "NEW"]


@pytest.mark.parametrize(
    ("loose", "states"), [(None, ["NEW", "ESTABLISHED"]), ("1\n", ["NEW", "ESTABLISHED"]), ("0\n", ["INVALID"] * 2)]
)
def test_tracking_may_pick_up_nothing(proc: Path, loose: str | None, states: list[str]) -> None:
    if loose:
        (proc / "sys/net/netfilter").mkdir(parents=True)
        (proc / "sys/net/netfilter/nf_conntrack_tcp_loose").write_text(loose)
    (proc / "thread-self/net/nf_conntrack").write_text("")
    (one,) = sessions.sessions({"SSH_CONNECTION": "198.51.100.7 50000 192.0.2.10 22"}, proc)
    asks, gets = [packet for _, packet, _ in one.packets()][:2]
    assert [text.partition(" state ")[2].removesuffix(" reply") for text in (asks, gets)] == states


@pytest.mark.parametrize(("flags", "has"), [("0x1003", True), ("0x9", False), ("0x10d1", False), ("?", True)])
def test_links_without_neighbours(tmp_path: Path, flags: str, has: bool) -> None:
    (tmp_path / "eth0").mkdir()
    (tmp_path / "eth0/flags").write_text(f"{flags}\n")
    assert sessions._has_neighbours("eth0", tmp_path) is has


def test_ipv6_needs_its_neighbours() -> None:
    flow = Session("2001:db8::7", 50000, "2001:db8::1", 22, "eth0")
    asked = [packet for about, packet, _ in flow.packets() if "neighbour" in about]
    assert asked[0] == "icmpv6 fe80::1 > 2001:db8::1 neighbour-solicitation ttl 255 in eth0"
    assert len(asked) == 4
    assert len(list(flow._replace(has_neighbours=False).packets())) == len(list(FLOW.packets())) == 4
