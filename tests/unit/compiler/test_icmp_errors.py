"""ICMP errors about untracked flows: which rules let them in, and where these stand."""

from __future__ import annotations

import pytest

from rulec.model import Family
from tests.unit.compiler.compiling import WITH_ERRORS, compiled, filtered, policy, refusals, rules_of, server

WEB_RULE = "-A INPUT -p tcp -m tcp --dport 80 -m state --state NEW,ESTABLISHED -j ACCEPT"
KNOWN = "-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT"
INVALID = "-A INPUT -m state --state INVALID -j DROP"
INSIDE = "0>>22&0x3C@14&0xFF=6&&0>>22&0x3C@8>>22&0x3C@8>>16=80"
LAST = "-m conntrack --ctstate INVALID -j ACCEPT"


def errors(where: str = "", types: tuple[int, ...] = (3, 11, 12), test: str = INSIDE) -> list[str]:
    """The rules for errors from somewhere, of some types."""
    return [f'-A INPUT {where}-p icmp -m icmp --icmp-type {kind} -m u32 --u32 "{test}" {LAST}' for kind in types]


def first(rules: str, verdict: str = "DROP") -> list[str]:
    """The chain INPUT without the rule of the service."""
    text = compiled(filtered(f"{rules}\n{WEB_RULE}", verdict), WITH_ERRORS).text
    return [rule for rule in rules_of(text) if "--dport 80" not in rule]


@pytest.mark.parametrize(
    "rules",
    [
        [KNOWN],
        [INVALID, KNOWN],
        [INVALID, "-A INPUT -p icmp -j ACCEPT"],
        ["-A INPUT -p icmp -m conntrack ! --ctstate NEW,INVALID -j ACCEPT"],
        ["-A INPUT -p icmp -m state --state RELATED -j ACCEPT"],
    ],
)
def test_in_front_of_what_drops_or_accepted_them(rules: list[str]) -> None:
    assert first("\n".join(rules)) == [*errors(), *rules]


@pytest.mark.parametrize(
    "before",
    [
        "-A INPUT -i lo -j ACCEPT",
        "-A INPUT -p tcp -m state --state INVALID -j DROP",
        "-A INPUT -p icmp -s 192.0.2.1 -j DROP",
        "-A INPUT -p icmp -j CHAIN",
        "-A INPUT -p icmp -m icmp --icmp-type 8 -j DROP",
        "-A INPUT -p icmp -m limit --limit 5/sec -j ACCEPT",
        "-A INPUT -p icmp -m state --state NEW -j DROP",
    ],
)
def test_behind_rules_that_say_the_same_of_both(before: str) -> None:
    assert first(f"{before}\n{KNOWN}") == [before, *errors(), KNOWN]


@pytest.mark.parametrize("where", ["-s 192.0.2.0/24 ", "-d 192.0.2.1/32 ", "-i eth0 ", "! -s 192.0.2.7/32 -i eth+ "])
@pytest.mark.parametrize("protocol", ["", "-p icmp "])
def test_restrictions_are_copied(where: str, protocol: str) -> None:
    known = KNOWN.replace("-m", f"{where}{protocol}-m", 1)
    assert first(known) == [*errors(where), known]


def test_two_rules_that_accept_errors() -> None:
    """Each has its own in front of it."""
    one, other = (f"-A INPUT -i {name} -m state --state RELATED -j ACCEPT" for name in ("eth0", "eth1"))
    assert first(f"{one}\n{other}") == [*errors("-i eth0 "), one, *errors("-i eth1 "), other]


def test_types() -> None:
    """What was not admitted is not admitted now."""
    known = "-A INPUT -p icmp -m icmp --icmp-type 3 -m state --state RELATED -j ACCEPT"
    assert first(known) == [*errors(types=(3,)), known]


@pytest.mark.parametrize(
    ("rules", "verdict"),
    [
        ("-A INPUT -p icmp -j ACCEPT", "DROP"),
        ("-A INPUT -m state --state ESTABLISHED -j ACCEPT", "DROP"),
        ("-A INPUT -m state --state ESTABLISHED -j ACCEPT", "ACCEPT"),
        ("-A INPUT -p icmp -m conntrack ! --ctstate NEW -j ACCEPT", "DROP"),
        ("-A INPUT -p icmp -j DROP\n-A INPUT -m state --state RELATED -j ACCEPT", "ACCEPT"),
    ],
)
def test_nothing_to_do(rules: str, verdict: str) -> None:
    """They pass whatever their state, or did not pass before."""
    assert first(rules, verdict) == rules.split("\n")


def test_left_alone() -> None:
    text = compiled(filtered(f"{KNOWN}\n{WEB_RULE}"), policy(server(80, more="icmp-errors: leave"))).text
    assert rules_of(text)[0] == KNOWN


def test_ports_of_all_entries_of_a_protocol() -> None:
    """One rule for ten ranges, which is what u32 takes."""
    wanted = policy(server(*range(1001, 1023, 2), more="icmp-errors: exact"))
    rules = f"{KNOWN}\n-A INPUT -p tcp -m tcp --dport 1001:1099 -j ACCEPT"
    found = [rule for rule in rules_of(compiled(filtered(rules), wanted).text) if "u32" in rule]
    ports = [rule.split("16=")[1].split('"')[0] for rule in found[::3]]
    assert ports == ["1001,1003,1005,1007,1009,1011,1013,1015,1017,1019", "1021"]


def test_two_protocols() -> None:
    wanted = policy(server(53, protocol="[tcp, udp]", name="dns", more="icmp-errors: exact"))
    found = rules_of(compiled(filtered(f"{KNOWN}\n-A INPUT -p tcp -j ACCEPT\n-A INPUT -p udp -j ACCEPT"), wanted).text)
    assert [f"0xFF={number}&&" in rule for number, rule in zip((6, 6, 6, 17, 17, 17), found, strict=False)] == [
        True
    ] * 6


@pytest.mark.parametrize(
    ("addresses", "tests"),
    [
        ("servers: [192.0.2.1]", "&&0>>22&0x3C@20=0xc0000201&&"),
        ("clients: [10.0.0.0/8, 192.0.2.3-192.0.2.5]", "&&0>>22&0x3C@24=0xa000000:0xaffffff,0xc0000203:0xc0000205&&"),
    ],
)
def test_addresses_inside(addresses: str, tests: str) -> None:
    wanted = policy(server(80, more=f"icmp-errors: exact, {addresses}"))
    assert tests in rules_of(compiled(filtered(f"{KNOWN}\n{WEB_RULE}"), wanted).text)[0]


@pytest.mark.parametrize(
    ("addresses", "tests"),
    [
        ("", "51&0xFF=6&&88>>16=80"),
        ("servers: ['2001:db8::1']", "51&0xFF=6&&56=0x20010db8&&60=0x0&&64=0x0&&68=0x1&&88>>16=80"),
        ("clients: ['2001:db8::/40']", "51&0xFF=6&&72=0x20010db8&&76&0xff000000=0x0&&88>>16=80"),
    ],
)
def test_ipv6(addresses: str, tests: str) -> None:
    wanted = policy(server(80, more=f"icmp-errors: exact, {addresses}"))
    found = rules_of(compiled(filtered(f"{KNOWN}\n{WEB_RULE}"), wanted, Family.IPV6).text)
    assert found[:4] == [
        f'-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type {kind} -m u32 --u32 "{tests}" {LAST}' for kind in (1, 2, 3, 4)
    ]


def test_other_tables() -> None:
    """A rule that drops INVALID packets before is preceded, too."""
    mangle = "*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -m state --state INVALID -j DROP\nCOMMIT\n"
    text = compiled(mangle + filtered(f"{KNOWN}\n{WEB_RULE}"), WITH_ERRORS).text
    assert rules_of(text, "PREROUTING")[:4] == [
        *(rule.replace("INPUT", "PREROUTING") for rule in errors()),
        "-A PREROUTING -m state --state INVALID -j DROP",
    ]


def test_as_many_chains_as_there_are_zones() -> None:
    """Where each interface has a chain of its own, each gets the rules."""
    zones = [f"zone{number}" for number in range(12)]
    heads = "".join(f":{zone} - [0:0]\n" for zone in zones)
    jumps = [f"-A INPUT -i {zone} -j {zone}" for zone in zones]
    rules = [rule.replace("INPUT", zone) for zone in zones for rule in (INVALID, KNOWN, WEB_RULE)]
    text = "\n".join([f"*filter\n:INPUT DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n{heads}*", *jumps, *rules, "COMMIT\n"])
    found = compiled(text.replace("\n*\n", "\n"), WITH_ERRORS).text
    assert [rules_of(found, zone)[:3] for zone in zones] == [
        [e.replace("INPUT", zone) for e in errors()] for zone in zones
    ]


def test_where_a_packet_has_no_second_interface_yet_none_is_asked() -> None:
    """What FORWARD accepted would have to be accepted in front of what PREROUTING drops; so it is refused."""
    text = (
        "*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -m state --state INVALID -j DROP\nCOMMIT\n"
        "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -i eth1 -o eth0 -j ACCEPT\n"
        "-A FORWARD -o eth1 -m state --state RELATED,ESTABLISHED -j ACCEPT\n"
        "-A FORWARD -d 192.0.2.10/32 -o eth1 -p tcp -m tcp --dport 80 -m state --state NEW -j ACCEPT\nCOMMIT\n"
    )
    entry = "  - {name: web, role: forward, protocol: tcp, ports: [80], servers: [192.0.2.10], icmp-errors: wide}\n"
    assert refusals(text, policy(entry))
