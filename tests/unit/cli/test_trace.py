"""rulec trace: where packets come from, what cannot be read, the exit codes and the JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rulec import __version__
from tests.running import rulec

RULES = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 80 -j ACCEPT\nCOMMIT\n"
WEB = "tcp 198.51.100.7:40000 > 192.0.2.1:80 syn in eth0 state NEW"
SSH = WEB.replace(":80", ":22")
SMALL = ("--memory", "64")


def test_one_packet() -> None:
    done = rulec("trace", "-", "--packet", WEB, *SMALL, stdin=RULES)
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("\nACCEPT: the rule on line 3 (filter INPUT)\n")


def test_packets_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "packets"
    path.write_text(f"# who may come in\n\n  {WEB}\n{SSH}")
    done = rulec("trace", "-", "--from", path, *SMALL, stdin=RULES)
    verdicts = [line.split(":")[0] for line in done.out.splitlines() if line.startswith(("ACCEPT", "DROP"))]
    assert (done.code, verdicts) == (0, ["ACCEPT", "DROP"])


def test_packets_of_standard_input(tmp_path: Path) -> None:
    path = tmp_path / "rules"
    path.write_text(RULES)
    assert "DROP: the policy on line 2 (filter INPUT)" in rulec("trace", path, "--from", "-", *SMALL, stdin=SSH).out
    assert rulec("trace", "-", "--from", "-").code == 2


@pytest.mark.parametrize(
    ("packet", "place", "message"),
    [
        ("tpc 192.0.2.1 > 192.0.2.2", "1:1", "'tpc' is no protocol; did you mean tcp?"),
        ("tcp 192.0.2.1:8o > 192.0.2.2", "1:5", "'8o' is no number from 0 to 65535"),
        ("tcp 192.0.2.1 >", "1:15", "the text ends where the address that it goes to, or * should stand"),
        ("tcp [2001:db8::1] > [2001:db8::2]", "1:1", "this packet is IPv6, and the ruleset IPv4"),
        ("", "1:1", "the text ends where a protocol, such as tcp, or any should stand"),
    ],
)
def test_text_that_is_no_packet(packet: str, place: str, message: str) -> None:
    done = rulec("trace", "-", "--packet", packet, stdin=RULES)
    assert (done.code, done.out) == (2, "")
    head, *_, carets = done.err.rstrip("\n").splitlines()
    assert head == f"--packet:{place}: error[packet-error]: {message}"
    assert carets.index("^") == int(place.partition(":")[2]) + 3


def test_every_bad_line_has_its_place(tmp_path: Path) -> None:
    path = tmp_path / "packets"
    path.write_text(f"{WEB}\n  {WEB} sta NEW\n#\nx\n")
    done = rulec("trace", "-", "--from", path, stdin=RULES)
    found = [
        line.removeprefix(f"{path}:").split(" ")[0] for line in done.err.splitlines() if line.startswith(str(path))
    ]
    assert (done.code, found) == (2, [f"2:{len(WEB) + 4}:", "4:1:"])


def test_any_addresses_are_of_either_family() -> None:
    six = RULES.replace("-p tcp", "-s 2001:db8::/32 -p tcp")
    assert rulec("trace", "-", "--packet", "tcp * > *:22 in eth0", *SMALL, stdin=six).code == 0


def test_ruleset_in_error() -> None:
    done = rulec("trace", "-", "--packet", WEB, stdin=RULES.replace("80", "80x"))
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("<stdin>:3:25: error[syntax-error]")


def test_no_such_packet_and_undecided() -> None:
    done = rulec("trace", "-", "--packet", f"{WEB} reply", *SMALL, stdin=RULES)
    assert done == (2, "", f"rulec: error: no packet is like that: {WEB} reply\n")
    assert rulec("trace", "-", "--packet", WEB, "--memory", "0", stdin=RULES).code == 3


def test_why() -> None:
    done = rulec("trace", "-", "--packet", SSH, "--why", *SMALL, stdin=RULES)
    assert done.out.splitlines()[-3:] == [
        "DROP: the policy on line 2 (filter INPUT)",
        "  ACCEPT would take: an ACCEPT at the end of filter INPUT",
        "  or line 3 to match, -p tcp -m tcp --dport 80 -j ACCEPT   [--dport 80: dport 22]",
    ]


def test_json() -> None:
    done = rulec("trace", "-", "--packet", WEB, "--output-format", "json", "--why", *SMALL, stdin=RULES)
    found = json.loads(done.out)
    assert found.keys() == {"schema_version", "tool", "file", "family", "traces"}
    assert (found["schema_version"], found["tool"]) == (1, {"name": "rulec", "version": __version__})
    (trace,) = found["traces"]
    assert trace.keys() == {"packet", "path", "assumed", "events", "verdict", "outcomes", "why"}
    assert (trace["packet"], trace["path"], trace["verdict"]) == (WEB, "input", "ACCEPT")
    assert [event["kind"] for event in trace["events"]] == ["hook", "note", "hook", "table", "rule"]
    assert trace["events"][-1] == {
        "kind": "rule", "table": "filter", "chain": "INPUT", "line": 3, "text": "-p tcp -m tcp --dport 80 -j ACCEPT",
        "depth": 0, "answer": "yes", "reasons": [], "assumption": "", "changes": [], "then": ["ACCEPT"],
    }  # fmt: skip
