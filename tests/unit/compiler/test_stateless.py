"""What is said of a ruleset that loses its tracking, besides the text."""

from __future__ import annotations

import pytest

import rulec
from rulec.compiler.compile import Compiled, compile_ruleset
from rulec.compiler.stateless_text import WHOLE
from rulec.policy import Policy, read

KNOWN = "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
SSH = "-A INPUT -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -j ACCEPT"


def policy(*keys: str, entries: str = "") -> Policy:
    head = "\n".join(["version: 1", "mode: stateless", *keys, "hot:"])
    found, problems = read(
        f"{head}\n  - {{name: ssh, role: server, protocol: tcp, ports: 22}}\n{entries}", "policy.yaml"
    )
    assert found is not None, problems
    return found


def compiled(*rules: str, wanted: Policy, output: str = "DROP", tail: str = "", family: str = "ipv4") -> Compiled:
    lines = [":INPUT DROP [0:0]", ":FORWARD DROP [0:0]", f":OUTPUT {output} [0:0]", *rules]
    text = "\n".join(["*filter", *lines, "COMMIT", tail])
    ruleset = rulec.parse(text, "rules", family)
    assert ruleset.valid, ruleset.findings
    return compile_ruleset(ruleset, wanted)


def test_losses_are_told_flow_by_flow() -> None:
    found = compiled(KNOWN, SSH, wanted=policy("losses: accept"), output="ACCEPT")
    lost = [note for note in found.notes if note.startswith("lost: ")]
    assert lost
    assert all("no entry of the policy is about it" in note for note in lost)
    assert found.certificate is not None
    assert len(found.certificate.losses) == len(lost)


def test_what_is_exposed_is_told() -> None:
    found = compiled(KNOWN, SSH, KNOWN.replace("INPUT", "OUTPUT"), wanted=policy())
    assert any("packets of no connection pass" in note for note in found.notes)
    assert found.certificate is not None
    assert found.certificate.is_proved
    assert found.certificate.tracking == ()


def test_needless_notrack_rules_are_told() -> None:
    raw = "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p udp -m udp --dport 9 -j CT --notrack\nCOMMIT\n"
    found = compiled(KNOWN, SSH, KNOWN.replace("INPUT", "OUTPUT"), wanted=policy(), tail=raw)
    assert "-A PREROUTING -p udp -m udp --dport 9 -j CT --notrack" in found.text
    assert any("leaves untracked what is not tracked anyway" in note for note in found.notes)


def test_an_empty_nat_table_is_told_of() -> None:
    found = compiled(KNOWN, SSH, wanted=policy("losses: accept"), tail="*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n")
    (told,) = (note for note in found.notes if "the table nat" in note)
    assert "RHEL 7" in told


@pytest.mark.parametrize(
    ("rule", "family", "is_whole"),
    [
        (SSH, "ipv4", False),
        (SSH, "ipv6", True),
        ("-A FORWARD -d 10.0.0.2 -p tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT", "ipv4", True),
    ],
)
def test_fragments_are_put_together_where_rules_need_it(rule: str, family: str, is_whole: bool) -> None:
    """IPv4 fragments for this host come to no rule behind PREROUTING."""
    known = [KNOWN, KNOWN.replace("INPUT", "FORWARD")]
    found = compiled(*known, rule, wanted=policy("losses: accept"), family=family)
    assert (WHOLE in found.text.splitlines()) == is_whole


def test_one_rule_that_asks_for_sockets_is_enough() -> None:
    mangle = "*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -m socket -j ACCEPT\nCOMMIT\n"
    found = compiled(KNOWN, SSH, wanted=policy("losses: accept"), family="ipv6", tail=mangle)
    assert WHOLE not in found.text


def test_nothing_else_is_changed() -> None:
    """Comments, counters and the order of all other lines stay as they are."""
    others = ["# a comment", "[5:6] -A INPUT -i eth9 -j DROP", "-A INPUT  -p icmp   -j ACCEPT"]
    found = compiled(*others, KNOWN, SSH, wanted=policy("losses: accept"))
    lines = found.text.splitlines()
    assert lines[4:7] == others
