"""rulec compile as a command: where the result goes, what is told, and when nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.running import rulec

NAT = "*nat\n-A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 8080\nCOMMIT\n"
RULES = "*filter\n-A INPUT -p tcp --dport 80 -m state --state NEW,ESTABLISHED -j ACCEPT\n-A INPUT -j DROP\nCOMMIT\n"
POLICY = "version: 1\nmode: notrack\nhot:\n  - {name: web, role: server, protocol: tcp, ports: 80}\n"
BAD_POLICY = "version: 1\nmode: notrak\nhot:\n  - {name: web, role: server, protocol: tcp, ports: 99999}\n"


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rules").write_text(RULES)
    Path("policy.yaml").write_text(POLICY)


def test_result_goes_to_the_output_and_notes_to_the_error_output() -> None:
    done = rulec("compile", "rules", "--policy", "policy.yaml")
    assert done.code == 0
    assert done.out.startswith("*filter\n")
    assert "--state NEW,ESTABLISHED,UNTRACKED -j ACCEPT\n" in done.out
    assert done.out.endswith("-j CT --notrack\nCOMMIT\n")
    assert done.err
    assert all(line.startswith("rules: ") for line in done.err.splitlines())


def test_standard_input() -> None:
    from_file = rulec("compile", "rules", "--policy", "policy.yaml")
    assert rulec("compile", "-", "--policy", "policy.yaml", stdin=RULES).out == from_file.out


@pytest.mark.parametrize("option", ["-o", "--output"])
def test_output(option: str) -> None:
    expected = rulec("compile", "rules", "--policy", "policy.yaml").out
    assert rulec("compile", "rules", "--policy", "policy.yaml", option, "new").out == ""
    assert Path("new").read_text() == expected
    assert Path("rules").read_text() == RULES


def test_diff_writes_nothing() -> None:
    done = rulec("compile", "rules", "--policy", "policy.yaml", "--diff", "-o", "new")
    assert done.code == 0
    assert done.out.startswith("--- rules\n+++ rules (new)\n@@ ")
    assert not Path("new").exists()


def test_a_kernel_that_lacks_something() -> None:
    assert rulec("compile", "rules", "--policy", "policy.yaml", "--kernel", "el5").out.endswith("-j NOTRACK\nCOMMIT\n")
    done = rulec("compile", "rules", "--policy", "policy.yaml", "--kernel", "el4")
    assert (done.code, done.out) == (2, "")
    assert "there is no kernel 'el4'; say one of 6.x, " in done.err


def test_bytes_that_are_no_text_come_through() -> None:
    rules = "# caf\udce9\n" + RULES
    assert rulec("compile", "-", "--policy", "policy.yaml", stdin=rules).out.startswith("# caf\udce9\n*filter\n")


def test_refusal_writes_nothing() -> None:
    Path("rules").write_text(f"{NAT}{RULES}")
    Path("old").write_text("old")
    done = rulec("compile", "rules", "--policy", "policy.yaml", "-o", "old")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("rules:2:1: error[refused]: web: REDIRECT rewrites this flow")
    assert Path("old").read_text() == "old"


def test_mistakes_of_policy_and_ruleset_are_told_at_once() -> None:
    Path("rules").write_text("*filter\nx\nCOMMIT\n")
    Path("policy.yaml").write_text(BAD_POLICY)
    done = rulec("compile", "rules", "--policy", "policy.yaml", "-o", "new")
    assert (done.code, done.out) == (2, "")
    places = [line.split(": ")[0] for line in done.err.splitlines() if ": error[" in line]
    assert places == ["policy.yaml:2:7", "policy.yaml:4:53", "rules:2:1"]
    assert not Path("new").exists()


def test_warnings_of_the_ruleset_do_not_stand_in_the_way() -> None:
    Path("rules").write_text(
        "# rulec: opaque[geoip]\n" + RULES.replace("-A INPUT -j DROP", "-A FORWARD -m geoip -j DROP")
    )
    assert rulec("compile", "rules", "--policy", "policy.yaml").code == 0


def test_policy_is_required() -> None:
    done = rulec("compile", "rules")
    assert done.code == 2
    assert "name rulesets and --policy, or none of it" in done.err


@pytest.mark.parametrize(("name", "reason"), [("policy", "this is no folder"), ("policy/new", "Not a directory")])
def test_a_folder_that_cannot_be_made_is_named(name: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "rules.v4").write_text(RULES)
    (tmp_path / "policy").write_text(POLICY)
    done = rulec("compile", tmp_path / "rules.v4", "--policy", tmp_path / "policy", "--output-dir", tmp_path / name)
    assert (done.code, done.out, done.err) == (2, "", f"rulec: error: {tmp_path / name}: {reason}\n")


def test_where_one_file_cannot_be_written_none_is() -> None:
    Path("rules.v4").write_text(RULES)
    Path("rules.v6").write_text(RULES)
    Path("new/rules.v6").mkdir(parents=True)
    written = ["--output-dir", "new", "--certificate", "proof.txt"]
    done = rulec("compile", "rules.v4", "rules.v6", "--policy", "policy.yaml", *written)
    assert done.code == 2
    assert done.err.endswith("rulec: error: new/rules.v6: Is a directory\n")
    assert [path.name for path in Path("new").iterdir()] == ["rules.v6"]
    assert not Path("proof.txt").exists()
    Path("new/rules.v6").rmdir()
    assert rulec("compile", "rules.v4", "rules.v6", "--policy", "policy.yaml", *written).code == 0
    assert sorted(path.name for path in Path("new").iterdir()) == ["rules.v4", "rules.v6"]
    assert Path("proof.txt").read_text()


def test_a_certificate_beside_a_plan() -> None:
    done = rulec("compile", "rules", "--policy", "policy.yaml", "--certificate", "-", "--plan", "-o", "new")
    assert "proved" in done.out
    assert "iptables-restore" in done.out
    assert Path("new").exists()


def test_nothing_is_printed_of_results_that_could_not_be_written() -> None:
    Path("new").mkdir()
    done = rulec("compile", "rules", "--policy", "policy.yaml", "--output-format", "json", "-o", "new")
    assert (done.code, done.out) == (2, "")
