"""How rules take untracked first packets as they take new ones: which lists of states change, which rules are copied.

In each case TCP port 80 is hot, and the errors about its flows are left as they are.
"""

from __future__ import annotations

import pytest

from rulec.model import Family
from tests.unit.compiler.compiling import KNOWN, WEB, compiled, filtered, policy, refusals, rules_of, server

FIRST = "-A INPUT -p tcp -m tcp --dport 80 -m state --state NEW -j ACCEPT"
TAKEN = FIRST.replace("NEW", "NEW,UNTRACKED")
COPY = "-A INPUT -p tcp -m tcp --dport 80 -m conntrack --ctstate UNTRACKED -j ACCEPT"
LATER = "-A INPUT -p tcp -m tcp --dport 80 ! --tcp-flags SYN,ACK SYN -m conntrack --ctstate UNTRACKED -j ACCEPT"

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
    "-A INPUT -m mark --mark 0x1 -j ACCEPT",
    "-A INPUT -p tcp -j CHAIN",
    "-A INPUT -s 192.0.2.0/24 -j RETURN",
    # A log of each packet stays one; a rule that only counts decides nothing.
    "-A INPUT -p tcp -m tcp --dport 80 -j LOG --log-prefix web",
    "-A INPUT -p tcp -m tcp --dport 80",
    # No packet of a hot flow is INVALID or ESTABLISHED any more.
    "-A INPUT -m state --state INVALID -j DROP",
    "-A INPUT -m state --state INVALID -j ACCEPT",
    "-A INPUT -m conntrack --ctstate INVALID -j LOG",
]


@pytest.mark.parametrize("rule", UNTOUCHED)
def test_rules_on_the_way_that_stay(rule: str) -> None:
    """Only the rule that accepts the first packets is changed."""
    result = compiled(filtered(f"{rule}\n{KNOWN}\n{FIRST}"))
    assert rules_of(result.text) == [rule, KNOWN, TAKEN]


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
        "-A INPUT -p tcp -m tcp --dport 80 -m conntrack --ctstate NEW -j CHAIN",
        "-A INPUT -p tcp -m tcp --dport 80 -m mark --mark 0x1 -m conntrack --ctstate NEW -j ACCEPT",
    ],
)
def test_rules_for_first_packets(rule: str) -> None:
    """UNTRACKED stands beside NEW, and nothing else is new in the rule."""
    behind = "-A CHAIN -j ACCEPT"
    text = compiled(filtered(f"{KNOWN}\n{rule}\n{behind}")).text
    assert rules_of(text) == [KNOWN, rule.replace("NEW", "NEW,UNTRACKED")]


@pytest.mark.parametrize("states", ["NEW,ESTABLISHED", "NEW,RELATED,ESTABLISHED", "INVALID,NEW,ESTABLISHED"])
def test_a_list_of_states_keeps_its_order(states: str) -> None:
    rule = f"-A INPUT -p tcp -m tcp --dport 80 -m conntrack --ctstate {states} -j ACCEPT"
    assert rules_of(compiled(filtered(rule)).text) == [rule.replace(states, f"{states},UNTRACKED")]


COPIED = [
    # Without ports of its own, or with most of them, a rule stays as it is: a copy stands in front of it.
    ("-A INPUT -m state --state NEW -j ACCEPT", COPY),
    ("-A INPUT -p tcp -m state --state NEW -j ACCEPT", COPY),
    ("-A INPUT -p tcp -m tcp ! --dport 22 -m state --state NEW -j ACCEPT", COPY),
    (
        "-A INPUT -s 192.0.2.0/24 -m state --state NEW -j DROP",
        COPY.replace("-p", "-s 192.0.2.0/24 -p").replace("ACCEPT", "DROP"),
    ),
    (
        "-A INPUT -i eth0 -m state --state NEW -g CHAIN",
        COPY.replace("-p", "-i eth0 -p").replace("-j ACCEPT", "-g CHAIN"),
    ),
    # Beside other options of the same match, too: what they ask of the connection is asked of the packet.
    ("-A INPUT -m conntrack --ctstate NEW --ctproto tcp -j ACCEPT", COPY),
    (
        "-A INPUT -p tcp -m conntrack --ctstate NEW --ctorigsrc 192.0.2.1 --ctorigdstport 80 -j ACCEPT",
        COPY.replace("-p", "-s 192.0.2.1/32 -p"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "copy"), COPIED)
def test_rules_that_are_copied(rule: str, copy: str) -> None:
    result = compiled(filtered(f"{KNOWN}\n{rule}\n-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT\n-A CHAIN -j ACCEPT"))
    assert rules_of(result.text)[1:3] == [copy, rule]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("-A INPUT -m conntrack ! --ctstate NEW -j DROP", "-A INPUT -m conntrack ! --ctstate NEW,UNTRACKED -j DROP"),
        (
            "-A INPUT -m state ! --state NEW,INVALID -j DROP",
            "-A INPUT -m state ! --state NEW,INVALID,UNTRACKED -j DROP",
        ),
        ("-A INPUT -m state ! --state INVALID -j CHAIN", "-A INPUT -m state ! --state INVALID -j CHAIN"),
    ],
)
def test_negated_lists(rule: str, expected: str) -> None:
    """Where NEW does not match, UNTRACKED does not either; where it does, so does UNTRACKED already."""
    assert rules_of(compiled(filtered(f"{KNOWN}\n{rule}\n{FIRST}")).text) == [KNOWN, expected, TAKEN]


def test_a_negated_list_and_neighbour_discovery() -> None:
    """Of IPv6 the rule drops what is untracked by nature, and goes on to."""
    rule = "-A INPUT -m conntrack ! --ctstate NEW -j DROP"
    (found,) = refusals(filtered(f"{KNOWN}\n{rule}\n{FIRST}"), family=Family.IPV6)
    assert found.line == rule
    assert "all untracked packets" in found.why


@pytest.mark.parametrize(
    ("rule", "before"),
    [
        ("-A INPUT -p tcp -m tcp --dport 80 -m limit --limit 5/sec -j ACCEPT", LATER),
        ("-A INPUT -p tcp -m tcp ! --tcp-flags SYN,ACK SYN -j DROP", LATER),
        ("-A INPUT -j LOG", LATER),
        ("-A INPUT -p tcp -j NFLOG", LATER),
        ("-A INPUT -p tcp -m quota --quota 9000 -j ACCEPT", LATER),
    ],
)
def test_later_packets_in_front_of_rules_for_the_first(rule: str, before: str) -> None:
    """What meets one packet of each flow goes on to; the rest is accepted in front of it."""
    assert rules_of(compiled(filtered(f"{KNOWN}\n{rule}\n{FIRST}")).text) == [KNOWN, before, rule, TAKEN]


@pytest.mark.parametrize(
    "options",
    [
        "-m recent --set",
        "-m limit --limit 5/sec -j ACCEPT",
        "-m hashlimit --hashlimit-upto 5/min --hashlimit-name web --hashlimit-mode srcip -j ACCEPT",
        "-j LOG --log-prefix new",
    ],
)
def test_limits_of_new_connections(options: str) -> None:
    """The rule takes UNTRACKED, and only packets with SYN come to it."""
    rule = f"-A INPUT -p tcp -m tcp --dport 80 -m state --state NEW {options}"
    found = rules_of(compiled(filtered(f"{KNOWN}\n{rule}\n{FIRST}")).text)
    assert found[1:3] == [LATER, rule.replace("NEW", "NEW,UNTRACKED")]


def test_what_later_packets_are_accepted_for() -> None:
    """All that the rules ask by which flows begin, and the jumps to them; not what they ask of single packets."""
    rules = (
        "-A INPUT -i eth0 -p tcp -j CHAIN",
        "-A CHAIN -s 192.0.2.0/24 -p tcp -m multiport --dports 80,443 --syn -m limit --limit 9/sec -j ACCEPT",
    )
    text = compiled(filtered("\n".join((KNOWN, *rules)))).text
    assert rules_of(text, "CHAIN")[0] == LATER.replace("INPUT", "CHAIN -s 192.0.2.0/24")


@pytest.mark.parametrize("rule", ["-A INPUT -p tcp -m limit --limit 9/sec -j ACCEPT", "-A INPUT -j LOG"])
def test_udp_has_no_first_packet(rule: str) -> None:
    dns = policy(server(53, protocol="udp", name="dns"))
    first = FIRST.replace("80", "53").replace("tcp", "udp")
    text = filtered(f"{KNOWN}\n{rule.replace('tcp', 'udp')}\n{first}")
    if "LOG" in rule:
        assert rules_of(compiled(text, dns).text)[1] == rule
    else:
        (found,) = refusals(text, dns)
        assert "only the first packet of a flow" in found.why


def test_each_rule_that_accepts_some_of_the_requests_is_changed() -> None:
    office, home = (FIRST.replace("INPUT", f"INPUT -s {source}") for source in ("192.0.2.0/24", "198.51.100.1"))
    late = FIRST.replace("INPUT", "INPUT -s 203.0.113.0/24")
    result = compiled(filtered(f"{KNOWN}\n{office}\n{home}\n-A INPUT -p tcp -j DROP\n{late}"))
    changed = [rule.replace("NEW", "NEW,UNTRACKED") for rule in (office, home)]
    assert rules_of(result.text) == [KNOWN, *changed, "-A INPUT -p tcp -j DROP", late]


def test_a_policy_of_the_chain_that_accepts() -> None:
    result = compiled(filtered("-A INPUT -p tcp -m tcp --dport 22 -m state --state NEW -j DROP", "ACCEPT"))
    assert len(rules_of(result.text, "PREROUTING")) == 1


@pytest.mark.parametrize(
    "rule", ["-A INPUT -p tcp -m tcp --dport 80 -j DROP", "-A INPUT -p tcp -g CHAIN", "-A INPUT -p udp -j ACCEPT"]
)
def test_what_is_not_admitted_is_not_untracked(rule: str) -> None:
    text = filtered(f"{KNOWN}\n{rule}")
    result = compiled(text)
    assert result.text == text
    assert "tcp/80 is not admitted" in result.notes[0]


def test_a_list_with_untracked_for_everything() -> None:
    """It would open the port to those whom no rule admits; nothing else is untracked here, so it goes."""
    known = KNOWN.replace("RELATED,ESTABLISHED", "RELATED,ESTABLISHED,UNTRACKED")
    some = FIRST.replace("INPUT", "INPUT -s 192.0.2.0/24")
    assert rules_of(compiled(filtered(f"{known}\n{some}")).text) == [KNOWN, some.replace("NEW", "NEW,UNTRACKED")]
    assert rules_of(compiled(filtered(f"{known}\n{FIRST}")).text)[0] == known


def test_other_packets_that_are_untracked_already() -> None:
    """The list goes on to be for them, in a rule of their own."""
    raw = "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -d 192.0.2.53/32 -p udp -m udp --dport 53 -j NOTRACK\nCOMMIT\n"
    known = KNOWN.replace("RELATED,ESTABLISHED", "RELATED,ESTABLISHED,UNTRACKED")
    some = FIRST.replace("INPUT", "INPUT -s 192.0.2.0/24")
    own = "-A INPUT -d 192.0.2.53/32 -p udp -m udp --dport 53 -m conntrack --ctstate UNTRACKED -j ACCEPT"
    assert rules_of(compiled(raw + filtered(f"{known}\n{some}")).text)[:2] == [own, KNOWN]


def test_the_rule_for_other_untracked_packets_is_not_widened() -> None:
    """A rule for these ports that matches other untracked packets gets a copy."""
    raw = "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -m tcp --dport 81 -j NOTRACK\nCOMMIT\n"
    both = "-A INPUT -p tcp -m multiport --dports 80,81 -m state --state NEW -j ACCEPT"
    assert rules_of(compiled(raw + filtered(f"{KNOWN}\n{both}")).text) == [KNOWN, COPY, both]


def test_what_begins_from_the_hot_port_is_refused_as_before() -> None:
    rule = "-A OUTPUT -p tcp -m state --state NEW -j DROP"
    text = compiled(filtered(f"{KNOWN}\n{FIRST}\n{rule}"), WEB).text
    copy = "-A OUTPUT -p tcp -m tcp --sport 80 --tcp-flags SYN,ACK SYN -m conntrack --ctstate UNTRACKED -j DROP"
    assert rules_of(text, "OUTPUT")[:2] == [copy, rule]


KNOCKS = "-m recent --update --seconds 60 --name ssh --mask 255.255.255.255 --rdest"


@pytest.mark.parametrize(
    ("rule", "changed"),
    [
        ("-A OUTPUT -p tcp -m state --state NEW -j CHAIN", "-A OUTPUT {} -j CHAIN"),
        ("-A OUTPUT -p tcp -m state --state NEW -g CHAIN", "-A OUTPUT {} -g CHAIN"),
    ],
)
def test_what_begins_from_the_hot_port_goes_where_it_is_refused(rule: str, changed: str) -> None:
    copy = changed.format("-p tcp -m tcp --sport 80 --tcp-flags SYN,ACK SYN -m conntrack --ctstate UNTRACKED")
    text = compiled(filtered(f"{KNOWN}\n{FIRST}\n-A CHAIN -d 192.0.2.0/24 -j DROP\n{rule}"), WEB).text
    assert rules_of(text, "OUTPUT")[:2] == [copy, rule]


def test_what_begins_from_the_hot_port_does_not_go_where_nothing_is_refused() -> None:
    rule = "-A OUTPUT -p tcp -m state --state NEW -j CHAIN"
    text = compiled(filtered(f"{KNOWN}\n{FIRST}\n-A CHAIN -d 192.0.2.0/24 -j ACCEPT\n{rule}"), WEB).text
    assert rules_of(text, "OUTPUT")[0] == rule


def test_a_memory_counts_what_begins_from_the_hot_port_as_before() -> None:
    """It is one memory, so it gets no copy."""
    rule = f"-A OUTPUT -p tcp -m tcp --dport 22 --tcp-flags SYN,ACK SYN -m state --state NEW {KNOCKS} -j DROP"
    text = compiled(filtered(f"{KNOWN}\n{FIRST}\n{rule}"), WEB).text
    assert rules_of(text, "OUTPUT")[0] == rule.replace("NEW", "NEW,UNTRACKED")


@pytest.mark.parametrize(
    ("asks", "refused"), [("", False), ("-m limit --limit 3/sec", False), ("-m recent --set", True)]
)
def test_a_log_of_questions_may_meet_each_of_them(asks: str, refused: bool) -> None:
    """Of UDP nothing tells the first packet: what only writes a log is listed, what others ask is refused."""
    first = "-A INPUT -p udp -m udp --dport 53 -m state --state NEW -j ACCEPT"
    text = filtered(f"{KNOWN}\n-A INPUT -p udp -m udp --dport 53 {asks} -j LOG\n{first}")
    asked = policy(server(53, protocol="udp"))
    if refused:
        assert refusals(text, asked)
        return
    certificate = compiled(text, asked).certificate
    assert certificate is not None
    assert "meets each packet of a flow" in str(certificate.effects)
