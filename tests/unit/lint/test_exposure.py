"""The checks of the group exposure: what gets in from nearly everywhere, and what does not."""

from __future__ import annotations

import pytest

from rulec import api
from rulec.errors import InputError
from tests.unit.lint.linting import found, rules_named, text_of

DROP = ":INPUT DROP [0:0]"
ROUTER = ":FORWARD DROP [0:0]"

EXPOSED = [
    ("source-port-hole", (DROP, "INPUT -p udp --sport 53 -j ACCEPT"), "udp 198.51.100.7:53 > 192.0.2.1:53"),
    ("source-port-hole", (DROP, "INPUT -p tcp --sport 80 -j ACCEPT"), "tcp 198.51.100.7:80 > 192.0.2.1:"),
    ("source-port-hole", (DROP, "INPUT -p tcp -m multiport --sports 80,443 -j ACCEPT"), "tcp 198.51.100.7:80 > "),
    ("source-port-hole", (DROP, "INPUT -p udp --sport 53 -m state --state NEW,ESTABLISHED -j ACCEPT"), "udp "),
    ("source-port-hole", (ROUTER, "FORWARD -i eth0 -p udp --sport 53 -j ACCEPT"), "udp "),
    ("source-port-hole", (DROP, ":in - [0:0]", "INPUT -i eth0 -j in", "in -p udp --sport 53 -j ACCEPT"), "udp "),
    ("established-by-flags-only", (DROP, "INPUT -p tcp ! --syn -j ACCEPT"), "tcp 198.51.100.7:40000 > 192.0.2.1:80"),
    ("established-by-flags-only", (DROP, "INPUT -p tcp --tcp-flags ACK ACK -j ACCEPT"), "tcp "),
    ("established-by-flags-only", (DROP, "INPUT -p tcp --tcp-flags SYN,ACK ACK -j ACCEPT"), "tcp "),
    ("established-by-flags-only", (DROP, "INPUT -p tcp ! --syn --sport 80 -j ACCEPT"), "tcp 198.51.100.7:80 > "),
    ("established-by-flags-only", (
        DROP, ":both - [0:0]", "INPUT -j both", "OUTPUT -j both", "both -p tcp ! --syn --sport 80 -j ACCEPT"), "tcp "),
    ("invalid-accepted", (DROP, "INPUT -m state --state ESTABLISHED,INVALID -j ACCEPT"), "tcp 198.51.100.7:40000 > "),
    ("invalid-accepted", (DROP, "INPUT -i eth4 -j ACCEPT", "INPUT -m state --state INVALID -j ACCEPT"), "tcp "),
    ("invalid-accepted", (ROUTER, "FORWARD -p tcp -m conntrack --ctstate INVALID -j ACCEPT"), "tcp "),
    ("spoofable-loopback", (DROP, "INPUT -s 127.0.0.1 -j ACCEPT"), "tcp 127.0.0.1:40000 > 192.0.2.1:80 syn in eth0"),
    ("spoofable-loopback", (DROP, "INPUT -s 127.0.0.0/8 -p tcp --dport 25 -j ACCEPT"), "tcp 127.0.0.2:40000"),
    ("spoofable-loopback", (DROP, "INPUT -d 127.0.0.1 -j ACCEPT"), "tcp 198.51.100.7:40000 > 127.0.0.1:80 syn in eth0"),
    ("spoofable-loopback", (DROP, "INPUT -s ::1 -j ACCEPT"), "tcp [::1]:40000 > [2001:db8::1]:80 syn in eth0"),
    ("open-to-world", (DROP, "INPUT -p tcp --dport 22 -j ACCEPT"), "tcp 198.51.100.7:40000 > 192.0.2.1:22 syn in eth0"),
    ("open-to-world", (DROP, "INPUT ! -s 192.0.2.0/24 -p tcp --dport 22 -j ACCEPT"), "tcp 198.51.100.7:40000 > "),
    ("open-to-world", (DROP, "INPUT -s 10.0.0.0/8 -j DROP", "INPUT -p tcp --dport 22 -j ACCEPT"), "tcp 198.51.100.7"),
    ("open-to-world", (DROP, "INPUT -i eth0 -p tcp --dport 3306 -j ACCEPT"), "tcp 198.51.100.7:40000 > "),
    ("open-to-world", (DROP, ":in - [0:0]", "INPUT -p tcp -j in", "in -p tcp --dport 23 -j ACCEPT"), "tcp "),
    ("open-to-world", (DROP, "INPUT -s 2000::/3 -p tcp --dport 22 -j ACCEPT"), "tcp [2001:db8::7]:40000 > "),
    ("open-to-world", (DROP, "INPUT -p udp --dport 11211 -j ACCEPT"), "udp 198.51.100.7:40000 > 192.0.2.1:11211"),
]  # fmt: skip
"""A check, a ruleset whose last rule it finds, and how the witness begins."""


@pytest.mark.parametrize(("slug", "lines", "witness"), EXPOSED)
def test_exposed(slug: str, lines: tuple[str, ...], witness: str) -> None:
    (finding,) = found(slug, text_of(*lines))
    assert rules_named(finding) == [lines[-1]]
    assert finding.witness.startswith(witness)


GUARDED = [
    # source ports
    ("source-port-hole", (DROP, "INPUT -p udp --sport 53 -m state --state ESTABLISHED -j ACCEPT")),
    ("source-port-hole", (DROP, "INPUT -p tcp --sport 80 ! --syn -j ACCEPT")),
    ("source-port-hole", (DROP, "INPUT -s 192.0.2.53 -p udp --sport 53 -j ACCEPT")),
    ("source-port-hole", (DROP, "INPUT -p udp --sport 53 --dport 32768:60999 -j ACCEPT")),
    ("source-port-hole", (DROP, "INPUT -p udp --sport 67 --dport 68 -j ACCEPT")),
    ("source-port-hole", (DROP, "INPUT -p udp --sport 1:65535 -j ACCEPT")),
    ("source-port-hole", (DROP, "INPUT -p udp ! --sport 53 -j ACCEPT")),
    ("source-port-hole", (DROP, "INPUT -i lo -p udp --sport 53 -j ACCEPT")),
    ("source-port-hole", (DROP, "INPUT -i docker0 -p udp --sport 53 -j ACCEPT")),
    ("source-port-hole", (DROP, "INPUT -p udp --sport 53 -m set --match-set resolvers src -j ACCEPT")),
    ("source-port-hole", (DROP, "INPUT -m state --state NEW -j DROP", "INPUT -p udp --sport 53 -j ACCEPT")),
    ("source-port-hole", (DROP, ":in - [0:0]", "INPUT -s 192.0.2.0/24 -j in", "in -p udp --sport 53 -j ACCEPT")),
    ("source-port-hole", (DROP, "INPUT -p udp --sport 53 -j DROP")),
    ("source-port-hole", (":OUTPUT DROP [0:0]", "OUTPUT -p udp --sport 53 -j ACCEPT")),
    # flags
    ("established-by-flags-only", (DROP, "INPUT -p tcp ! --syn -m state --state ESTABLISHED -j ACCEPT")),
    ("established-by-flags-only", (DROP, "INPUT -p tcp ! --syn --sport 80 --dport 32768:60999 -j ACCEPT")),
    ("established-by-flags-only", (DROP, "OUTPUT -p tcp ! --syn --sport 80 -j ACCEPT")),
    ("established-by-flags-only", (DROP, "INPUT -p tcp ! --syn --dport 80 -j ACCEPT")),
    ("established-by-flags-only", (DROP, "INPUT -p tcp --syn -j ACCEPT")),
    ("established-by-flags-only", (DROP, "INPUT -s 192.0.2.0/24 -p tcp ! --syn -j ACCEPT")),
    ("established-by-flags-only", (DROP, "INPUT -p tcp --tcp-flags ALL RST -j ACCEPT")),
    ("established-by-flags-only", (DROP, "INPUT -p tcp -j ACCEPT")),
    # INVALID
    ("invalid-accepted", (DROP, "INPUT -i eth4 -j DROP", "INPUT -m state --state INVALID -j ACCEPT")),
    ("invalid-accepted", (DROP, "INPUT -m state --state INVALID -j DROP", "INPUT -m state ! --state NEW -j ACCEPT")),
    ("invalid-accepted", (DROP, "INPUT -p icmp -m state --state INVALID -j ACCEPT")),
    ("invalid-accepted", (DROP, "INPUT -p tcp --dport 80 -m state --state NEW,INVALID -j ACCEPT")),
    ("invalid-accepted", (DROP, "INPUT -s 192.0.2.0/24 -m state --state INVALID -j ACCEPT")),
    ("invalid-accepted", (DROP, "INPUT -m state --state INVALID -j DROP", "INPUT -m state --state INVALID -j ACCEPT")),
    ("invalid-accepted", (":OUTPUT DROP [0:0]", "OUTPUT -m state --state INVALID -j ACCEPT")),
    # the loopback
    ("spoofable-loopback", (DROP, "INPUT -i lo -s 127.0.0.1 -j ACCEPT")),
    ("spoofable-loopback", (DROP, "INPUT ! -s 127.0.0.1 -j ACCEPT")),
    ("spoofable-loopback", (DROP, "INPUT -s 127.0.0.1 -j DROP")),
    ("spoofable-loopback", (DROP, "INPUT ! -i lo -s 127.0.0.0/8 -j DROP", "INPUT -s 127.0.0.1 -j ACCEPT")),
    ("spoofable-loopback", (":OUTPUT DROP [0:0]", "OUTPUT -d 127.0.0.1 -j ACCEPT")),
    # ports
    ("open-to-world", (DROP, "INPUT -s 192.0.2.0/24 -p tcp --dport 22 -j ACCEPT")),
    ("open-to-world", (DROP, "INPUT -p tcp --dport 8080 -j ACCEPT")),
    ("open-to-world", (DROP, "INPUT -i lo -p tcp --dport 22 -j ACCEPT")),
    ("open-to-world", (DROP, "INPUT -i docker0 -p tcp --dport 22 -j ACCEPT")),
    ("open-to-world", (DROP, "INPUT -p udp --dport 22 -j ACCEPT")),
    ("open-to-world", (DROP, "INPUT -m limit --limit 5/min -p tcp --dport 22 -j ACCEPT")),
    ("open-to-world", (DROP, "INPUT -m mark --mark 1 -p tcp --dport 22 -j ACCEPT")),
    ("open-to-world", (DROP, "INPUT -m state --state ESTABLISHED -j ACCEPT")),
    ("open-to-world", (DROP, "INPUT -p tcp ! --syn -j ACCEPT")),
    ("open-to-world", (DROP, "INPUT -i eth1 -p tcp --dport 22 -j ACCEPT", "INPUT -i eth0 -p tcp --dport 80 -j ACCEPT")),
    ("open-to-world", (":INPUT ACCEPT [0:0]", "OUTPUT -p tcp -j ACCEPT")),
    ("open-to-world", ("INPUT -p icmp -j ACCEPT",)),  # it does not say what the policy is
]


@pytest.mark.parametrize(("slug", "lines"), GUARDED)
def test_guarded(slug: str, lines: tuple[str, ...]) -> None:
    assert found(slug, text_of(*lines)) == []


@pytest.mark.parametrize(("rule", "hint"), [("udp --sport 53", "the addresses of"), ("tcp --sport 80", "! --syn and")])
def test_says_what_is_left_to_ask_of_answers(rule: str, hint: str) -> None:
    (finding,) = found("source-port-hole", text_of(DROP, f"INPUT -p {rule} -j ACCEPT"))
    assert f"where nothing is tracked, {hint}" in finding.hint


def test_what_an_earlier_table_drops_is_not_open() -> None:
    text = text_of("PREROUTING -p tcp --dport 22 -j DROP", table="raw") + text_of("INPUT -p tcp --dport 22 -j ACCEPT")
    assert found("open-to-world", text) == []


def test_inside_of_the_interface_behind_which_the_host_hides_its_network() -> None:
    nat = text_of("POSTROUTING -o wan -j MASQUERADE", table="nat")
    for interface, count in (("wan", 1), ("eth1", 0)):
        assert len(found("open-to-world", nat + text_of(DROP, f"INPUT -i {interface} -j ACCEPT"))) == count


def test_ports_are_named_by_the_rule_that_opens_them() -> None:
    text = text_of(DROP, "INPUT -p tcp -m multiport --dports 22,23,80 -j ACCEPT", "INPUT -p tcp --dport 3306 -j ACCEPT")
    messages = [finding.message for finding in found("open-to-world", text)]
    assert messages == ["tcp/22, tcp/23: open to everybody", "tcp/3306: open to everybody"]


def test_policy_opens() -> None:
    (finding,) = found("open-to-world", text_of(":INPUT ACCEPT [0:0]", "INPUT -p udp -j DROP"))
    assert rules_named(finding) == [":INPUT ACCEPT [0:0]"]
    assert finding.message.endswith("tcp/9200, tcp/11211: open to everybody by the policy of INPUT")


OPENERS = [
    (("INPUT -s 127.0.0.0/8 -j ACCEPT", ":INPUT ACCEPT [0:0]"), 1),
    (("INPUT -s 198.51.100.0/24 -j ACCEPT", ":INPUT ACCEPT [0:0]"), 1),
    (("INPUT -m set --match-set friends src -j ACCEPT", "INPUT -p tcp -j ACCEPT", DROP), 1),
    (("INPUT -m limit --limit 9/min -j ACCEPT", "INPUT -s 198.51.100.7 -j ACCEPT", ":INPUT ACCEPT [0:0]"), 2),
    (("INPUT -i eth0 -j ACCEPT", ":INPUT ACCEPT [0:0]"), 0),
    ((*(f"INPUT -s {first}.0.0.0/2 -j ACCEPT" for first in (0, 64, 128, 192)), DROP), 3),
]
"""Rules and the policy, and which of them opens port 22 to the world; of several that only do so together, one."""


@pytest.mark.parametrize(("lines", "opener"), OPENERS)
def test_the_one_that_lets_everybody_in_is_named(lines: tuple[str, ...], opener: int) -> None:
    *rules, policy = lines
    (finding,) = found("open-to-world", text_of(policy, *rules), open_ports="22")
    assert rules_named(finding) == [lines[opener]]


def test_ports_may_be_chosen() -> None:
    text = text_of(DROP, "INPUT -p tcp --dport 8080 -j ACCEPT", "INPUT -p udp --dport 53 -j ACCEPT")
    chosen = found("open-to-world", text, open_ports="8080, 53/udp,53")
    assert [finding.message for finding in chosen] == ["tcp/8080: open to everybody", "udp/53: open to everybody"]
    assert found("open-to-world", text, open_ports="") == []


@pytest.mark.parametrize("ports", ["ssh", "22/sctp", "65536", "22-25"])
def test_what_is_no_port(ports: str) -> None:
    with pytest.raises(InputError, match="is no port; say it as in 22,53/udp"):
        api.lint(api.parse(""), open_ports=ports)
