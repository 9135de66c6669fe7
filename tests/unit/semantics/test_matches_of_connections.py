"""What the matches ask of the connection of a packet, and what they say of a packet that has none.

The answers for packets without a connection were measured on Linux 6.18.
"""

from __future__ import annotations

import pytest

from tests.unit.semantics.asking import Packet, holds, matched, place

NEW: Packet = {
    "state": "NEW", "ctdir": "ORIGINAL", "ctstatus": "NONE", "connmark": 0, "snat": 0, "dnat": 1, "ctexpire": 30,
    "orig_proto": 17, "orig_src": "10.0.0.1", "orig_dst": "10.0.0.2", "orig_sport": 1000, "orig_dport": 53,
    "repl_src": "10.0.0.3", "repl_dst": "10.0.0.1", "repl_sport": 53, "repl_dport": 1000,
}  # fmt: skip
REPLY: Packet = {**NEW, "state": "ESTABLISHED", "ctdir": "REPLY", "ctstatus": "SEEN_REPLY,ASSURED,CONFIRMED"}
UNTRACKED: Packet = {**NEW, "state": "UNTRACKED"}
INVALID: Packet = {**NEW, "state": "INVALID"}
WITHOUT = (UNTRACKED, INVALID)


@pytest.mark.parametrize(
    ("plain", "negated"),
    [("-m state --state ", "-m state ! --state "), ("-m conntrack --ctstate ", "-m conntrack ! --ctstate ")],
)
@pytest.mark.parametrize(
    ("states", "matching"),
    [
        ("NEW", {"NEW"}),
        ("NEW,ESTABLISHED", {"NEW", "ESTABLISHED"}),
        ("RELATED,INVALID", {"RELATED", "INVALID"}),
        ("UNTRACKED", {"UNTRACKED"}),
        ("NEW,UNTRACKED", {"NEW", "UNTRACKED"}),
    ],
)
def test_states(plain: str, negated: str, states: str, matching: set[str]) -> None:
    for state in ("NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED"):
        packet = {**NEW, "state": state}
        assert holds(plain + states, packet) is (state in matching)
        assert holds(negated + states, packet) is (state not in matching)


@pytest.mark.parametrize(
    ("options", "new", "reply"),
    [
        ("--ctstate DNAT", True, True),
        ("--ctstate SNAT", False, False),
        ("! --ctstate ESTABLISHED,DNAT", False, False),
        ("--ctproto 17", True, True),
        ("! --ctproto 17", False, False),
        ("--ctproto 0", False, False),
        ("--ctorigsrc 10.0.0.77/24", True, True),
        ("! --ctorigdst 10.0.0.9", True, True),
        ("--ctreplsrc 10.0.0.3", True, True),
        ("--ctrepldst 10.0.0.2", False, False),
        ("--ctorigsrcport 1000:2000", True, True),
        ("--ctorigsrcport 2000:500", False, False),
        ("! --ctorigdstport 53", False, False),
        ("--ctreplsrcport 53 --ctrepldstport 1000", True, True),
        ("--ctstatus NONE", False, False),
        ("! --ctstatus NONE", True, True),
        ("--ctstatus EXPECTED,CONFIRMED", False, True),
        ("! --ctstatus ASSURED", True, False),
        ("--ctexpire 30", True, True),
        ("! --ctexpire 20:40", False, False),
        ("--ctexpire 5:3", False, False),
        ("--ctdir ORIGINAL", True, False),
        ("--ctdir REPLY", False, True),
        ("--ctstate NEW --ctproto 6", False, False),
        ("--ctstate NEW --ctproto 17 --ctdir ORIGINAL", True, False),
    ],
)
def test_options_of_conntrack(options: str, new: bool, reply: bool) -> None:
    assert [holds(f"-m conntrack {options}", packet) for packet in (NEW, REPLY)] == [new, reply]


@pytest.mark.parametrize(
    "options",
    [
        "--ctproto 17",
        "--ctorigsrc 10.0.0.1",
        "--ctrepldst 10.0.0.1",
        "--ctorigdstport 53",
        "--ctstatus NONE",
        "--ctstatus CONFIRMED",
        "--ctexpire 0:",
    ],
)
def test_without_a_connection_no_option_matches_negated_or_not(options: str) -> None:
    for packet in WITHOUT:
        assert holds(f"-m conntrack {options}", packet) is False
        assert holds(f"-m conntrack ! {options}", packet) is False
        assert holds("-m conntrack --ctdir ORIGINAL", packet) is False


@pytest.mark.parametrize(
    ("options", "untracked", "invalid"),
    [
        ("--ctstate NEW,UNTRACKED --ctorigdstport 80 --ctorigsrc 192.0.2.1", True, False),
        ("! --ctstate ESTABLISHED --ctproto 6", True, True),
        ("--ctstate INVALID,UNTRACKED --ctstatus CONFIRMED --ctdir REPLY", True, True),
        ("--ctstate NEW --ctproto 17", False, False),
        ("! --ctstate UNTRACKED ! --ctexpire 1", False, True),
        ("--ctstate DNAT", False, False),
        ("! --ctstate DNAT", True, True),
    ],
)
def test_beside_a_state_other_options_are_passed_over_without_a_connection(
    options: str, untracked: bool, invalid: bool
) -> None:
    assert [holds(f"-m conntrack {options}", packet) for packet in WITHOUT] == [untracked, invalid]


@pytest.mark.parametrize(
    ("rule", "connected", "without"),
    [
        ("-m connmark --mark 0", True, False),
        ("-m connmark ! --mark 0", False, False),
        ("-m connmark --mark 0/0", True, False),
        ("-m connmark ! --mark 1/0", True, False),
        ("-m helper --helper ftp", None, False),
        ("-m helper ! --helper ftp", None, True),
        ("-m connlabel --label 3", None, False),
        ("-m connlabel ! --label 3", None, True),
        ("-m connlabel --label 3 --set", None, False),
        ("-m connbytes --connbytes 5:9 --connbytes-mode bytes --connbytes-dir both", None, False),
        ("-m connbytes ! --connbytes 5:9 --connbytes-mode bytes --connbytes-dir both", None, False),
        ("-m cluster --cluster-total-nodes 2 --cluster-local-node 1 --cluster-hash-seed 1", None, False),
        ("-m cluster --cluster-total-nodes 2 ! --cluster-local-node 1 --cluster-hash-seed 1", None, False),
    ],
)
def test_other_matches_that_ask_for_a_connection(rule: str, connected: bool | None, without: bool) -> None:
    assert holds(rule, NEW) is connected
    assert [holds(rule, packet) for packet in WITHOUT] == [without, without]


def test_a_negated_range_of_one_number_of_bytes_loses_its_negation() -> None:
    where, rest = place(), "--connbytes 5:5 --connbytes-mode bytes --connbytes-dir both"
    assert matched(f"-m connbytes ! {rest}", where) == matched(f"-m connbytes {rest}", where)


def test_connections_that_nobody_counts_match_no_range() -> None:
    where, rest = place(), "--connbytes 5:9 --connbytes-mode bytes --connbytes-dir both"
    inside, outside = matched(f"-m connbytes {rest}", where), matched(f"-m connbytes ! {rest}", where)
    assert not inside.meets(outside)
    assert not where.has_connection <= inside | outside


def test_a_label_may_have_been_set_since() -> None:
    rule = "-m connlabel --label 3"
    assert matched(rule, place(visit=1)) != matched(rule, place(visit=2))


@pytest.mark.parametrize(
    "match",
    ["-m cluster --cluster-total-nodes 2 --cluster-hash-seed 1 {}--cluster-local-node 1", "-m helper {}--helper ftp"],
)
def test_of_packets_with_a_connection_the_negation_matches_the_others(match: str) -> None:
    where = place()
    plain, negated = matched(match.format(""), where), matched(match.format("! "), where)
    assert where.has_connection - plain == where.has_connection & negated
