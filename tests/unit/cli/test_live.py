"""Commands that read the running rules in place of a file."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from rulec.host import live
from rulec.host.live import Live, Running
from rulec.model import Family
from tests.running import rulec

V4, V6 = Family.IPV4, Family.IPV6
HEAD = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"
TRACKS = HEAD + "-A INPUT -p tcp -m tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT\nCOMMIT\n"
DROPS = HEAD + "-A INPUT -p tcp -m tcp --dport 80 -j DROP\nCOMMIT\n"
LEGACY, NFT, SIX = Running("legacy", V4, TRACKS), Running("nft", V4, DROPS), Running("legacy", V6, DROPS)
PACKET = "tcp 198.51.100.7:40000 > 192.0.2.1:80 syn in eth0 state NEW"
PACKET6 = "tcp [2001:db8::7]:40000 > [2001:db8::1]:80 syn in eth0 state NEW"
POLICY = "version: 1\nmode: notrack\nhot:\n  - name: web\n    role: server\n    protocol: tcp\n    ports: 80\n"


@pytest.fixture(autouse=True)
def _runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("web.yaml").write_text(POLICY)
    runs(monkeypatch, LEGACY, SIX)


def runs(monkeypatch: pytest.MonkeyPatch, *rulesets: Running, unread: tuple[str, ...] = ()) -> None:
    def reading(families: Any, backends: Any) -> Live:
        return Live(tuple(one for one in rulesets if one.family in families), unread, ("a note",))

    monkeypatch.setattr(live, "live", reading)


def test_lint_names_what_runs() -> None:
    done = rulec("lint", "--live", "--output-format", "concise", "--isolated")
    assert "live:legacy IPv4:5:" in done.out
    assert "note[tracking-match]" in done.out
    assert done.err.startswith("a note\n")


def test_lint_takes_configuration_files_beside_what_runs() -> None:
    Path("modprobe.conf").write_text("install nf_conntrack /bin/false\n")
    done = rulec("lint", "--live", "modprobe.conf", "--output-format", "concise", "--isolated")
    assert (done.code, "modprobe.conf:1:" in done.out, "live:legacy IPv4:5:" in done.out) == (1, True, True)


def test_the_family_that_runs_counts_whatever_the_settings_say() -> None:
    Path("rulec.toml").write_text('[target]\nfamily = "ipv4"\n')
    done = rulec("lint", "--live", "--family", "ipv6", "--output-format", "json")
    assert done.code == 0
    assert "live:legacy IPv6" in done.out


def test_tracking_report() -> None:
    assert rulec("lint", "--live", "--tracking-report").out.startswith("live:legacy IPv4: IPv4 is tracked")


@pytest.mark.parametrize("flag", ["--fix", "--fix-only", "--add-ignore", "--show-files", "--stdin-filename=x"])
def test_what_is_about_files_is_refused(flag: str) -> None:
    done = rulec("lint", "--live", flag)
    assert (done.code, done.out) == (2, "")
    assert "is about files" in done.err


def test_nothing_to_lint() -> None:
    done = rulec("lint")
    assert (done.code, done.err) == (2, "rulec: error: name files or folders, or say --live for the rules that run\n")


@pytest.mark.parametrize(("packet", "verdict"), [(PACKET, "ACCEPT: the rule"), (PACKET6, "DROP: the rule")])
def test_trace_takes_the_family_of_the_packet(packet: str, verdict: str) -> None:
    assert rulec("trace", "--live", "--packet", packet).out.splitlines()[-1].startswith(verdict)


def test_trace_goes_through_both_back_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    runs(monkeypatch, LEGACY, NFT)
    done = rulec("trace", "--live", "--packet", PACKET)
    first, second = done.out.split("\n\n")
    assert first.startswith("live:legacy IPv4\n")
    assert second.startswith("live:nft IPv4\n")
    assert ("ACCEPT: " in first, "DROP: " in second) == (True, True)
    assert rulec("trace", "--live", "--packet", PACKET, "--output-format", "json").code == 2


@pytest.mark.parametrize("arguments", [(), ("--live", "a.rules")])
def test_trace_wants_a_file_or_what_runs(arguments: tuple[str, ...]) -> None:
    done = rulec("trace", *arguments, "--packet", PACKET)
    assert (done.code, "name a ruleset, or say --live" in done.err) == (2, True)


def test_trace_of_a_packet_of_no_family() -> None:
    done = rulec("trace", "--live", "--packet", "tcp nonsense")
    assert (done.code, "--packet:1:" in done.err) == (2, True)


def test_diff_takes_what_runs_as_the_old_ruleset() -> None:
    Path("new.v4").write_text(DROPS)
    done = rulec("diff", "--live", "new.v4")
    assert (done.code, "live:legacy IPv4:5: " in done.out) == (1, True)
    Path("same.v6").write_text(DROPS)
    assert rulec("diff", "--live", "same.v6").code == 0


RAW = "*raw\n:PREROUTING {} [0:0]\n:OUTPUT ACCEPT [0:0]\n{}COMMIT\n"


@pytest.mark.parametrize(
    ("policy", "rule", "said"),
    [("ACCEPT", "-A PREROUTING -j ACCEPT\n", True), ("DROP", "", True), ("ACCEPT", "", False)],
)
def test_diff_says_which_tables_would_stay(policy: str, rule: str, said: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    runs(monkeypatch, Running("legacy", V4, RAW.format(policy, rule) + DROPS))
    Path("new.v4").write_text(DROPS)
    told = "new.v4: without raw: loading it would leave that table as it runs"
    assert (told in rulec("diff", "--live", "new.v4").err) == said


@pytest.mark.parametrize("arguments", [(), ("--against", "git:HEAD", "new.v4")])
def test_diff_wants_files_and_nothing_else(arguments: tuple[str, ...]) -> None:
    assert rulec("diff", "--live", *arguments).code == 2


def test_compile_writes_a_file_for_each_family(monkeypatch: pytest.MonkeyPatch) -> None:
    done = rulec("compile", "--live", "--policy", "web.yaml", "--output-dir", "new", "--keep-going")
    assert done.code == 0, done.err
    assert "-j CT --notrack" in Path("new/rules.v4").read_text()
    assert Path("new/rules.v6").exists()


def test_compile_checks_whether_what_runs_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ("compile", "--live", "--family", "ipv4", "--policy", "web.yaml")
    done = rulec(*arguments, "--check")
    assert (done.code, done.out) == (1, "live:legacy IPv4 would change\n")
    runs(monkeypatch, Running("legacy", V4, rulec(*arguments).out))
    assert rulec(*arguments, "--check").code == 0


def test_compile_wants_one_ruleset_a_family(monkeypatch: pytest.MonkeyPatch) -> None:
    runs(monkeypatch, LEGACY, NFT)
    done = rulec("compile", "--live", "--policy", "web.yaml")
    assert (done.code, done.out) == (2, "")
    assert "two rulesets of a family are in force" in done.err
    runs(monkeypatch, Running("", V4, ""))
    assert "no rule is loaded" in rulec("compile", "--live", "--policy", "web.yaml").err


@pytest.mark.parametrize("arguments", [(), ("--policy", "web.yaml", "a.rules")])
def test_compile_wants_a_policy_and_no_files(arguments: tuple[str, ...]) -> None:
    done = rulec("compile", "--live", *arguments)
    assert (done.code, "--live is compiled in place of files" in done.err) == (2, True)


@pytest.mark.parametrize(
    "arguments",
    [("lint",), ("trace", "--packet", PACKET), ("diff", "new.v4"), ("compile", "--policy", "web.yaml")],
    ids=lambda words: words[0],
)
def test_what_could_not_be_read_is_said(arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    Path("new.v4").write_text(DROPS)
    runs(monkeypatch, LEGACY, unread=("live:nft IPv4: one", "live:nft IPv6: two"))
    done = rulec(*arguments, "--live")
    assert (done.code, done.out) == (2, "")
    assert done.err == "a note\nrulec: error: live:nft IPv4: one\nrulec: error: live:nft IPv6: two\n"


@pytest.mark.parametrize("form", ["sarif", "json", "github", "gitlab", "junit"])
def test_the_forms_of_lint_can_name_what_runs(form: str) -> None:
    done = rulec("lint", "--live", "--output-format", form, "--isolated")
    assert re.search("live(:|%3A)legacy( |%20)IPv4", done.out)
    if form in ("sarif", "json", "gitlab"):
        json.loads(done.out)
