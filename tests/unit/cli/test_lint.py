"""rulec lint: which checks run, when it fails, and its three forms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rulec import __version__
from rulec.lint.check import GROUPS
from rulec.lint.checks import CHECKS
from tests.running import rulec

RULES = """\
# rulec: opaque[geoip]
*nat
-A POSTROUTING -j MASQUERADE
COMMIT
*filter
-A INPUT -m state --state ESTABLISHED -j ACCEPT
-A INPUT -m geoip --src-cc XX -j DROP
-A INPUT -m tcp --dport 22 -j ACCEPT
-A INPUT -s ntp.example.net -j ACCEPT
-A INPUT --dport 22 -j ACCEPT
COMMIT
*mangle
-A PREROUTING -j CONNMARK --restore-mark
-h
COMMIT
"""
WARNING = "# rulec: opaque[geoip]\n*filter\n-A INPUT -m geoip -j DROP\nCOMMIT\n"
NOTE = "*filter\n-A INPUT -m state --state NEW -j ACCEPT\nCOMMIT\n"
NOTHING = "*filter\nCOMMIT\n"


def slugs(*options: str, stdin: str = RULES) -> list[str]:
    """The slugs of the findings, in their order."""
    document = json.loads(rulec("lint", "--output-format", "json", *options, "-", stdin=stdin).out)
    return [finding["slug"] for finding in document["diagnostics"]]


ALL = ["conntrack-loaded", "tracking-nat", "tracking-match", "unknown-extension", "load-error", "host-name",
       "syntax-error", "reading-ends"]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ("", ALL),
        ("--select load-error", ["load-error"]),
        ("--select load", ["load-error", "host-name"]),
        ("--select syntax,load", ["unknown-extension", "load-error", "host-name", "syntax-error", "reading-ends"]),
        ("--select load-error --select syntax-error", ["load-error", "syntax-error"]),
        ("--select load,", ["load-error", "host-name"]),
        ("--ignore syntax --ignore load", ["conntrack-loaded", "tracking-nat", "tracking-match"]),
        ("--select load --ignore host-name", ["load-error"]),
        ("--select load --ignore load", []),
        ("--ignore syntax,load,conntrack", []),
    ],
)
def test_select_and_ignore(options: str, found: list[str]) -> None:
    assert slugs(*options.split()) == found


@pytest.mark.parametrize("option", ["--select", "--ignore"])
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sintax-error", "there is no check or group 'sintax-error'; did you mean syntax-error?"),
        ("Conntrack", "there is no check or group 'Conntrack'; did you mean conntrack?"),
        ("load,tracking-natt", "there is no check or group 'tracking-natt'; did you mean tracking-nat?"),
        ("e501", "there is no check or group 'e501'"),
    ],
)
def test_unknown_names(option: str, name: str, message: str) -> None:
    assert rulec("lint", option, name, "-", stdin=RULES) == (2, "", f"rulec: error: {message}\n")


def test_a_pattern_without_checks() -> None:
    message = "--per-file-ignores lab/*: say a pattern and a check or group, such as lab/**:exposure"
    assert rulec("lint", "--per-file-ignores", "lab/*", "-", stdin=RULES) == (2, "", f"rulec: error: {message}\n")


@pytest.mark.parametrize("name", [*GROUPS, *(check.slug for check in CHECKS)])
def test_every_name_can_be_selected(name: str) -> None:
    assert rulec("lint", "--select", name, "-", stdin=NOTHING).code == 0


@pytest.mark.parametrize(
    ("rules", "codes"),
    [
        (RULES, {"error": 1, "warning": 1, "note": 1, "never": 0}),
        (WARNING, {"error": 0, "warning": 1, "note": 1, "never": 0}),
        (NOTE, {"error": 0, "warning": 0, "note": 1, "never": 0}),
        (NOTHING, {"error": 0, "warning": 0, "note": 0, "never": 0}),
    ],
)
def test_fail_on(rules: str, codes: dict[str, int]) -> None:
    for severity, code in codes.items():
        for form in ("full", "concise", "json"):  # the exit code does not depend on the form
            done = rulec("lint", "--fail-on", severity, "--output-format", form, "-", stdin=rules)
            assert done.code == code, (severity, form)
    assert rulec("lint", "-", stdin=rules).code == codes["warning"]


# ── the memory that is allowed ───────────────────────────────────────────────────────────────────

UNDECIDED = "rulec: {name}: undecided: the packets that the rules tell apart do not fit into 0 MB, in any order of the"


def test_undecided_says_what_was_not_checked() -> None:
    """The other checks speak all the same."""
    done = rulec("lint", "--memory", "0", "--output-format", "concise", "-", stdin=NOTE)
    assert done.code == 3
    assert done.out == "<stdin>:2:13: note[tracking-match]: -m state has every IPv4 packet tracked\n"
    assert done.err.startswith(UNDECIDED.format(name="<stdin>"))
    unchecked = [check.slug for check in CHECKS if check.slug in done.err]
    assert set(unchecked) >= {"unreachable-rule", "redundant-rule", "open-to-world"}
    assert set(unchecked).isdisjoint({"tracking-match", "duplicate-rule", "dead-after-terminal", "unused-chain"})


@pytest.mark.parametrize(
    ("options", "rules", "code"),
    [
        ("", NOTE, 3),
        ("--fail-on note", NOTE, 1),  # a finding is worse
        ("", WARNING, 1),
        ("", NOTHING, 0),  # there is nothing to ask
        ("--select conntrack", NOTE, 0),  # nobody asks
        ("--select duplicate-rule", NOTE, 0),
    ],
)
def test_exit_code_where_something_is_undecided(options: str, rules: str, code: int) -> None:
    assert rulec("lint", "--memory", "0", *options.split(), "-", stdin=rules).code == code


def test_of_several_files_each_is_undecided_by_itself(tmp_path: Path) -> None:
    for name in ("one", "two"):
        tmp_path.joinpath(name).write_text(NOTE)
    done = rulec("lint", "--memory", "0", tmp_path / "one", tmp_path / "two", tmp_path / "absent")
    assert [line.split(": ")[1] for line in done.err.splitlines()] == [
        "error",
        str(tmp_path / "one"),
        str(tmp_path / "two"),
    ]
    assert done.code == 2


def test_open_ports() -> None:
    rules = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 8080 -j ACCEPT\nCOMMIT\n"
    assert slugs("--select", "open-to-world", stdin=rules) == []
    assert slugs("--select", "open-to-world", "--open-ports", "8080", stdin=rules) == ["open-to-world"]
    done = rulec("lint", "--open-ports", "http", "-", stdin=rules)
    assert done == (2, "", "rulec: error: 'http' is no port; say it as in 22,53/udp\n")


# ── forms ────────────────────────────────────────────────────────────────────────────────────────


def test_concise_is_one_line_a_finding() -> None:
    lines = rulec("lint", "--output-format", "concise", "-", stdin=RULES).out.splitlines()
    assert [line.split("[")[1].split("]: ")[0] for line in lines] == ALL
    assert lines[4] == "<stdin>:8:1: error[load-error]: the match tcp needs -p tcp in the same rule"


def test_full_begins_with_the_same_line() -> None:
    concise = rulec("lint", "--output-format", "concise", "-", stdin=RULES).out.splitlines()
    full = rulec("lint", "--output-format", "full", "-", stdin=RULES).out.splitlines()
    assert [line for line in full if line.startswith("<stdin>:") and "[" in line] == concise


def document(*arguments: str | Path, stdin: str = "") -> Any:
    return json.loads(rulec("lint", "--output-format", "json", *arguments, stdin=stdin).out)


KEYS = {
    "file": str, "line": int, "column": int, "end_line": int, "end_column": int, "slug": str, "severity": str,
    "confidence": str, "message": str, "help": str | None, "witness": str | None, "related": list, "fix": dict | None,
    "fingerprint": str,
}  # fmt: skip
"""What stands in every finding of schema 1: a key may be added, none may go or change its kind."""


def test_json_document() -> None:
    found = document("-", stdin=RULES)
    assert found.keys() == {
        "schema_version", "tool", "diagnostics", "suppressed", "undecided", "problems", "summary"
    }  # fmt: skip
    assert found["schema_version"] == 1
    assert found["tool"] == {"name": "rulec", "version": __version__}
    for finding in found["diagnostics"]:
        assert {key: isinstance(finding[key], kind) for key, kind in KEYS.items()} == dict.fromkeys(KEYS, True)


def test_json_summary() -> None:
    assert document("-", stdin=RULES)["summary"] == {
        "error": 3,
        "warning": 2,
        "note": 3,
        "files": [
            {
                "file": "<stdin>",
                "kind": "ruleset",
                "family": "ipv4",
                "tracked": None,
                "tracked_by": [],
                "tracked_by_files": [],
            }
        ],
    }


@pytest.mark.parametrize(
    ("options", "rules", "tracked", "lines"),
    [
        ("", NOTE, True, [2]),
        ("", NOTHING, False, []),
        ("", RULES, None, []),  # in error, so nobody knows
        ("--select load", NOTE, None, []),  # nobody asked
        ("--select tracking-nat", NOTE, True, [2]),
    ],
)
def test_json_says_what_is_tracked(options: str, rules: str, tracked: bool | None, lines: list[int]) -> None:
    (file,) = document(*options.split(), "-", stdin=rules)["summary"]["files"]
    assert (file["tracked"], file["tracked_by"]) == (tracked, lines)


def test_json_is_ascii(tmp_path: Path) -> None:
    """A log, a pipe or a browser may take it for any encoding."""
    path = tmp_path / "r\udcfcles é"
    path.write_text("*filter\n-A INPUT -j \N{SNOWMAN}\nCOMMIT\n")
    done = rulec("lint", "--output-format", "json", path)
    assert done.out.isascii()
    assert json.loads(done.out)["diagnostics"][0]["file"] == str(path)


def test_json_place_is_the_word() -> None:
    (finding,) = document("-", stdin="*filter\n-A INPUT -p tcp --dport 99999 -j ACCEPT\nCOMMIT\n")["diagnostics"]
    place = [finding[key] for key in ("line", "column", "end_line", "end_column")]
    assert place == [2, 25, 2, 30]


def test_json_holds_what_was_read(tmp_path: Path) -> None:
    """Of several files one is absent: the others are told, the absent one on the error output."""
    path = tmp_path / "rules"
    path.write_text(NOTE)
    done = rulec("lint", "--output-format", "json", path, tmp_path / "absent")
    assert [file["file"] for file in json.loads(done.out)["summary"]["files"]] == [str(path)]
    assert done.err.endswith("absent: No such file or directory\n")
    assert done.code == 2


def test_invalid_ruleset_is_not_passed_over_in_silence() -> None:
    """Whoever selects only the group conntrack learns all the same that the ruleset is in error."""
    done = rulec("lint", "--select", "tracking-nat", "-", stdin="*filter\nx\nCOMMIT\n")
    assert done.out == "<stdin>: in error, so it is not known what is tracked; lint it without --select and --ignore\n"


# ── configuration files beside rulesets ──────────────────────────────────────────────────────────


@pytest.fixture(name="etc")
def etc_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host with one file of each kind."""
    files = {
        "sysconfig/iptables": "*filter\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n",
        "sysconfig/iptables-config": 'IPTABLES_MODULES="ip_conntrack_netbios_ns"\n',
        "modprobe.d/x.conf": "blacklist nf_conntrack\n",
        "modules-load.d/x.conf": "nf_conntrack\n",
        "sysctl.d/x.conf": "net.ipv4.ip_forward = 1\n",
    }
    for name, text in files.items():
        tmp_path.joinpath(name).parent.mkdir(exist_ok=True)
        tmp_path.joinpath(name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("etc")
def test_configuration_files_are_read_beside_rulesets() -> None:
    paths = ("modprobe.d/x.conf", "sysconfig/iptables", "sysctl.d/x.conf", "modules-load.d/x.conf")
    done = rulec("lint", *paths, "--select", "conntrack,host")
    assert [line for line in done.out.splitlines() if line and line[0] not in " 1|"] == [
        "modprobe.d/x.conf:1:11: warning[blacklist-ignored]: nf_conntrack is loaded all the same: other modules depend"
        " on it, and modprobe does not look at blacklists for them",
        "modules-load.d/x.conf:1:1: note[idle-module]: no rule here needs nf_conntrack",
        "modprobe.d/x.conf: 1 warning (modprobe.d)",
        "sysconfig/iptables: nothing here has IPv4 tracked (another ruleset of the host still can)",
        "sysctl.d/x.conf: nothing to say (sysctl.d)",
        "modules-load.d/x.conf: 1 note (modules-load.d)",
        "4 files: 1 warning, 1 note in 2 of them (fixable: 2 more with --unsafe-fixes)",
    ]
    assert (done.code, done.err) == (1, "")


@pytest.mark.usefixtures("etc")
@pytest.mark.parametrize(("kernel", "tracked", "code"), [("el5", True, 1), ("6.x", False, 0)])
def test_kernel(kernel: str, tracked: bool, code: int) -> None:
    """The init script of RHEL 5 loads a helper, and the helper has all packets tracked."""
    paths = ("sysconfig/iptables", "sysconfig/iptables-config", "--select", "conntrack,host")
    assert rulec("lint", *paths, "--kernel", kernel).code == code
    files = document(*paths, "--kernel", kernel)["summary"]["files"]
    assert [(file["kind"], file["tracked"]) for file in files] == [("ruleset", tracked), ("iptables-config", None)]
    assert files[0]["tracked_by_files"] == [{"file": "sysconfig/iptables-config", "line": 1}] * tracked


@pytest.mark.usefixtures("etc")
def test_a_file_that_cannot_be_read_hides_no_other() -> None:
    done = rulec("lint", "absent", "modprobe.d/x.conf", "--output-format", "concise")
    assert done.code == 2
    assert done.out.startswith("modprobe.d/x.conf:1:11: warning[blacklist-ignored]")
    assert done.err == "rulec: error: absent: No such file or directory\n"


def test_unknown_kernel() -> None:
    kernels = "6.x, 5.x, 4.14, el5, el6, el7, el8, el9, or a release such as 5.10.0"
    done = rulec("lint", "--kernel", "2.4", "-", stdin=NOTHING)
    assert done == (2, "", f"rulec: error: there is no kernel '2.4'; say one of {kernels}\n")
    printed = " ".join(rulec("lint", "--help").out.split())
    assert "6.x (default), 5.x, both measured; 4.14, el5, el6, el7, el8, el9, all inferred" in printed


def test_configuration_on_standard_input_is_known_by_what_it_says() -> None:
    assert slugs(stdin="blacklist nf_conntrack\n") == ["blacklist-ignored"]
