"""Where the errors about untracked flows are admitted again, and on which conditions.

In each case TCP port 80 is hot, and the rule for it needs no change.
"""

from __future__ import annotations

import pytest

from rulec.model import Family
from tests.unit.compiler.compiling import KNOWN, WEB, WITH_ERRORS, compiled, filtered, policy, refusals, server

WEB_RULE = "-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT"
INVALID = "-A INPUT -m state --state INVALID -j DROP"
NOTHING = "-A INPUT -p icmp"
HERE = "(here)"

TYPES = {Family.IPV4: (3, 11, 12), Family.IPV6: (1, 2, 3, 4)}
INSIDE = {
    Family.IPV4: "0x0>>0x16&0x3c@0xe&0xff={protocol}&&0x0>>0x16&0x3c@0x8>>0x16&0x3c@0x8>>0x10={ports}",
    Family.IPV6: "0x33&0xff={protocol}&&0x58>>0x10={ports}",
}
FRAGMENT = "0x33&0xff=0x2c&&0x58>>0x18=0x11&&0x58&0xfff8=0x0&&0x60>>0x10={ports}"
"""The first fragment of an answer over UDP; TCP makes its packets small enough."""

MATCH = {Family.IPV4: "-p icmp -m icmp --icmp-type", Family.IPV6: "-p ipv6-icmp -m icmp6 --icmpv6-type"}


def errors(ports: str = "0x50", protocol: str = "0x6", front: str = "", family: Family = Family.IPV4) -> list[str]:
    """The rules for errors that carry an answer from these ports."""
    inside = [INSIDE[family].format(protocol=protocol, ports=ports)]
    if family is Family.IPV6 and protocol == "0x11":
        inside.append(FRAGMENT.format(ports=ports))
    return [
        f'-A INPUT {front}{MATCH[family]} {kind} -m u32 --u32 "{test}" -m conntrack --ctstate INVALID -j ACCEPT'
        for test in inside
        for kind in TYPES[family]
    ]


def new_rules(before: str, after: str) -> list[str]:
    """The lines of INPUT that are new, HERE for each that was there before."""
    old = before.splitlines()
    return [line if line not in old else HERE for line in after.splitlines() if line.startswith("-A INPUT")]


@pytest.mark.parametrize("family", Family)
def test_in_front_of_the_rule_that_admits_them(family: Family) -> None:
    before = filtered(f"{KNOWN}\n{WEB_RULE}")
    result = compiled(before, WITH_ERRORS, family)
    assert new_rules(before, result.text) == [*errors(family=family), HERE, HERE]
    assert any("also forged ones about no flow of this host" in note for note in result.notes)


@pytest.mark.parametrize(
    ("first", "more"),
    [
        (INVALID, 0),
        ("-A INPUT -m state --state INVALID -j CHAIN", 0),
        ("-A INPUT -m conntrack --ctstate INVALID,SNAT -j REJECT", 0),
        ("-A INPUT -s 192.0.2.1,192.0.2.2 -m state --state INVALID -j DROP", 0),
        ("-A INPUT -p icmp -m state --state INVALID -j ACCEPT", 0),
        (f"-A INPUT -m state --state INVALID -j LOG\n{INVALID}", 1),
    ],
)
@pytest.mark.parametrize("between", [NOTHING, "-A INPUT -s 192.0.2.1 -p icmp -j ACCEPT", "-A INPUT -i lo -j DROP"])
def test_in_front_of_rules_that_ask_for_invalid_packets(first: str, more: int, between: str) -> None:
    """Whatever stands in between is passed, if it drops none of these errors."""
    before = filtered(f"{WEB_RULE}\n{first}\n{between}\n{KNOWN}")
    assert new_rules(before, compiled(before, WITH_ERRORS).text) == [HERE, *errors(), *[HERE] * (3 + more)]


@pytest.mark.parametrize(
    ("rest", "verdict"),
    [
        ("-A INPUT -p icmp -j ACCEPT", "DROP"),
        (f"-A INPUT -p icmp -j ACCEPT\n{KNOWN}", "DROP"),
        (f"-A INPUT -p icmp -s 192.0.2.1 -j ACCEPT\n{KNOWN}", "DROP"),
        ("-A INPUT -p icmp -s 192.0.2.1 -j ACCEPT\n-A INPUT -j ACCEPT", "DROP"),
        ("-A INPUT -m state --state INVALID,RELATED -j ACCEPT", "DROP"),
        ("-A INPUT -p udp -j DROP", "ACCEPT"),
    ],
)
def test_whatever_admitted_all_of_them(rest: str, verdict: str) -> None:
    """Behind a rule that drops INVALID packets, no matter what accepted the errors about all flows."""
    before = filtered(f"{WEB_RULE}\n{INVALID}\n{rest}", verdict)
    result = new_rules(before, compiled(before, WITH_ERRORS).text)
    assert result == [HERE, *errors(), *[HERE] * (2 + rest.count("\n"))]


@pytest.mark.parametrize(
    "rule",
    [
        "-A INPUT -i lo -j DROP",
        "-A INPUT -i lo -m state --state INVALID -j DROP",
        "-A INPUT -p tcp -m state --state INVALID -j DROP",
        "-A INPUT -p udp -m state --state INVALID,RELATED -j DROP",
        "-A INPUT -p icmp -m icmp --icmp-type 8 -j CHAIN",
        "-A INPUT -p icmp -m icmp --icmp-type 8 -m state --state RELATED -j DROP",
        "-A INPUT -p icmp -m icmp --icmp-type 3/1 -j DROP",
        "-A INPUT -s 192.0.2.1 -p icmp -j DROP",
        "-A INPUT -p icmp -m limit --limit 5/sec -j ACCEPT",
        "-A INPUT -m state --state ESTABLISHED -j ACCEPT",
        "-A INPUT -p icmp -m state --state NEW -j DROP",
        "-A INPUT -p icmp -m icmp ! --icmp-type 3 -m icmp ! --icmp-type 11 -m icmp ! --icmp-type 12 -j CHAIN",
        "-A INPUT -p icmp",
    ],
)
def test_behind_rules_that_do_not_ask_for_the_state(rule: str) -> None:
    """What drops errors about all flows still drops them, and what is for other packets is passed."""
    before = filtered(f"{rule}\n{KNOWN}\n{WEB_RULE}")
    assert new_rules(before, compiled(before, WITH_ERRORS).text) == [HERE, *errors(), HERE, HERE]


@pytest.mark.parametrize("front", ["-s 192.0.2.0/24 ", "-d 192.0.2.1/32 ", "-i eth0 ", "! -s 192.0.2.7/32 -i eth+ "])
@pytest.mark.parametrize("protocol", ["", "-p icmp "])
def test_restrictions_are_copied(front: str, protocol: str) -> None:
    before = filtered(f"-A INPUT {front}{protocol}-m state --state RELATED -j ACCEPT\n{WEB_RULE}")
    assert new_rules(before, compiled(before, WITH_ERRORS).text) == [*errors(front=front), HERE, HERE]


@pytest.mark.parametrize(
    ("rules", "verdict"),
    [
        (WEB_RULE, "DROP"),
        (f"{WEB_RULE}\n-A INPUT -m state --state NEW -p udp -j DROP", "ACCEPT"),
        (f"-A INPUT -p icmp -j ACCEPT\n{KNOWN}\n{WEB_RULE}", "DROP"),
        (f"{WEB_RULE}\n-A INPUT -j DROP\n{KNOWN}", "DROP"),
        (f"{WEB_RULE}\n-A INPUT -m state --state INVALID,RELATED -j ACCEPT\n{INVALID}", "DROP"),
        (f"{WEB_RULE}\n-A INPUT -m state --state INVALID,RELATED -j DROP\n{KNOWN}", "DROP"),
        (f"{WEB_RULE}\n{INVALID}", "DROP"),
        (f"{WEB_RULE}\n-A INPUT -p icmp -s 192.0.2.1 -j ACCEPT\n{INVALID}", "DROP"),
        (f"{WEB_RULE}\n-A INPUT -m state --state INVALID -j LOG", "ACCEPT"),
        (f"{WEB_RULE}\n{INVALID}\n-A INPUT -j REJECT\n{KNOWN}", "ACCEPT"),
        (f"-A INPUT -p icmp -m state --state INVALID -j ACCEPT\n{WEB_RULE}", "ACCEPT"),
    ],
)
def test_where_nothing_needs_to_change(rules: str, verdict: str) -> None:
    """INVALID errors are accepted where RELATED ones were, or neither is."""
    before = filtered(f"{rules}\n-A INPUT -p udp -m state --state NEW -j ACCEPT", verdict)
    assert set(new_rules(before, compiled(before, WITH_ERRORS).text)) == {HERE}


REFUSED = [
    # The errors would be lost, since it was not by being RELATED that they were accepted.
    (f"{INVALID}\n-A INPUT -p icmp -s 192.0.2.1 -j ACCEPT", "DROP", INVALID, "would be dropped here"),
    (
        f"{INVALID}\n-A INPUT -p icmp -s 192.0.2.1 -j ACCEPT\n-A INPUT -i eth0 -m state --state RELATED -j ACCEPT",
        "DROP",
        INVALID,
        "would be dropped here",
    ),
    (f"{INVALID}\n-A INPUT -i eth0 -m state --state RELATED -j ACCEPT", "ACCEPT", INVALID, "would be dropped here"),
    (
        f"-A INPUT -i eth0 -m state --state RELATED -j ACCEPT\n{INVALID}\n-A INPUT -p icmp -j ACCEPT",
        "DROP",
        INVALID,
        "would be dropped here",
    ),
    (
        f"{INVALID}\n-A INPUT -p icmp -s 192.0.2.1 -j ACCEPT\n-A INPUT -m state --state INVALID -j REJECT",
        "DROP",
        INVALID,
        "would be dropped here",
    ),
    # They would be let in, as they were not when they were RELATED.
    (
        "-A INPUT -p icmp -m state --state INVALID -j ACCEPT",
        "DROP",
        "-A INPUT -p icmp -m state --state INVALID -j ACCEPT",
        "would be accepted here",
    ),
    # The new rules would overtake one that drops errors about all flows.
    (
        f"{INVALID}\n-A INPUT -p icmp -s 192.0.2.1 -j DROP\n{KNOWN}",
        "DROP",
        "-A INPUT -p icmp -s 192.0.2.1 -j DROP",
        "may decide on ICMP errors",
    ),
    # What admits them, or not, cannot be said by the new rules.
    *(
        (f"{rule}\n{KNOWN}", "DROP", rule, "may decide on ICMP errors")
        for rule in (
            "-A INPUT -p icmp -m icmp --icmp-type any -j CHAIN",
            "-A INPUT -p icmp -m icmp --icmp-type 3/1 -j CHAIN",
            "-A INPUT -p icmp -m icmp ! --icmp-type 3 -m icmp ! --icmp-type 11 -m icmp ! --icmp-type 12/1 -j CHAIN",
        )
    ),
    (f"-A INPUT -p icmp -j CHAIN\n{KNOWN}", "DROP", "-A INPUT -p icmp -j CHAIN", "may decide on ICMP errors"),
    (f"-A INPUT -g CHAIN\n{KNOWN}", "ACCEPT", "-A INPUT -g CHAIN", "may decide on ICMP errors"),
    (
        "-A INPUT -m state --state RELATED -j DROP",
        "ACCEPT",
        "-A INPUT -m state --state RELATED -j DROP",
        "DROP for RELATED packets",
    ),
    (
        "-A INPUT -p icmp -m icmp --icmp-type 3 -m state --state RELATED -j ACCEPT",
        "DROP",
        "-A INPUT -p icmp -m icmp --icmp-type 3 -m state --state RELATED -j ACCEPT",
        "on conditions that are not carried over yet",
    ),
    (
        f"-A INPUT -i eth0 -m state --state RELATED -j ACCEPT\n{KNOWN}",
        "DROP",
        KNOWN,
        "more than one rule admits RELATED errors",
    ),
    (
        "-A INPUT -p icmp -m conntrack ! --ctstate NEW -j ACCEPT",
        "DROP",
        "-A INPUT -p icmp -m conntrack ! --ctstate NEW -j ACCEPT",
        "more than a plain list of states",
    ),
]


@pytest.mark.parametrize(("rules", "verdict", "line", "why"), REFUSED)
def test_refused(rules: str, verdict: str, line: str, why: str) -> None:
    """Refused where the errors are wanted, and compiled where the policy leaves them."""
    text = filtered(f"{WEB_RULE}\n{rules}", verdict)
    (found,) = refusals(text, WITH_ERRORS)
    assert found.line == line
    assert why in found.why
    assert set(new_rules(text, compiled(text, WEB).text)) == {HERE}


@pytest.mark.parametrize("family", Family)
def test_ports_of_all_entries_of_a_protocol(family: Family) -> None:
    """A u32 test takes ten ports; the protocols have rules of their own."""
    numbers = [*range(8000, 8020, 2)]
    wanted = policy(
        server("9000-9009", 7000, name="some", more="icmp-errors: exact"),
        server(*numbers, protocol="[tcp, udp]", name="many", more="icmp-errors: exact"),
        server(80, name="left", more="icmp-errors: leave"),
    )
    before = filtered(f"{KNOWN}\n-A INPUT -p tcp -j ACCEPT\n-A INPUT -p udp -j ACCEPT")
    listed = ",".join(map(hex, numbers))
    tcp_only = [
        *errors(f"0x1b58,{','.join(map(hex, numbers[:9]))}", family=family),
        *errors(f"{numbers[9]:#x},0x2328:0x2331", family=family),
    ]
    expected = [*tcp_only, *errors(listed, "0x11", family=family), HERE, HERE, HERE]
    assert new_rules(before, compiled(before, wanted, family).text) == expected


def test_each_kind_of_rule_is_there_once() -> None:
    """Rules that were added by hand in the same words are not added again."""
    given = "\n".join(errors()[:2])
    before = filtered(f"{given}\n{KNOWN}\n{WEB_RULE}")
    assert new_rules(before, compiled(before, WITH_ERRORS).text) == [HERE, HERE, errors()[2], HERE, HERE]
