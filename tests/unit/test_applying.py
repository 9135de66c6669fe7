"""rulec apply as far as nothing is loaded: its plan, its session, and what it cannot do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rulec.host.apply import session, tools
from tests.running import Done, rulec

RULES = """*raw
:PREROUTING ACCEPT [0:0]
COMMIT
*filter
:INPUT DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p tcp --dport 22 {0} -j ACCEPT
COMMIT
"""


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SSH_CONNECTION", "198.51.100.7 50000 192.0.2.10 22")
    monkeypatch.setattr(session, "_sockets", lambda proc: iter(()))  # this machine may have connections of its own
    path = tmp_path / "rules.v4"
    path.write_text(RULES.format(""))
    return path


def test_says_what_would_be_done(rules: Path) -> None:
    done = rulec("apply", "--dry-run", "--timeout", "60", rules)
    assert done.code == 0
    assert [line for line in done.out.splitlines() if line.startswith("would")] == [
        f"would try with iptables-restore --test (which loads the modules that rules need): {rules}",
        "would save what is there below /run/rulec",
        f"would load IPv4 filter of {rules}",
        f"would load IPv4 raw of {rules}",
        "would go back unless somebody confirms within 60 seconds",
    ]


def test_says_which_entries_would_go(rules: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\nmode: notrack\nhot:\n  - {name: web, role: server, protocol: tcp, ports: [80]}\n")
    done = rulec("apply", "--dry-run", "--policy", policy, rules)
    assert "would delete entries: conntrack -D -f ipv4 -p tcp --dport 80\n" in done.out


@pytest.mark.parametrize(
    ("matches", "more", "code", "words"),
    [
        ("", (), 0, "passes, and so does a new one like it"),
        ("-s 192.0.2.0/24", (), 1, "refused: the new rules may cut off the connection"),
        ("-s 192.0.2.0/24", ("--force-session",), 0, "as --force-session says"),
        ("--syn", (), 1, "what this connection sends: tcp 198.51.100.7:50000 > 192.0.2.10:22 ack"),
        ("-m limit --limit 5/min", (), 0, "depends: "),
        ("-m limit --limit 5/min", ("--yes",), 1, "refused"),
    ],
)
def test_the_session(rules: Path, matches: str, more: tuple[str, ...], code: int, words: str) -> None:
    """What hangs on something that nobody knows is let pass where somebody is asked, who would notice."""
    rules.write_text(RULES.format(matches))
    done = rulec("apply", "--dry-run", *more, rules)
    assert (done.code, words in done.out) == (code, True), done.out


def test_a_session_of_the_other_family_stays(rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "2001:db8::7 50000 2001:db8::1 22")
    assert "is IPv6, and these rules are not" in rulec("apply", "--dry-run", rules).out


@pytest.mark.parametrize(
    ("rule", "code"),
    [("", 1), ("-A INPUT -p ipv6-icmp -j ACCEPT", 0), ("-A INPUT -p ipv6-icmp --icmpv6-type 135 -j ACCEPT", 1)],
)
def test_ipv6_without_its_neighbours_would_end_later(
    rules: Path, monkeypatch: pytest.MonkeyPatch, rule: str, code: int
) -> None:
    """After the confirmation, when the neighbour is forgotten."""
    monkeypatch.setenv("SSH_CONNECTION", "2001:db8::7 50000 2001:db8::1 22")
    monkeypatch.setattr(session, "_link", lambda found: "eth0")
    monkeypatch.setattr(session, "_has_neighbours", lambda link: True)
    rules.write_text(RULES.format("").replace("-A INPUT", f"{rule}\n-A INPUT"))
    done = rulec("apply", "--dry-run", "--family", "ipv6", rules)
    assert (done.code, "neighbour advertisement" in done.out) == (code, bool(code))


def test_needs_root(rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert_not_done(rulec("apply", rules), "only root may save and load rules")


def test_needs_the_tools(rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(tools, "PATH", "/nowhere")
    assert_not_done(rulec("apply", rules), "iptables-restore is not installed (Debian: apt-get install iptables)")


def assert_not_done(done: Done, words: str) -> None:
    assert (done.code, done.out) == (2, "")
    assert words in done.err
    assert "nothing was touched" in done.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "name the rulesets to load"),
        (("rules.v4", "rules.v4"), "one file for each family"),
        (("--timeout", "0", "rules.v4"), "from 1 second to a day"),
        (("--confirm", "rules.v4"), "name no files"),
        (("empty",), "no table"),
        (("wrong",), "wrong:2:10"),
    ],
)
def test_unusable_arguments(
    rules: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: str
) -> None:
    monkeypatch.chdir(rules.parent)
    Path("empty").write_text("# iptables-save\n")
    Path("wrong").write_text("*filter\n-A INPUT --what\nCOMMIT\n")
    done = rulec("apply", *arguments)
    assert (done.code, words in done.err) == (2, True), done.err


def test_what_is_wrong_with_a_policy_is_shown_at_its_place(rules: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\nmode: untracked\nhot:\n  - {name: web, role: server, protocol: tcp, ports: [80]}\n")
    done = rulec("apply", "--dry-run", "--policy", policy, rules)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"{policy}:2:7: error[policy-error]: ")
    assert "\n2 | mode: untracked\n  |       ^^^^^^^^^\n" in done.err
