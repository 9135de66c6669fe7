"""Answers, where the hook that they leave or come in by is filtered."""

from __future__ import annotations

import pytest

from tests.unit.compiler.compiling import KNOWN, Refusal, compiled, policy, refusals, rules_of, server

FIRST = "-A INPUT -p tcp -m tcp --dport 80 -m state --state NEW -j ACCEPT"
OUT = "-A OUTPUT -m state --state RELATED,ESTABLISHED -j ACCEPT"
TCP = "-p tcp -m tcp --sport 80 ! --tcp-flags SYN,ACK SYN"
ANSWERS = f"-A OUTPUT {TCP} -m conntrack --ctstate UNTRACKED -j ACCEPT"


def both(*rules: str, verdict: str = "DROP") -> str:
    """A ruleset that filters OUTPUT as well."""
    head = f"*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT {verdict} [0:0]\n:CHAIN - [0:0]\n"
    return head + "\n".join([*rules, "COMMIT", ""])


@pytest.mark.parametrize(
    ("first", "asked"),
    [
        (FIRST, ANSWERS),
        (FIRST.replace("-p", "-s 192.0.2.0/24 -p", 1), ANSWERS.replace("-p", "-d 192.0.2.0/24 -p", 1)),
        (FIRST.replace("-p", "! -s 192.0.2.7 -p", 1), ANSWERS.replace("-p", "! -d 192.0.2.7/32 -p", 1)),
        (FIRST.replace("-p", "-i eth0 -p", 1), ANSWERS.replace("-p", "-o eth0 -p", 1)),
        (FIRST.replace("-m tcp", "-m tcp --sport 1024:65535"), ANSWERS.replace("80 !", "80 --dport 1024:65535 !")),
        (
            FIRST.replace("-m state", "-m iprange --src-range 192.0.2.1-192.0.2.9 -m state"),
            ANSWERS.replace("-m conn", "-m iprange --dst-range 192.0.2.1-192.0.2.9 -m conn"),
        ),
    ],
)
def test_whom_answers_go_to(first: str, asked: str) -> None:
    """What requests are asked for is asked of answers the other way round."""
    assert rules_of(compiled(both(KNOWN, first, OUT)).text, "OUTPUT")[:2] == [asked, OUT]


def test_one_rule_for_each_by_which_flows_begin() -> None:
    some, others = (FIRST.replace("-p", f"-s {source} -p", 1) for source in ("192.0.2.1", "198.51.100.0/24"))
    found = rules_of(compiled(both(KNOWN, some, others, OUT)).text, "OUTPUT")
    assert found[:2] == [ANSWERS.replace("-p", f"-d {name} -p", 1) for name in ("192.0.2.1/32", "198.51.100.0/24")]
    assert rules_of(compiled(both(KNOWN, some, FIRST, OUT)).text, "OUTPUT")[:2] == [ANSWERS, OUT]


def test_jumps_count() -> None:
    text = compiled(both(KNOWN, "-A INPUT -s 192.0.2.0/24 -j CHAIN", FIRST.replace("INPUT", "CHAIN"), OUT)).text
    assert rules_of(text, "OUTPUT")[0] == ANSWERS.replace("-p", "-d 192.0.2.0/24 -p", 1)


@pytest.mark.parametrize(
    "rule",
    [
        "-A OUTPUT -m state ! --state RELATED,ESTABLISHED -j DROP",
        "-A OUTPUT -p tcp -m tcp --sport 80 -m state --state ESTABLISHED -j ACCEPT",
    ],
)
def test_in_front_of_what(rule: str) -> None:
    """The first rule that would drop an answer, or that accepted it."""
    assert rules_of(compiled(both(KNOWN, FIRST, rule, OUT)).text, "OUTPUT")[:2] == [ANSWERS, rule]


@pytest.mark.parametrize("verdict", ["ACCEPT", "DROP"])
def test_what_is_open_stays_as_it_is(verdict: str) -> None:
    rule = "-A OUTPUT -p tcp -m tcp --sport 80 -j ACCEPT" if verdict == "DROP" else "-A OUTPUT -j ACCEPT"
    rules = rules_of(compiled(both(KNOWN, FIRST, rule, verdict=verdict)).text, "OUTPUT")
    assert [each for each in rules if "CT" not in each] == [rule]


def test_those_who_are_refused() -> None:
    """Answers to them are not accepted: they return from a chain that says what INPUT says."""
    bad = "-A INPUT -s 192.0.2.7/32 -j DROP"
    text = compiled(both(KNOWN, bad, FIRST, OUT)).text
    assert ":web-answers - [0:0]" in text
    assert rules_of(text, "web-answers") == [
        "-A web-answers -d 192.0.2.7/32 -j RETURN",
        "-A web-answers -p tcp -m tcp --sport 80 -j ACCEPT",
    ]
    assert rules_of(text, "OUTPUT")[0] == ANSWERS.replace("ACCEPT", "web-answers")


def test_the_name_of_the_chain_is_not_taken() -> None:
    bad = "-A INPUT -s 192.0.2.7/32 -j DROP"
    text = both(KNOWN, bad, FIRST, OUT).replace(":CHAIN", ":web-answers - [0:0]\n:CHAIN")
    assert rules_of(compiled(text).text, "web-answers2")


def test_two_protocols() -> None:
    """Only TCP tells answers by their flags."""
    wanted = policy(server(53, protocol="[tcp, udp]", name="dns"))
    first = FIRST.replace("80", "53")
    rules = (KNOWN, first, first.replace("tcp", "udp"), "-A OUTPUT -p udp -m udp --sport 53 -j ACCEPT", OUT)
    found = rules_of(compiled(both(*rules), wanted).text, "OUTPUT")
    assert found[:3] == [rules[3], ANSWERS.replace("80", "53"), OUT]


def test_resets_by_which_rules_answer() -> None:
    """They are INVALID, and go to whom nothing is accepted from."""
    invalid = "-A OUTPUT -m state --state INVALID -j DROP"
    rejecting = "-A INPUT -p tcp -j REJECT --reject-with tcp-reset"
    resets = "-A OUTPUT ! -o lo -p tcp -m tcp --sport 80 --tcp-flags RST RST -m conntrack --ctstate INVALID -j ACCEPT"
    found = rules_of(compiled(both(KNOWN, FIRST, rejecting, invalid, verdict="ACCEPT")).text, "OUTPUT")
    assert found[:2] == [resets, invalid]
    found = rules_of(compiled(both(KNOWN, FIRST, invalid, verdict="ACCEPT")).text, "OUTPUT")
    assert found[0] == invalid


def test_what_a_policy_of_another_table_drops_is_told_at_its_chain() -> None:
    mangle = f"*mangle\n:POSTROUTING DROP [0:0]\n{OUT.replace('OUTPUT', 'POSTROUTING')}\nCOMMIT\n"
    [found] = refusals(mangle + both(KNOWN, FIRST, verdict="ACCEPT"))
    assert found == Refusal(":POSTROUTING DROP [0:0]", "answers of tcp/80 would be lost")
