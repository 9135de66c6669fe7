"""What is said of NOTRACK rules can be seen on a host: the packets that are shown, and what becomes of them."""

from __future__ import annotations

import pytest

from tests.unit.lint.linting import found, rules_named
from tests.unit.lint.notrack import ANSWERS, BOTH, FORWARDED, KNOWN, NEW, REQUESTS, ROUTER, SERVER, table, text

WHOLESALE = "INPUT -m conntrack --ctstate ESTABLISHED,RELATED,UNTRACKED -j ACCEPT"
PEER = ("PREROUTING -s 192.0.2.9 -j CT --notrack", "OUTPUT -s 192.0.2.9 -j CT --notrack")
QUERIES = ("PREROUTING -s 192.0.2.9 -p udp --dport 53 -j CT --notrack", "PREROUTING -p udp --dport 53 -j CT --notrack")
OPEN_OUTPUT = ":OUTPUT ACCEPT [0:0]"
ACCEPTED = "INPUT -p tcp --dport 80 -j ACCEPT"
THROUGH = "FORWARD -i lan -o wan -p tcp --dport 80 -m conntrack --ctstate NEW,UNTRACKED -j ACCEPT"
ASKED = "PREROUTING -p tcp --dport 80 -j CT --notrack"


# ── packets ──


@pytest.mark.parametrize("refused", ["-s 127.0.0.0/8", "-d 127.0.0.0/8", "-s ::1", "-d ::1"])
def test_no_address_of_the_loopback_comes_from_a_wire(refused: str) -> None:
    ruleset = text((":INPUT ACCEPT [0:0]", WHOLESALE, f"INPUT {refused} -j DROP"))
    assert not any("tcp" in finding.witness for finding in found("untracked-accepted-wholesale", ruleset))


@pytest.mark.parametrize(("policy", "count"), [("DROP", 1), ("ACCEPT", 0)])
def test_neighbours_are_no_news_where_all_may_come_in(policy: str, count: int) -> None:
    ruleset = table("filter", f":INPUT {policy} [0:0]", WHOLESALE, "INPUT -s 2001:db8::/64 -p tcp -j DROP")
    assert len(found("untracked-accepted-wholesale", ruleset)) == count


@pytest.mark.parametrize("raw", [QUERIES, QUERIES[::-1]])
def test_the_rule_that_is_named_leaves_the_packet_untracked_that_is_shown(raw: tuple[str, ...]) -> None:
    (finding,) = found("untracked-accepted-wholesale", text((WHOLESALE,), raw))
    _, named = rules_named(finding)
    assert named == raw[0]
    assert ("-s 192.0.2.9" in named) == finding.witness.startswith("udp 192.0.2.9:")


def test_what_is_untracked_is_not_invalid() -> None:
    ruleset = text(("INPUT -m state --state ESTABLISHED,INVALID,UNTRACKED -j ACCEPT",))
    (finding,) = found("invalid-accepted", ruleset)
    assert ":80 fin" not in finding.witness


def test_the_packet_of_a_half_tracked_flow_gets_through() -> None:
    (finding,) = found("notrack-leg-missing", text((*ROUTER, FORWARDED, THROUGH), (ASKED,)))
    assert "in lan out wan" in finding.witness


# ── one finding for one mistake ──


def test_an_address_of_the_wrong_end_is_said_to_be_that_alone() -> None:
    ruleset = text((WHOLESALE, "INPUT -i lo -j ACCEPT", OPEN_OUTPUT), PEER)
    spoken = {slug: found(slug, ruleset) for slug in ("notrack-leg-missing", "notrack-loopback-half")}
    assert [rules_named(finding)[0] for finding in spoken["notrack-leg-missing"]] == [PEER[0]]
    assert spoken["notrack-loopback-half"] == []
    (finding,) = found("notrack-wrong-direction", ruleset)
    assert rules_named(finding)[0] == PEER[1]


@pytest.mark.parametrize("raw", [(REQUESTS,), (ANSWERS,), (REQUESTS, ANSWERS.replace("80", "443"))])
def test_errors_about_a_half_tracked_flow_are_related(raw: tuple[str, ...]) -> None:
    """Measured: the direction that is tracked has an entry."""
    assert found("icmp-errors-lost", text((KNOWN, ACCEPTED), raw)) == []


def test_errors_about_flows_of_one_rule_for_both_directions_are_lost() -> None:
    both = ("PREROUTING -p tcp -j CT --notrack", "OUTPUT -p tcp -j CT --notrack")
    assert found("icmp-errors-lost", text((KNOWN, ACCEPTED), both))


def test_a_filter_that_does_not_ask_for_untracked_packets_may_come_last() -> None:
    def ordered(rule: str) -> str:
        return table("raw", *SERVER) + table("filter", ":INPUT DROP [0:0]", KNOWN, rule)

    assert len(found("raw-before-filter", ordered(BOTH))) == 1
    assert found("raw-before-filter", ordered(ACCEPTED)) == found("raw-before-filter", ordered(NEW)) == []


def test_says_so_where_nothing_tracks() -> None:
    (finding,) = found("notrack-leg-missing", text((":INPUT ACCEPT [0:0]",), (ASKED,)))
    assert finding.message.endswith(": where anything tracks packets, each flow is tracked all the same")


def test_the_module_is_told_of_once_for_all_rules_that_load_it() -> None:
    named = {finding.message.partition(" loads")[0]: finding for finding in found("conntrack-loaded", text((), SERVER))}
    assert list(named) == ["-j CT"]
    assert rules_named(named["-j CT"]) == [REQUESTS]
    assert named["-j CT"].message.endswith(" since Linux 4.14 (2 rules)")
