"""The files of ufw, loaded into chains that are there before."""

from __future__ import annotations

from pathlib import Path

import pytest

import rulec
from tests.running import rulec as run

BEFORE = """\
*filter
:ufw-before-input - [0:0]
:ufw-before-output - [0:0]
:ufw-not-local - [0:0]
-A ufw-before-input -m conntrack --ctstate INVALID -j ufw-logging-deny
-A ufw-before-input -j ufw-not-local
-A ufw-before-forward -j ufw-user-forward
-A ufw-not-local -j DROP
COMMIT
"""
AFTER6 = """\
*filter
:ufw6-after-input - [0:0]
-A ufw6-after-input -p udp --dport 137 -j ufw6-skip-to-policy-input
COMMIT
"""
USER = """\
*filter
:ufw-user-input - [0:0]
:ufw-before-logging-input - [0:0]
-A ufw-user-input -p tcp --dport 22 -j ACCEPT
-A ufw-before-logging-input -j LOG --log-prefix "[UFW AUDIT] "
COMMIT
"""


def messages(text: str, name: str) -> list[str]:
    return [f"{finding.line}: {finding.message}" for finding in rulec.parse(text, name).findings]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("/etc/ufw/before.rules", BEFORE),
        ("before.rules.dpkg-dist", BEFORE),
        ("after6.rules", AFTER6),
        ("etc/ufw/user.rules", USER),
    ],
)
def test_chains_of_ufw_are_there(name: str, text: str) -> None:
    assert messages(text, name) == []


@pytest.mark.parametrize("name", ["rules.v4", "-", "before.txt", "mybefore.rules"])
def test_under_another_name_the_file_stands_alone(name: str) -> None:
    assert messages(BEFORE, name)[0] == "5: 'ufw-logging-deny' is no chain of this table so far, and no target"


def test_a_chain_of_ufw_that_is_missing_says_how_to_read_the_file() -> None:
    (finding, *_) = rulec.parse(BEFORE, "rules.v4").findings
    assert finding.hint.endswith("such as --display-path before.rules")
    (other,) = rulec.parse(BEFORE.replace("ufw-logging-deny", "deny"), "before.rules").findings
    assert "ufw" not in other.hint


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("-j ufw-logging-deny", "-j ufw-loging-deny"), "'ufw-loging-deny' is no chain of this table so far"),
        (("-j ufw-logging-deny", "-j ufw6-logging-deny"), "'ufw6-logging-deny' is no chain of this table so far"),
        (("*filter", "*mangle"), "'ufw-logging-deny' is no chain of this table so far"),
        (("-A ufw-not-local", "-A ufw-not-locl"), "there is no chain 'ufw-not-locl' in table 'filter'"),
    ],
)
def test_chains_that_nobody_makes_are_missing(change: tuple[str, str], said: str) -> None:
    assert any(said in message for message in messages(BEFORE.replace(*change), "before.rules"))


def test_a_chain_declared_again_loses_its_rules() -> None:
    text = BEFORE.replace("COMMIT", ":ufw-not-local -\nCOMMIT")
    ruleset = rulec.parse(text, "before.rules")
    assert ruleset.valid
    assert ruleset.tables["filter"].chains["ufw-not-local"].references == []
    assert not rulec.parse(text.replace("-j ufw-logging-deny", "-j DROP"), "rules.v4").valid


def test_lint_asks_no_question_of_the_whole(tmp_path: Path) -> None:
    path = tmp_path / "before.rules"
    path.write_text(BEFORE)
    done = run("lint", path)
    assert (done.code, done.out.count("note["), done.out.count("note[tracking-match]")) == (0, 1, 1)
    assert "a piece of what ufw loads; what packets meet is asked of the whole" in done.out


def test_fmt_declares_no_chain_of_ufw(tmp_path: Path) -> None:
    path = tmp_path / "after6.rules"
    path.write_text(AFTER6.replace("-p udp --dport", "--protocol udp --dport"))
    assert run("fmt", path).code == 0
    assert path.read_text() == AFTER6.replace("-p udp", "-p udp -m udp")


@pytest.mark.parametrize(
    "command",
    [
        ["compile", "before.rules", "--policy", "web.yaml"],
        ["verify", "before.rules", "before.rules", "--policy", "web.yaml"],
        ["diff", "before.rules", "before.rules"],
        ["trace", "before.rules", "--packet", "icmp 192.0.2.1 > 192.0.2.2 echo-request in eth0 state NEW"],
        ["lint", "--tracking-report", "before.rules"],
    ],
    ids=lambda command: command[0],
)
def test_what_packets_meet_is_asked_of_the_whole(
    command: list[str], tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("before.rules").write_text(BEFORE)
    Path("web.yaml").write_text((root / "policies/web.yaml").read_text())
    done = run(*command)
    assert done.code == 2
    assert "before.rules is a piece of a ruleset that ufw loads" in done.err
