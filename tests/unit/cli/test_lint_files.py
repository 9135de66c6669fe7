"""rulec lint: standard input, folders, hosts, settings by file, and the exit codes."""

from __future__ import annotations

import gc
import json
from pathlib import Path

import pytest

from tests.running import Done, rulec

SSH = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n"
BAD = "*filter\n-A INPUT -j NOWHERE\nCOMMIT\n"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RULEC_CONFIG", raising=False)
    (tmp_path / ".git").mkdir()


def put(name: str, text: str) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text)


def concise(*arguments: str, stdin: str = "") -> list[str]:
    return rulec("lint", "--output-format", "concise", *arguments, stdin=stdin).out.splitlines()


def test_standard_input_has_a_name_and_its_settings() -> None:
    put("hosts/rulec.toml", "[lint.severity]\nopen-to-world = 'error'\n")
    (line,) = concise("--stdin-filename", "hosts/rules.v4", "-", stdin=SSH)
    assert line == "hosts/rules.v4:3:1: error[open-to-world]: tcp/22: open to everybody"
    assert concise("-", stdin=SSH)[0].startswith("<stdin>:3:1: note[")
    assert rulec("lint", "--stdin-filename", "rules.v6", "-", stdin="*filter\n-A INPUT -s ::1\nCOMMIT\n").code == 0


def test_one_file_may_be_shown_under_another_name() -> None:
    put("tmp.x1", BAD)
    put("other", BAD)
    assert concise("--display-path", "etc/rules.v4", "tmp.x1")[0].startswith("etc/rules.v4:2:13: error[syntax-error]")
    done = rulec("lint", "--display-path", "etc/rules.v4", "tmp.x1", "other")
    assert done == (2, "", "rulec: error: --stdin-filename is for standard input, or for one file\n")


def test_a_folder_and_its_settings() -> None:
    put("a/rules.v4", SSH)
    put("a/lab/rules.v4", SSH)
    put("a/lab/rulec.toml", "[lint]\nignore = ['exposure']\n")
    put("a/notes.txt", "hello\n")
    assert [line.partition(":")[0] for line in concise("a")] == ["a/rules.v4"]


def test_files_of_one_host_belong_together() -> None:
    """A module that has packets tracked counts for both rulesets of its host, and for no other."""
    put("a/etc/iptables/rules.v4", "*filter\nCOMMIT\n")
    put("a/etc/iptables/rules.v6", "*filter\nCOMMIT\n")
    put("a/etc/modules-load.d/x.conf", "nf_conntrack\n")
    put("b/etc/iptables/rules.v4", "*filter\nCOMMIT\n")
    done = rulec("lint", "--kernel", "4.14", "--output-format", "json", ".")
    put("a/etc/modules-load.d/x.conf", "nf_conntrack_ipv4\nnf_conntrack_ipv6\n")
    done = rulec("lint", "--kernel", "el7", "--output-format", "json", ".")
    files = {file["file"]: file["tracked"] for file in json.loads(done.out)["summary"]["files"]}
    assert files["a/etc/iptables/rules.v4"] is files["a/etc/iptables/rules.v6"] is True
    assert files["b/etc/iptables/rules.v4"] is False


def test_settings_differ_by_file() -> None:
    put("rulec.toml", "[lint.per-file-ignores]\n'lab/**' = ['exposure']\n[lint.severity]\nexposure = 'error'\n")
    put("rules.v4", SSH)
    put("lab/rules.v4", SSH)
    assert concise("rules.v4", "lab/rules.v4") == ["rules.v4:3:1: error[open-to-world]: tcp/22: open to everybody"]
    assert concise("--per-file-ignores", "rules.v4:open-to-world", "rules.v4") == []
    assert concise("--isolated", "lab/rules.v4")[0].startswith("lab/rules.v4:3:1: note[open-to-world]")


def test_what_is_said_of_a_check_counts_more_than_of_its_group() -> None:
    put("rulec.toml", "[lint.severity]\nopen-to-world = 'error'\nexposure = 'warning'\n")
    put("rules.v4", SSH)
    assert "error[open-to-world]" in concise("rules.v4")[0]


@pytest.mark.parametrize(
    ("config", "arguments", "slugs"),
    [
        ("select = ['syntax']", "", []),
        ("select = ['syntax']", "--select exposure", ["open-to-world"]),
        ("select = ['syntax']", "--extend-select open-to-world", ["open-to-world"]),
        ("extend-select = ['exposure']\nselect = ['syntax']", "", ["open-to-world"]),
        ("ignore = ['exposure']", "", []),
        ("ignore = ['exposure']", "--select exposure", ["open-to-world"]),
        ("ignore = ['exposure']", "--ignore syntax", []),
        ("select = []", "", []),
    ],
)
def test_the_last_one_who_selects(config: str, arguments: str, slugs: list[str]) -> None:
    put("rulec.toml", f"[lint]\n{config}\n")
    put("rules.v4", SSH)
    found = json.loads(rulec("lint", "--output-format", "json", *arguments.split(), "rules.v4").out)
    assert [finding["slug"] for finding in found["diagnostics"]] == slugs


@pytest.mark.parametrize(
    ("options", "slugs"),
    [("ports = [80]", 0), ("ports = 22", 1), ("allowed-ports = [22]", 0), ("allowed-ports = ['22/udp']", 1)],
)
def test_options_of_a_check(options: str, slugs: int) -> None:
    put("rulec.toml", f"[lint.checks.open-to-world]\n{options}\n")
    put("rules.v4", SSH)
    assert len(concise("rules.v4")) == slugs


@pytest.mark.parametrize(
    ("options", "code"),
    [("--fail-on note", 1), ("", 0), ("--fail-on note --exit-zero", 0), ("--config lint.fail-on=note", 1)],
)
@pytest.mark.parametrize("form", ["full", "json", "sarif"])
def test_exit_codes_depend_on_no_form(options: str, code: int, form: str) -> None:
    put("rules.v4", SSH)
    assert rulec("lint", "--output-format", form, *options.split(), "rules.v4").code == code


@pytest.mark.parametrize(("option", "code"), [("", 3), ("report", 3), ("pass", 0), ("fail", 1)])
def test_undecided(option: str, code: int) -> None:
    lines = [f"-A INPUT -s 10.{n % 250}.{n * 7 % 250}.{n % 13} -p tcp --dport {n + 1} -j DROP" for n in range(3000)]
    put("rules.v4", "*filter\n" + "\n".join(lines) + "\nCOMMIT\n")
    arguments = ["--undecided", option] if option else []
    assert rulec("lint", "--memory", "1", "--fail-on", "never", *arguments, "rules.v4").code == code


def test_fail_on_is_that_of_the_file() -> None:
    put("strict/rulec.toml", "lint.fail-on = 'note'\n")
    put("strict/rules.v4", SSH)
    put("rules.v4", SSH)
    assert [rulec("lint", name).code for name in ("rules.v4", "strict/rules.v4")] == [0, 1]
    assert rulec("lint", "--fail-on", "error", "strict/rules.v4").code == 0


def test_nothing_is_there() -> None:
    Path("empty").mkdir()
    said = "rulec: error: empty: no ruleset and no configuration file is there\n"
    assert rulec("lint", "empty") == Done(2, "", said)


def test_quiet_and_silent_and_verbose() -> None:
    put("rules.v4", SSH)
    assert rulec("lint", "-q", "rules.v4").out.endswith("state NEW\n\n")
    assert rulec("lint", "-s", "--fail-on", "note", "rules.v4") == Done(1, "", "")
    assert rulec("lint", "-v", "rules.v4").err == "rulec: rules.v4: settings of no file\n"
    put("rulec.toml", "")
    assert rulec("lint", "-v", "rules.v4").err == "rulec: rules.v4: settings of rulec.toml\n"
    assert json.loads(rulec("lint", "-s", "--output", "json=out.json", "rules.v4").out or Path("out.json").read_text())


def test_a_tracking_report_takes_the_kernel_of_the_settings() -> None:
    put("rulec.toml", "target.kernel = 'el7'\n")
    put("rules.v4", "*filter\n-A INPUT -m state --state NEW\nCOMMIT\n")
    assert "on RHEL 7" in rulec("lint", "--tracking-report", "rules.v4").out


def test_what_was_kept_of_many_files_is_not_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program runs without the collector: it is asked now and then, each time for what is new only."""
    calls: list[str] = []
    monkeypatch.setattr(gc, "isenabled", lambda: False)
    monkeypatch.setattr(gc, "collect", lambda: calls.append("collect"))
    monkeypatch.setattr(gc, "freeze", lambda: calls.append("freeze"))
    for number in range(17):
        put(f"{number}/rules.v4", SSH)
    assert rulec("lint", ".").code == 0
    assert calls == ["collect", "freeze"] * 2
