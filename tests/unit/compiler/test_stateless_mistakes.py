"""Results without tracking into which a mistake was put: the proof must find it."""

from __future__ import annotations

import pytest

import rulec
from rulec.compiler.certificate import Certificate
from rulec.compiler.compile import compile_ruleset
from rulec.compiler.prove import prove
from rulec.policy import Policy, read

OLD = """\
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT DROP [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -s 203.0.113.0/24 -j DROP
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -m recent --set --name ssh
-A INPUT -p tcp -m tcp --dport 22 --syn -m conntrack --ctstate NEW -j ACCEPT
-A INPUT -p udp -m udp --dport 123 -m conntrack --ctstate NEW -j ACCEPT
-A INPUT -p tcp -m tcp --dport 113 -j REJECT --reject-with tcp-reset
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -d 10.0.0.2/32 -p tcp -m tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT
-A OUTPUT -o lo -j ACCEPT
-A OUTPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A OUTPUT -p udp -m udp --dport 53 -m conntrack --ctstate NEW -j ACCEPT
COMMIT
"""
WANTED = """\
version: 1
mode: stateless
hot:
  - {name: dns, role: client, protocol: udp, ports: 53, client-ports: 32768-60999}
  - {name: web, role: forward, protocol: tcp, ports: 80, servers: 10.0.0.2}
"""
WHOLE = "-A PREROUTING -p 253 -m socket"
NO_SYN = " ! --tcp-flags SYN,ACK SYN"


def policy(text: str = WANTED) -> Policy:
    found, problems = read(text, "policy.yaml")
    assert found is not None, problems
    return found


def proved(new: str) -> Certificate:
    old, other = (rulec.parse(text, "rules", "ipv4") for text in (OLD, new))
    assert other.valid, other.findings
    return prove(old, other, policy())


@pytest.fixture(name="good", scope="module")
def compiled() -> str:
    return compile_ruleset(rulec.parse(OLD, "rules", "ipv4"), policy()).text


def line(text: str, *words: str) -> str:
    """The line that has these words."""
    (found,) = (each for each in text.splitlines() if all(word in each for word in words))
    return found


def test_the_result_is_proved(good: str) -> None:
    certificate = proved(good)
    assert certificate.is_proved
    assert certificate.tracking == ()
    assert "what is listed with client-ports is asked from these alone" in certificate.assumptions
    assert [each for each in certificate.exposures if "stray" not in each.message]


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("-A OUTPUT", "--sport 22"), "kept"),
        (("-A OUTPUT", "--sport 123"), "kept"),
        (("-A OUTPUT", "FIN,SYN,RST RST"), "kept"),
        (("-A INPUT", "--sport 53"), "kept"),
        (("-A INPUT", "--dport 22", "SYN,ACK SYN"), "kept"),
        (("-A FORWARD", "-s 10.0.0.2", "--sport 80"), "kept"),
        (("-A INPUT", "--icmp-type 3", "=6&&", "=22"), "kept"),
        (("-A INPUT", "--icmp-type 11", "=17&&", "=123"), "kept"),
        (("-A FORWARD", "--icmp-type 3", "8>>16=80"), "kept"),
        ((WHOLE,), "kept"),
    ],
)
def test_a_rule_that_is_missing(good: str, words: tuple[str, ...], part: str) -> None:
    missing = [each for each in good.splitlines() if not all(word in each for word in words)]
    assert len(missing) == len(good.splitlines()) - 1
    assert part in [failure.part for failure in proved("\n".join([*missing, ""])).failures]


@pytest.mark.parametrize(
    ("words", "before", "after"),
    [
        (("-A OUTPUT", "--sport 22"), NO_SYN, ""),
        (("-A OUTPUT", "--sport 22"), "--sport 22", "--sport 22:23"),
        (("-A OUTPUT", "--sport 22"), " ! -d 203.0.113.0/24", ""),
        (("-A OUTPUT", "--sport 22"), NO_SYN, " ! --syn"),
        (("-A OUTPUT", "FIN,SYN,RST RST"), " --sport 113", ""),
        (("-A OUTPUT", "FIN,SYN,RST RST"), "FIN,SYN,RST RST", "RST RST"),
        (("-A OUTPUT", "--sport 123"), " -m addrtype ! --dst-type BROADCAST,MULTICAST", ""),
        (("-A INPUT", "--sport 53"), " -m addrtype --dst-type LOCAL", ""),
        (("-A INPUT", "--sport 53"), " --sport 53", ""),
        (("-A FORWARD", "-s 10.0.0.2", "--sport 80"), NO_SYN, ""),
        (("-A FORWARD", "-s 10.0.0.2", "--sport 80"), " -s 10.0.0.2/32", ""),
        (("-A INPUT", "--icmp-type 3", "=6&&", "=22"), "=22", "=22,25"),
        (("-A INPUT", "--icmp-type 3", "=6&&", "=22"), "--icmp-type 3 ", "--icmp-type 5 "),
    ],
)
def test_a_rule_that_is_too_wide(good: str, words: tuple[str, ...], before: str, after: str) -> None:
    one = line(good, *words)
    assert before in one
    assert "opened" in [failure.part for failure in proved(good.replace(one, one.replace(before, after))).failures]


def test_a_rule_that_counts_all_packets() -> None:
    old = rulec.parse(OLD.replace(" --syn", ""), "rules", "ipv4")
    good = compile_ruleset(old, policy()).text
    one = line(good, "--dport 22", "--syn", "recent")
    certificate = prove(old, rulec.parse(good.replace(one, one.replace(" --syn", "")), "rules", "ipv4"), policy())
    assert "effects" in [failure.part for failure in certificate.failures]


def test_a_question_that_is_left(good: str) -> None:
    """Then all packets are tracked, and nothing is gained."""
    new = good.replace(":OUTPUT DROP [0:0]\n", ":OUTPUT DROP [0:0]\n:IDLE - [0:0]\n").replace(
        "COMMIT\n*mangle", "-A IDLE -m state --state NEW -j DROP\nCOMMIT\n*mangle"
    )
    assert "untracked" in [failure.part for failure in proved(new).failures]


def test_answers_to_what_this_host_may_not_ask_itself() -> None:
    """A service that is open to others and not to this host: its port must not let out whatever is sent to itself."""
    text = OLD.replace("-A INPUT -i lo -j ACCEPT\n", "").replace("-A OUTPUT -o lo -j ACCEPT\n", "")
    old = rulec.parse(text, "rules", "ipv4")
    good = compile_ruleset(old, policy()).text
    for port in ("22", "123", "113"):
        one = line(good, "-A OUTPUT", " ! -o lo", f"--sport {port}")
        new = rulec.parse(good.replace(one, one.replace(" ! -o lo", "")), "rules", "ipv4")
        assert {failure.part for failure in prove(old, new, policy()).failures} == {"opened"}
