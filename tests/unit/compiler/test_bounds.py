"""What rules ask of flows: put together, turned round, and written again."""

from __future__ import annotations

import pytest

import rulec
from rulec.compiler.bounds import Bounds, of_rule, rules, together, turned
from rulec.compiler.outcome import Declined
from rulec.model import Family, Rule, Target
from rulec.syntax.save import saved_rule

ACCEPT = Target("ACCEPT")


def rule(words: str) -> Rule:
    ruleset = rulec.parse(f"*filter\n-A INPUT {words} -j ACCEPT\nCOMMIT\n", "rules", "ipv4")
    assert ruleset.valid, ruleset.findings
    return ruleset.rules_on(2)[0]


def written(bounds: Bounds, whole: bool = False) -> list[str]:
    found = rules("INPUT", bounds, (), ACCEPT, Family.IPV4, whole=whole)
    return [saved_rule(each, Family.IPV4).removeprefix("-A INPUT ").removesuffix("-j ACCEPT").strip() for each in found]


@pytest.mark.parametrize(
    "words",
    [
        "-s 192.0.2.0/24 -d 198.51.100.1/32 -i eth+ -p tcp -m tcp --sport 1024:65535 --dport 80",
        "! -s 192.0.2.0/24 ! -i lo -p udp -m multiport --dports 53,500:600",
        "-p tcp -m iprange --src-range 192.0.2.1-192.0.2.9",
        "-p icmp -m icmp --icmp-type 8",
        "-p tcp -m set --match-set friends src -m addrtype --dst-type LOCAL",
    ],
)
def test_what_is_asked_is_written_as_it_was(words: str) -> None:
    assert written(of_rule(rule(words))) == [words]


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ("-p tcp -m state --state NEW -m comment --comment web", "-p tcp"),
        ("-p tcp -m tcp --dport 80 --syn -m limit --limit 5/sec", "-p tcp -m tcp --dport 80"),
        ("-p tcp -m tcp ! --dport 80", "-p tcp -m multiport --dports 0:79,81:65535"),
        ("-p tcp -m conntrack --ctstate NEW --ctorigdstport 80", "-p tcp -m tcp --dport 80"),
    ],
)  # fmt: skip
def test_what_is_not_asked_of_a_flow_is_left_out(words: str, left: str) -> None:
    assert written(of_rule(rule(words))) == [left]


def test_a_whole_rule() -> None:
    words = "-p tcp -m tcp --dport 80 --tcp-flags FIN,SYN,RST,ACK SYN -m limit --limit 5/sec"
    assert written(of_rule(rule(words)), whole=True) == [words]


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("-s 192.0.2.0/24", "-p tcp", "-s 192.0.2.0/24 -p tcp"),
        ("-s 192.0.2.0/24", "-s 192.0.2.7", "-s 192.0.2.7/32"),
        ("! -s 198.51.100.0/24", "-s 192.0.2.7", "-s 192.0.2.7/32"),
        ("-i eth0", "-i eth+", "-i eth0"),
        ("! -i lo", "-i eth0", "-i eth0"),
        ("-p tcp -m tcp --dport 1:1023", "-p tcp -m multiport --dports 80,8080", "-p tcp -m tcp --dport 80"),
        ("-p tcp -m tcp ! --dport 81", "-p tcp -m tcp --dport 80:81", "-p tcp -m tcp --dport 80"),
    ],
)
def test_two_together(one: str, other: str, both: str) -> None:
    for pair in ((one, other), (other, one)):
        assert written(together(*(of_rule(rule(words)) for words in pair))) == [both]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("-p tcp", "-p udp"),
        ("-s 192.0.2.0/24", "-s 198.51.100.0/24"),
        ("! -s 192.0.2.1", "! -s 192.0.2.2"),
        ("! -i eth0", "-i eth+"),
        ("-i eth0", "-i eth1"),
    ],
)
def test_what_no_rule_can_ask(one: str, other: str) -> None:
    with pytest.raises(Declined):
        together(of_rule(rule(one)), of_rule(rule(other)))


@pytest.mark.parametrize("words", ["! -p tcp", "-m conntrack --ctdir ORIGINAL", "-m conntrack --ctstatus ASSURED"])
def test_what_cannot_be_said_again(words: str) -> None:
    with pytest.raises(Declined):
        of_rule(rule(words))


@pytest.mark.parametrize(
    ("words", "hook", "answers"),
    [
        ("-s 192.0.2.7 -i eth0 -p tcp -m tcp --dport 80", "OUTPUT", "-d 192.0.2.7/32 -o eth0 -p tcp -m tcp --sport 80"),
        ("-i eth0 -p tcp -m mac --mac-source 02:00:00:00:00:01", "OUTPUT", "-o eth0 -p tcp"),
        ("-p icmp -m icmp --icmp-type 8", "OUTPUT", "-p icmp -m icmp --icmp-type 0"),
        ("-p tcp -m addrtype --dst-type LOCAL", "OUTPUT", "-p tcp -m addrtype --src-type LOCAL"),
        ("-p tcp -m set --match-set friends src,dst", "OUTPUT", "-p tcp -m set --match-set friends dst,src"),
    ],
)  # fmt: skip
def test_the_other_way_round(words: str, hook: str, answers: str) -> None:
    assert written(turned(of_rule(rule(words)), hook)) == [answers]


@pytest.mark.parametrize(("syn", "words"), [(True, "--tcp-flags SYN,ACK SYN"), (False, "! --tcp-flags SYN,ACK SYN")])
def test_first_packets_and_others(syn: bool, words: str) -> None:
    bounds = of_rule(rule("-p tcp -m tcp --dport 80"))
    (found,) = rules("INPUT", bounds, ("UNTRACKED",), ACCEPT, Family.IPV4, syn=syn)
    assert saved_rule(found, Family.IPV4) == (
        f"-A INPUT -p tcp -m tcp --dport 80 {words} -m conntrack --ctstate UNTRACKED -j ACCEPT"
    )
