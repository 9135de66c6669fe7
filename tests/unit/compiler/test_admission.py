"""How INPUT admits the requests of a hot flow: which rules take UNTRACKED, and which stand in the way.

In each case TCP port 80 is hot, and the errors about its flows are left as they are.
"""

from __future__ import annotations

import pytest

from rulec.model import Family
from tests.unit.compiler.compiling import KNOWN, WEB, compiled, filtered, policy, refusals, rules_of, server

FIRST = "-A INPUT -p tcp -m tcp --dport 80 -m state --state NEW -j ACCEPT"
ACCEPTED = "-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT"

UNTOUCHED = [
    # A rule for other packets does not matter, whatever it asks for.
    "-A INPUT -p udp -m limit --limit 5/sec -j ACCEPT",
    "-A INPUT -p icmp -j CHAIN",
    "-A INPUT -p tcp -m tcp --dport 81 -m recent --set --name seen -j ACCEPT",
    "-A INPUT -p tcp -m tcp --dport 22 -m state --state NEW -j ACCEPT",
    "-A INPUT -p tcp -m tcp ! --dport 80 -m state --state NEW -j DROP",
    "-A INPUT -p tcp -m multiport --dports 22,443,8000:8010 -g CHAIN",
    "-A INPUT ! -p tcp -j CHAIN",
    "-A INPUT -i lo -j ACCEPT",
    "-A INPUT -i lo -m mark --mark 0x1 -j DROP",
    "-A INPUT -m addrtype --dst-type BROADCAST -j CHAIN",
    "-A INPUT -m addrtype ! --dst-type LOCAL -j CHAIN",
    # These decide on all packets of a flow alike, with or without its entry.
    "-A INPUT -s 198.51.100.0/24 -j DROP",
    "-A INPUT -s 198.51.100.0/24 -p tcp -m tcp --dport 80 -j REJECT --reject-with tcp-reset",
    "-A INPUT -p tcp -m tcp --sport 1:1023 --dport 80 -j DROP",
    "-A INPUT -m iprange --src-range 198.51.100.1-198.51.100.9 -j ACCEPT",
    "-A INPUT -m addrtype --src-type BROADCAST -j DROP",
    "-A INPUT -i eth1 -j ACCEPT",
    # A log of each packet stays one; a rule that only counts decides nothing.
    "-A INPUT -p tcp -m tcp --dport 80 -j LOG --log-prefix web",
    "-A INPUT -p tcp -m tcp --dport 80",
    # No packet of a hot flow is INVALID any more.
    "-A INPUT -m state --state INVALID -j DROP",
    "-A INPUT -m conntrack --ctstate INVALID -j LOG",
]


@pytest.mark.parametrize("rule", UNTOUCHED)
def test_rules_on_the_way_that_stay(rule: str) -> None:
    """Only the rule that accepts the first packets is changed."""
    result = compiled(filtered(f"{rule}\n{KNOWN}\n{FIRST}"))
    assert rules_of(result.text) == [rule, KNOWN, FIRST.replace("NEW", "NEW,UNTRACKED")]


@pytest.mark.parametrize(
    "rule",
    [
        FIRST,
        "-A INPUT -p tcp -m tcp --dport 80 -m state --state NEW -m comment --comment web -j ACCEPT",
        "-A INPUT -p 6 -m tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT",
        "-A INPUT -p tcp -m multiport --dports 80,443 -m state --state NEW -j ACCEPT",
        "-A INPUT -p tcp -m multiport --dports 22,79:81 -m state --state NEW -j ACCEPT",
        "-A INPUT -p tcp -m tcp --dport 1:1023 -m state --state NEW -j ACCEPT",
        "-A INPUT -s 192.0.2.0/24 -p tcp -m tcp --dport 80 -m state --state NEW -j ACCEPT",
        "-A INPUT ! -s 192.0.2.7 -i eth0 -p tcp -m tcp --dport 80 -m state --state NEW -j ACCEPT",
        "-A INPUT -p tcp -m tcp --dport 80 -m addrtype --dst-type LOCAL -m state --state NEW -j ACCEPT",
    ],
)
def test_rules_that_accept_first_packets(rule: str) -> None:
    """UNTRACKED stands beside NEW, and nothing else is new in the rule."""
    assert rules_of(compiled(filtered(f"{KNOWN}\n{rule}")).text) == [KNOWN, rule.replace("NEW", "NEW,UNTRACKED")]


@pytest.mark.parametrize("states", ["NEW,ESTABLISHED", "NEW,RELATED,ESTABLISHED", "INVALID,NEW,ESTABLISHED"])
def test_a_list_of_states_keeps_its_order(states: str) -> None:
    rule = f"-A INPUT -p tcp -m tcp --dport 80 -m state --state {states} -j ACCEPT"
    assert rules_of(compiled(filtered(rule)).text) == [rule.replace(states, f"{states},UNTRACKED")]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("-A INPUT -p tcp -m tcp --dport 80 -m state --state NEW,UNTRACKED -j ACCEPT", 1),
        (ACCEPTED, 1),
        ("-A INPUT -j ACCEPT", 1),
        ("-A INPUT -p tcp -m tcp --dport 80 -j DROP", 0),
        ("-A INPUT -p tcp -j REJECT", 0),
        ("-A INPUT -m state --state INVALID -j DROP", 0),
    ],
)
def test_rulesets_that_stay_as_they_are(rule: str, expected: int) -> None:
    """What is accepted is untracked; what is not, is not."""
    result = compiled(filtered(f"{KNOWN}\n{rule}"))
    assert rules_of(result.text) == [KNOWN, rule]
    assert len(rules_of(result.text, "PREROUTING")) == len(rules_of(result.text, "OUTPUT")) == expected
    assert ("web: INPUT admits no tcp/80, so there is nothing to untrack" in result.notes) == (expected == 0)


@pytest.mark.parametrize("all_of_them", ["-s 0.0.0.0/0", "! -i lo", "-i +", "-m addrtype --dst-type LOCAL"])
@pytest.mark.parametrize("sport", ["", "--sport 0:65535 "])
def test_conditions_that_hold_for_all_requests(all_of_them: str, sport: str) -> None:
    """What stands behind a rule for all of them is not looked at."""
    rule = f"-A INPUT {all_of_them} -p tcp -m tcp {sport}--dport 80 -j ACCEPT"
    compiled(filtered(f"{rule}\n{KNOWN}\n-A INPUT -j CHAIN"))


@pytest.mark.parametrize(
    "some_of_them",
    ["-s 0.0.0.0/1", "-i eth+", "-m addrtype --dst-type LOCAL --limit-iface-in", "-m tcp --sport 1:65535"],
)
def test_conditions_that_hold_for_some_requests(some_of_them: str) -> None:
    rule = f"-A INPUT -p tcp {some_of_them} -m tcp --dport 80 -j ACCEPT"
    (found,) = refusals(filtered(f"{rule}\n{KNOWN}\n-A INPUT -j CHAIN"))
    assert found.line == "-A INPUT -j CHAIN"


def test_each_rule_that_accepts_some_of_the_requests_is_changed() -> None:
    office, home = (FIRST.replace("INPUT", f"INPUT -s {source}") for source in ("192.0.2.0/24", "198.51.100.1"))
    late = FIRST.replace("INPUT", "INPUT -s 203.0.113.0/24")
    result = compiled(filtered(f"{KNOWN}\n{office}\n{home}\n-A INPUT -p tcp -j DROP\n{late}"))
    changed = [rule.replace("NEW", "NEW,UNTRACKED") for rule in (office, home)]
    assert rules_of(result.text) == [KNOWN, *changed, "-A INPUT -p tcp -j DROP", late]


def test_all_hot_ports_together() -> None:
    """A rule for one of two hot ports decides on some requests, a rule for both on all."""
    both = "-A INPUT -p tcp -m multiport --dports 80,443 -m state --state NEW -j ACCEPT"
    behind = "-A INPUT -p tcp -m limit --limit 5/sec -j ACCEPT"
    wanted = policy(server(80, 443))
    assert rules_of(compiled(filtered(f"{KNOWN}\n{both}\n{behind}"), wanted).text)[2:] == [behind]
    assert [found.line for found in refusals(filtered(f"{KNOWN}\n{FIRST}\n{behind}"), wanted)] == [behind]


def test_a_policy_of_the_chain_that_accepts() -> None:
    result = compiled(filtered("-A INPUT -p tcp -m tcp --dport 22 -m state --state NEW -j DROP", "ACCEPT"))
    assert len(rules_of(result.text, "PREROUTING")) == 1


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        # A state that is no plain list, or beside other options of the same match.
        ("-A INPUT -p tcp -m tcp --dport 80 -m state ! --state INVALID -j ACCEPT", "what -m state says"),
        ("-A INPUT -m conntrack ! --ctstate NEW -j DROP", "what -m conntrack says"),
        ("-A INPUT -m conntrack --ctstate NEW --ctproto tcp -j ACCEPT", "what -m conntrack says"),
        ("-A INPUT -m state --state NEW -m state --state NEW -j ACCEPT", "what -m state says"),
        # The first packets only, by their flags.
        ("-A INPUT -p tcp -m tcp --syn -m state --state NEW -j ACCEPT", "what --syn says"),
        ("-A INPUT -p tcp -m tcp ! --tcp-flags SYN,ACK SYN -j DROP", "what --tcp-flags says"),
        # Memory: it would count packets where it counted flows.
        ("-A INPUT -p tcp -m tcp --dport 80 -m limit --limit 5/sec -j ACCEPT", "what -m limit says"),
        (
            "-A INPUT -p tcp -m tcp --dport 80 -m state --state NEW -m hashlimit --hashlimit-upto 5/min"
            " --hashlimit-name web --hashlimit-mode srcip -j ACCEPT",
            "what -m hashlimit says",
        ),
        ("-A INPUT -p tcp -m state --state NEW -m recent --update --seconds 9 -j DROP", "what -m recent says"),
        # Also without a target: another rule may ask what this one has seen.
        ("-A INPUT -p tcp -m tcp --dport 80 -m state --state NEW -m recent --set", "what -m recent says"),
        ("-A INPUT -m mark --mark 0x1 -j ACCEPT", "what -m mark says"),
        ("-A INPUT -p tcp -m multiport --ports 80 -j ACCEPT", "what --ports says"),
        ("-A INPUT -p tcp -f -j DROP", "what -f says"),
        # Other chains, and targets that do more than decide.
        ("-A INPUT -j CHAIN", "requests go on to CHAIN"),
        ("-A INPUT -p tcp -g CHAIN", "requests go on to CHAIN"),
        ("-A INPUT -s 192.0.2.0/24 -j RETURN", "requests go on to RETURN"),
        ("-A INPUT -p tcp -j NFQUEUE --queue-num 1", "what NFQUEUE does"),
        # First packets by a rule that would let in more than this flow, or less.
        ("-A INPUT -m state --state NEW -j ACCEPT", "without naming its protocol and ports"),
        ("-A INPUT -p tcp -m state --state NEW -j ACCEPT", "without naming its protocol and ports"),
        ("-A INPUT -s 192.0.2.0/24 -m state --state NEW,UNTRACKED -j ACCEPT", "without naming its protocol and ports"),
        ("-A INPUT -p tcp -m tcp ! --dport 22 -m state --state NEW -j ACCEPT", "without naming its protocol and ports"),
        ("-A INPUT -p tcp -m tcp --sport 1024:65535 -m state --state NEW -j ACCEPT", "without naming its protocol"),
        ("-A INPUT -p tcp -m tcp --dport 80 -m conntrack --ctstate NEW,DNAT -j ACCEPT", "SNAT and DNAT would miss"),
        # First packets that are dropped or logged.
        ("-A INPUT -m state --state NEW -j DROP", "DROP by the state NEW"),
        ("-A INPUT -p tcp -m tcp --dport 80 -m state --state NEW -j LOG", "LOG by the state NEW"),
        # Other states.
        ("-A INPUT -m state --state UNTRACKED -j DROP", "DROP by the state UNTRACKED"),
        ("-A INPUT -m state --state ESTABLISHED,UNTRACKED -j ACCEPT", "by the state ESTABLISHED, UNTRACKED"),
        ("-A INPUT -m state --state INVALID -j ACCEPT", "ACCEPT by the state INVALID"),
        ("-A INPUT -m state --state INVALID,NEW -j DROP", "DROP by the state INVALID, NEW"),
        ("-A INPUT -m state --state ESTABLISHED -j LOG", "LOG for packets of known connections would miss"),
        ("-A INPUT -s 192.0.2.1 -m state --state ESTABLISHED -j DROP", "DROP for packets of known connections"),
    ],
)
def test_rules_on_the_way_that_are_not_carried_over(rule: str, why: str) -> None:
    """The refusal names the rule; behind a rule that decides, the same rule does not matter."""
    (found,) = refusals(filtered(f"{rule}\n{KNOWN}\n{FIRST}"))
    assert found.line == rule
    assert why in found.why
    compiled(filtered(f"{ACCEPTED}\n{rule}\n{KNOWN}"))


@pytest.mark.parametrize("target", ["LOG", "NFLOG"])
def test_a_log_behind_the_rule_for_known_connections(target: str) -> None:
    """It has met one packet of each flow, and would meet all of them."""
    log = f"-A INPUT -p tcp -j {target}"
    (found,) = refusals(filtered(f"{KNOWN}\n{log}\n{FIRST}"))
    assert found.line == log
    assert "only the first packet of a flow" in found.why


@pytest.mark.parametrize(
    ("before", "behind", "verdict"),
    [
        (KNOWN, "", "DROP"),
        ("", KNOWN, "DROP"),
        ("", "", "ACCEPT"),
        ("-A INPUT -p tcp -m state --state ESTABLISHED -j ACCEPT", "", "DROP"),
        ("-A INPUT ! -i lo -m state --state ESTABLISHED -j ACCEPT", "", "DROP"),
        ("-A INPUT -s 192.0.2.0/24 -m comment --comment a -m state --state ESTABLISHED -j ACCEPT", "", "DROP"),
        ("-A INPUT -s 192.0.2.0/24 -p tcp -m tcp --dport 80 -m state --state ESTABLISHED -j ACCEPT", "", "DROP"),
        ("", "-A INPUT -p tcp -m state --state ESTABLISHED -j ACCEPT", "DROP"),
        ("", "-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT", "DROP"),
        ("", f"-A INPUT -p udp -j DROP\n-A INPUT -j LOG\n-A INPUT -i eth1 -j ACCEPT\n{KNOWN}", "DROP"),
        ("-A INPUT -s 192.0.2.128/25 -j DROP", KNOWN, "DROP"),
    ],
)
def test_flows_that_go_on(before: str, behind: str, verdict: str) -> None:
    """Where ESTABLISHED packets of all flows that begin are accepted, UNTRACKED ones may be."""
    first = FIRST.replace("INPUT", "INPUT -s 192.0.2.0/24")
    last = "-A INPUT -p tcp -m tcp --dport 80 -j DROP" if verdict == "DROP" and not behind else ""
    result = compiled(filtered("\n".join(filter(None, (before, first, behind, last))), verdict))
    assert first.replace("NEW", "NEW,UNTRACKED") in rules_of(result.text)


@pytest.mark.parametrize(
    ("before", "behind"),
    [
        ("", ""),
        ("-A INPUT -m state --state RELATED -j ACCEPT", ""),
        ("-A INPUT -s 192.0.2.1 -m state --state ESTABLISHED -j ACCEPT", ""),
        ("-A INPUT -i eth0 -m state --state ESTABLISHED -j ACCEPT", ""),
        ("-A INPUT -p tcp -m tcp --dport 22 -m state --state ESTABLISHED -j ACCEPT", ""),
        ("", f"-A INPUT -s 192.0.2.1 -j DROP\n{KNOWN}"),
        ("", f"-A INPUT -p tcp -m mark --mark 0x1 -j DROP\n{KNOWN}"),
        ("", f"-A INPUT -j CHAIN\n{KNOWN}"),
        ("", "-A INPUT -i eth0 -m state --state ESTABLISHED -j ACCEPT"),
    ],
)
def test_flows_that_stall(before: str, behind: str) -> None:
    """A flow of which only the first packet is accepted would work once it is untracked."""
    (found,) = refusals(filtered("\n".join(filter(None, (before, FIRST, behind)))))
    assert found.line == FIRST
    assert "the packets after the first are not accepted" in found.why


@pytest.mark.parametrize("types", ["UNICAST", "ANYCAST", "LOCAL,MULTICAST"])
def test_types_of_ipv6_addresses(types: str) -> None:
    """An IPv6 address is LOCAL and UNICAST at once, and a list asks for all of its types."""
    dropping = f"-A INPUT -m addrtype --dst-type {types} -m state --state NEW -j DROP"
    (found,) = refusals(filtered(f"{KNOWN}\n{dropping}\n{FIRST}"), WEB, Family.IPV6)
    assert found.line == dropping


def test_each_refused_entry_is_told() -> None:
    wanted = policy(server(80), server(53, protocol="udp", name="dns"))
    found = refusals(filtered(f"-A INPUT -j CHAIN\n{KNOWN}"), wanted)
    assert [refusal.why.split(":")[0] for refusal in found] == ["web", "dns"]


@pytest.mark.parametrize(("rule", "told"), [("-A INPUT -i eth0 -p tcp", True), ("-A INPUT -p tcp", False)])
@pytest.mark.parametrize("state", ["", "-m state --state NEW "])
def test_assumption_about_interfaces(rule: str, told: bool, state: str) -> None:
    """It is named where a rule that accepts asks for the interface."""
    result = compiled(filtered(f"{KNOWN}\n{rule} -m tcp --dport 80 {state}-j ACCEPT"))
    assert any("all packets of a flow arrive by one interface" in note for note in result.notes) == told
