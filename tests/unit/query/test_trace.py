"""What a trace says of one packet: rules, reasons, tracking, changes, branches, the verdict, and why not another."""

from __future__ import annotations

import pytest

import rulec
from rulec.errors import InputError, RulecError, Undecided
from rulec.packetset.packet import read_packet
from rulec.query.trace import trace
from rulec.query.trace_events import Note, Rule, Trace
from rulec.report.trace import verdict

MEMORY = 64 << 20
NEW = "tcp 198.51.100.7:40000 > 192.0.2.1:80 syn in eth0 state NEW"
BOTH_LEGS = "*raw\n-A PREROUTING -p tcp --dport 80 -j NOTRACK\n-A OUTPUT -p tcp --sport 80 -j NOTRACK\nCOMMIT\n"
CLOSED = "*filter\n:INPUT DROP [0:0]\n"


def traced(rules: str, packet: str = NEW, path: str = "", why: bool = False, family: str = "ipv4") -> Trace:
    ruleset = rulec.parse(rules, family=family)
    assert ruleset.valid, ruleset.findings
    (found,) = trace(ruleset, [read_packet(packet)], path, why, MEMORY)
    return found


def filtered(*rules: str) -> str:
    return CLOSED + "".join(f"{rule}\n" for rule in rules) + "COMMIT\n"


def rules_of(found: Trace) -> list[Rule]:
    return [event for event in found.events if isinstance(event, Rule)]


def notes(found: Trace, subject: str) -> list[str]:
    return [event.text for event in found.events if isinstance(event, Note) and event.subject == subject]


# ── why a rule does not match ──


@pytest.mark.parametrize(
    ("rule", "option", "held"),
    [
        ("-i lo", "-i lo", "in eth0"),
        ("-s 192.0.2.0/24", "-s 192.0.2.0/24", "src 198.51.100.7"),
        ("! -d 192.0.2.1", "! -d 192.0.2.1/32", "dst 192.0.2.1"),
        ("-p udp --dport 80", "-p udp", "tcp"),
        ("-p tcp --dport 443 -m conntrack --ctstate NEW", "--dport 443", "dport 80"),
        ("-p tcp -m multiport --dports 443,8443", "--dports 443,8443", "dport 80"),
        ("-m conntrack --ctstate RELATED,ESTABLISHED", "--ctstate RELATED,ESTABLISHED", "state NEW"),
        ("-m conntrack ! --ctstate NEW", "! --ctstate NEW", "state NEW"),
        ("-p tcp ! --syn", "! --syn", "syn"),
        ("-m mark --mark 1", "--mark 0x1", "mark 0x0"),
        ("-m addrtype --dst-type BROADCAST", "--dst-type BROADCAST", "to local"),
        ("-f", "-f", "later_fragment 0"),
    ],
)
def test_first_option_that_fails(rule: str, option: str, held: str) -> None:
    (met,) = rules_of(traced(filtered(f"-A INPUT {rule} -j ACCEPT")))
    assert (met.answer, [tuple(reason) for reason in met.reasons]) == ("no", [(option, held)])


def test_what_goes_without_saying_is_said_where_a_rule_looks_at_it() -> None:
    assert traced(filtered("-A INPUT -m mark --mark 1 -j ACCEPT")).assumed[1:] == ("mark=0x0",)
    assert traced(filtered("-A INPUT -p tcp -j ACCEPT")).assumed[1:] == ()
    assert traced(filtered("-A INPUT -m mark --mark 1 -j ACCEPT"), f"{NEW} mark 0x1").verdict == "ACCEPT"


def test_calls() -> None:
    rules = filtered(
        ":web -", "-A INPUT -p tcp -j web", "-A INPUT -p udp -j web", "-A INPUT -j ACCEPT",
        "-A web -p tcp --dport 443 -j DROP", "-A web -j RETURN", "-A web -j DROP",
    )  # fmt: skip
    found = traced(rules)
    assert [(rule.line, rule.depth, rule.answer) for rule in rules_of(found)] == [
        (4, 0, "yes"), (7, 1, "no"), (8, 1, "yes"), (5, 0, "no"), (6, 0, "yes"),
    ]  # fmt: skip
    assert found.verdict == "ACCEPT"


# ── the path ──


@pytest.mark.parametrize(
    ("words", "path", "assumed"),
    [
        ("in eth0", "input", "path input, since it is in, and not out"),
        ("out eth0", "output", "path output, since it is out, and not in"),
        ("in eth0 out eth1", "forward", "path forward, since it is in and out"),
        ("in eth0 to local", "input", "path input, since it is to local"),
        ("in eth0 to unicast", "forward", "path forward, since it is to unicast"),
        ("", "input", "path input, since it is neither in nor out"),
    ],
)
def test_path_is_guessed_and_said(words: str, path: str, assumed: str) -> None:
    found = traced("*filter\nCOMMIT\n", f"tcp 198.51.100.7:40000 > 192.0.2.1:80 syn {words}")
    assert (found.path, found.assumed[0]) == (path, assumed)


def test_path_that_was_chosen() -> None:
    assert traced("*filter\n:FORWARD DROP [0:0]\nCOMMIT\n", NEW, "forward").verdict == "DROP"
    assert traced("*filter\n:FORWARD DROP [0:0]\nCOMMIT\n", NEW, "input")[1:3] == ("input", ())


def test_destination_nat_leaves_both_paths_open() -> None:
    nat = "*nat\n-A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 10.0.0.5:8080\nCOMMIT\n"
    found = traced(nat + filtered())
    assert found.path == "input or forward"
    assert [outcome.verdict for outcome in found.outcomes] == ["DROP", "ACCEPT"]
    (rewritten,) = [event for event in found.events if isinstance(event, Note) and event.changes]
    assert [tuple(change) for change in rewritten.changes] == [
        ("dst", "192.0.2.1", "10.0.0.5"), ("dport", "80", "8080"),
    ]  # fmt: skip


def test_nat_is_not_asked_for_later_packets() -> None:
    nat = "*nat\n-A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 10.0.0.5\nCOMMIT\n"
    found = traced(nat, NEW.replace("syn", "ack").replace("NEW", "ESTABLISHED"))
    assert notes(found, "nat") == ["its rules are not asked: this is not the first packet of its connection"]
    found = traced(BOTH_LEGS + nat)
    assert notes(found, "nat") == ["its rules are not asked: the packet is UNTRACKED, and is never translated"]


# ── tracking ──


def test_untracked_packet_is_not_new() -> None:
    rules = BOTH_LEGS + filtered("-A INPUT -p tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT")
    found = traced(rules)
    assert found.verdict == "DROP"
    assert notes(found, "tracking") == ["UNTRACKED, because of NOTRACK on line 2"]
    assert rules_of(found)[-1].reasons == (("--ctstate NEW", "state UNTRACKED"),)


def test_untracked_packet_is_let_in() -> None:
    rules = BOTH_LEGS + filtered("-A INPUT -p tcp --dport 80 -m conntrack --ctstate UNTRACKED -j ACCEPT")
    assert traced(rules).verdict == "ACCEPT"
    answer = "tcp 192.0.2.1:80 > 198.51.100.7:40000 syn,ack out eth0"
    assert notes(traced(rules, answer), "tracking") == ["UNTRACKED, because of NOTRACK on line 3"]


def test_perhaps_untracked() -> None:
    raw = "*raw\n-A PREROUTING -m set --match-set hot src -j NOTRACK\nCOMMIT\n"
    found = traced(raw + filtered("-A INPUT -m conntrack --ctstate NEW -j ACCEPT"))
    assert notes(found, "tracking") == ["NEW or UNTRACKED, because of NOTRACK on line 2"]
    assert rules_of(found)[-1].assumption == "--ctstate NEW matches (not as on line 2)"


def test_tracking_is_off() -> None:
    assert notes(traced(filtered("-A INPUT -p tcp -j ACCEPT")), "tracking") == ["off: no rule here has IPv4 tracked"]
    (said,) = notes(traced(filtered("-A INPUT -m state --state NEW -j ACCEPT")), "tracking")
    assert said == "looked up, and found to be NEW"


def test_neighbour_discovery_is_never_tracked() -> None:
    rules = filtered("-A INPUT -m conntrack --ctstate NEW -j ACCEPT")
    found = traced(rules, "icmpv6 [fe80::1] > [fe80::2] type 135 in eth0", family="ipv6")
    assert notes(found, "tracking") == ["UNTRACKED, as such packets always are"]
    assert found.verdict == "DROP"


# ── changes ──


@pytest.mark.parametrize(
    ("target", "change"),
    [
        ("MARK --set-mark 7", ("mark", "0x0", "0x7")),
        ("TTL --ttl-dec 4", ("ttl", "64", "60")),
        ("TOS --set-tos 0x10", ("tos", "0x00", "0x10")),
    ],
)
def test_changes(target: str, change: tuple[str, str, str]) -> None:
    found = traced(f"*mangle\n-A PREROUTING -j {target}\nCOMMIT\n", f"{NEW} ttl 64 tos 0x00")
    assert rules_of(found)[0].changes == (change,)


def test_later_rules_see_what_changed() -> None:
    mangle = "*mangle\n-A PREROUTING -j MARK --set-mark 7\nCOMMIT\n"
    assert traced(mangle + filtered("-A INPUT -m mark --mark 7 -j ACCEPT")).verdict == "ACCEPT"


# ── what is not known ──


def test_unknown_match_opens_a_branch() -> None:
    found = traced(filtered("-A INPUT -m limit --limit 5/min -j ACCEPT"))
    (met,) = rules_of(found)
    assert (met.answer, met.assumption) == ("open", "-m limit --limit 5/min matches")
    assert verdict(found) == (
        "depends: if -m limit --limit 5/min matches: ACCEPT by the rule on line 3 (filter INPUT);"
        " otherwise DROP by the policy on line 2 (filter INPUT)"
    )


def test_branches_that_end_alike_are_one_verdict() -> None:
    found = traced(filtered("-A INPUT -m limit --limit 5/min -j LOG", "-A INPUT -m recent --name x --rcheck -j DROP"))
    assert found.verdict == "DROP"


def test_field_that_the_text_leaves_open() -> None:
    found = traced(filtered("-A INPUT -m conntrack --ctstate NEW -j ACCEPT"), NEW.removesuffix(" state NEW"))
    (met,) = rules_of(found)
    assert met.reasons == (("--ctstate NEW", "state NEW or ESTABLISHED or RELATED or INVALID"),)
    assert found.verdict == "depends"


def test_same_question_has_one_answer() -> None:
    rules = filtered("-A INPUT -m set --match-set a src -j LOG", "-A INPUT -m set ! --match-set a src -j ACCEPT")
    assert [rule.assumption for rule in rules_of(traced(rules))] == [
        "--match-set a src matches",
        "! --match-set a src matches (not as on line 3)",
    ]


def test_branch_goes_on_in_a_chain() -> None:
    rules = filtered(":extra -", "-A INPUT -m limit --limit 5/min -j extra", "-A extra -p tcp -j ACCEPT")
    found = traced(rules)
    assert [outcome.assumptions for outcome in found.outcomes] == [("-m limit --limit 5/min matches",), ()]


# ── why ──


def test_why_dropped() -> None:
    rules = filtered(
        "-A INPUT -i lo -j ACCEPT", "-A INPUT -s 192.0.2.0/24 -p udp -j ACCEPT", "-A INPUT -p tcp --dport 443 -j ACCEPT"
    )
    (why,) = traced(rules, why=True).why
    assert (why.verdict, why.before.rule, [near.line for near in why.near]) == ("ACCEPT", "", [5, 3])


def test_why_accepted() -> None:
    rules = filtered("-A INPUT -s 203.0.113.0/24 -j REJECT", "-A INPUT -j ACCEPT")
    (why,) = traced(rules, why=True).why
    assert (why.verdict, why.before.line, [near.line for near in why.near]) == ("DROP", 4, [3])


# ── what cannot be traced ──


def test_no_such_packet() -> None:
    with pytest.raises(InputError, match="no packet is like that"):
        traced(filtered(), f"{NEW} reply")


def test_not_routed() -> None:
    found = traced(filtered(), f"{NEW} out eth1 ttl 1")
    assert (found.verdict, found.outcomes[0].rule) == ("DROP", "it is not routed there")


def test_circle() -> None:
    ruleset = rulec.parse(filtered(":a -", "-A a -j a"), family="ipv4")
    with pytest.raises(RulecError, match="a > a"):
        trace(ruleset, [read_packet(NEW)], memory=MEMORY)


def test_undecided() -> None:
    ruleset = rulec.parse(filtered("-A INPUT -j ACCEPT"), family="ipv4")
    with pytest.raises(Undecided):
        trace(ruleset, [read_packet(NEW)], memory=1)
