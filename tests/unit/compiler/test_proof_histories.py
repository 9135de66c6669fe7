"""The second reading of rules and of tracking says what the kernel was measured to do."""

from __future__ import annotations

import pytest

from tests.unit.compiler import histories_u32 as u32
from tests.unit.compiler.histories_cases import ABOUT_80, CT, KNOWN, NOTRACK, RAW, ruleset
from tests.unit.compiler.histories_host import Host
from tests.unit.compiler.histories_packet import OTHER, OWN, PEER, Packet
from tests.unit.compiler.histories_rules import Seen, Unknown, rules, verdict
from tests.unit.compiler.histories_tracking import Entry, tracked

SYN = Packet("tcp", PEER, 40000, OWN, 80, "S")
BACK = Packet("tcp", OWN, 80, PEER, 40000, "SA")
HERE = Packet("tcp", OWN, 40000, OWN, 80, "S")
HERE_BACK = Packet("tcp", OWN, 80, OWN, 40000, "SA")
EVERYWHERE = tuple(rule.replace("! -i lo ", "").replace("! -o lo ", "") for rule in RAW)
TRACKS = f"-A FORWARD {CT} NEW -j ACCEPT"


# ── tracking ──


@pytest.mark.parametrize(
    ("flags", "state"), [("S", "NEW"), ("A", "NEW"), ("SA", "INVALID"), ("R", "INVALID"), ("", "INVALID")]
)
def test_first_packets(flags: str, state: str) -> None:
    assert tracked(None, SYN._replace(flags=flags)).state == state


@pytest.mark.parametrize(
    ("sent", "states"),
    [
        ("S SA< A A<", "NEW ESTABLISHED ESTABLISHED ESTABLISHED"),
        ("S S SA< S", "NEW NEW ESTABLISHED ESTABLISHED"),
        ("S A", "NEW INVALID"),
        ("S R< S", "NEW ESTABLISHED NEW"),
        ("S R S", "NEW NEW NEW"),
        ("A A<", "NEW ESTABLISHED"),
        ("S S< SA", "NEW ESTABLISHED ESTABLISHED"),
    ],
)
def test_connections(sent: str, states: str) -> None:
    """A history of packets, those of the other side with ``<``."""
    entry: Entry | None = None
    found = []
    for flags in sent.split():
        packet = BACK if flags.endswith("<") else SYN
        seen = tracked(entry, packet._replace(flags=flags.removesuffix("<")))
        entry = seen.passed
        found.append(seen.state)
    assert " ".join(found) == states


def test_datagrams() -> None:
    """A flow of UDP is established as soon as it is answered."""
    asks, answers = SYN._replace(protocol="udp", flags=""), BACK._replace(protocol="udp", flags="")
    first = tracked(None, asks)
    again = tracked(first.passed, asks)
    answer = tracked(again.passed, answers)
    assert [first.state, again.state, answer.state] == ["NEW", "NEW", "ESTABLISHED"]
    assert tracked(answer.passed, asks).state == "ESTABLISHED"


def test_errors() -> None:
    """An ICMP error is RELATED to an entry, and INVALID where there is none."""
    error = Packet("icmp", PEER, 0, OWN, 0, "", BACK, 3)
    assert tracked(None, error).state == "INVALID"
    assert tracked(tracked(None, SYN).passed, error).state == "RELATED"


def test_what_is_dropped_leaves_no_entry() -> None:
    closed, opened = Host(rules(ruleset(KNOWN))), Host(rules(ruleset(":INPUT ACCEPT", TRACKS)))
    assert closed.sent(None, SYN).entry is None
    assert opened.sent(None, SYN).entry == Entry((PEER, 40000), "SS")


# ── rules ──


@pytest.mark.parametrize(
    ("asked", "matches"),
    [
        ("--ctstate NEW", False), ("! --ctstate NEW", True), ("--ctstate INVALID", False),
        ("! --ctstate ESTABLISHED,RELATED", True), ("--ctstate NEW,UNTRACKED", True),
        ("! --ctstate NEW,UNTRACKED", False),
    ],
)  # fmt: skip
def test_what_an_untracked_packet_matches(asked: str, matches: bool) -> None:
    """The table of what states say of it."""
    found = verdict(rules(ruleset(f"-A INPUT -m conntrack {asked} -j ACCEPT")), "filter", "INPUT", seen("UNTRACKED"))
    assert (found.name == "ACCEPT") == matches


@pytest.mark.parametrize(
    ("raw", "untracked"),
    [
        ((NOTRACK,), True),
        (("-j ACCEPT", NOTRACK), False),
        ((NOTRACK, "-j DROP"), True),
        (("-s 198.51.100.8 -j ACCEPT", NOTRACK), True),
        (("-p tcp -j NOTRACK",), True),
        (("-p tcp --sport 80 -j NOTRACK",), False),
        (("-p udp -j NOTRACK",), False),
    ],
)
def test_notrack(raw: tuple[str, ...], untracked: bool) -> None:
    """It does not end the chain, and is not reached behind what does."""
    lines = tuple(f"-A PREROUTING {rule}" for rule in raw)
    assert Host(rules(ruleset(TRACKS, raw=lines))).is_untracked(SYN) == untracked


def test_without_a_rule_that_asks_nothing_is_tracked() -> None:
    host = Host(rules(ruleset(":INPUT ACCEPT")))
    assert host.sent(None, SYN) == (True, "UNTRACKED", None, None)


def test_own_chains() -> None:
    """RETURN, and the end of the chain, lead back."""
    text = ruleset(":OWN -", "-A INPUT -j OWN", f"-A INPUT -s {OTHER} -j DROP", "-A INPUT -j ACCEPT",
                   f"-A OWN -s {OTHER} -j RETURN", "-A OWN -p tcp --dport 80 -j DROP")  # fmt: skip
    answers = [
        verdict(rules(text), "filter", "INPUT", seen("NEW", packet)).name
        for packet in (SYN, SYN._replace(dport=22), SYN._replace(source=OTHER))
    ]
    assert answers == ["DROP", "ACCEPT", "DROP"]


def test_refuses_what_it_does_not_know() -> None:
    with pytest.raises(Unknown):
        rules(ruleset("-A INPUT -m limit --limit 1/s -j ACCEPT"))
    with pytest.raises(Unknown):
        rules(ruleset("-A INPUT -j TARPIT"))
    with pytest.raises(Unknown):
        rules(ruleset(nat=("-A POSTROUTING -j MASQUERADE",)))


def seen(state: str, packet: Packet = SYN) -> Seen:
    """A packet that comes in from outside."""
    return Seen(packet, "eth0", "", state)


# ── hooks ──


def test_the_loopback_half_untracked() -> None:
    """The plain recipe: a request has its state from OUTPUT, answers are untracked, what follows is INVALID there."""
    host = Host(rules(ruleset("-A INPUT -i lo -j ACCEPT", KNOWN, raw=EVERYWHERE)))
    asked = host.sent(None, HERE)
    assert (asked.passed, asked.state) == (True, "NEW")
    answered = host.sent(asked.entry, HERE_BACK)
    assert (answered.passed, answered.state) == (True, "UNTRACKED")
    later = host.sent(answered.entry, HERE._replace(flags="A"))
    assert (later.passed, later.state) == (True, "UNTRACKED")
    assert later.entry == Entry((OWN, 40000), "SS"), "the entry waits for an answer"


def test_the_loopback_half_untracked_where_output_is_filtered() -> None:
    """Then what follows does not leave."""
    host = Host(rules(ruleset(":INPUT ACCEPT", f"-A OUTPUT {CT} INVALID -j DROP", raw=EVERYWHERE)))
    waiting = host.sent(None, HERE).entry
    assert host.sent(waiting, HERE._replace(flags="A")) == (False, "INVALID", waiting, None)


@pytest.mark.parametrize(
    ("raw", "states", "leaves"),
    [
        ((), "RELATED", True), ((), "INVALID", False), (RAW, "RELATED", False), (RAW, "UNTRACKED", False),
        (RAW, "INVALID", True),
    ],
)  # fmt: skip
@pytest.mark.parametrize("how", ["REJECT", "REJECT --reject-with tcp-reset"])
def test_answers_of_reject(raw: tuple[str, ...], states: str, leaves: bool, how: str) -> None:
    """They are RELATED to a tracked packet, and INVALID where it is untracked, whatever NOTRACK says in OUTPUT."""
    text = ruleset(":OUTPUT DROP", f"-A INPUT -p tcp -j {how}", f"-A OUTPUT {CT} {states} -j ACCEPT", raw=raw)
    assert Host(rules(text)).sent(None, SYN).answer is leaves


def test_nothing_is_answered_to_a_reset() -> None:
    text = ruleset("-A INPUT -p tcp -j REJECT --reject-with tcp-reset", TRACKS)
    assert Host(rules(text)).sent(None, SYN._replace(flags="R")).answer is None


def test_invalid_errors_before_the_filter() -> None:
    """A rule in the table mangle that drops what is INVALID drops errors about untracked packets, not these."""
    text = ruleset(":INPUT ACCEPT", raw=RAW, mangle=(f"-A PREROUTING {CT} INVALID -j DROP",))
    assert Host(rules(text)).sent(None, SYN).passed
    assert not Host(rules(text)).sent(None, Packet("icmp", PEER, 0, OWN, 0, "", BACK, 3)).passed


# ── u32 ──


@pytest.mark.parametrize(
    ("about", "tests", "expected"),
    [
        (BACK, ABOUT_80, True),
        (BACK._replace(sport=22), ABOUT_80, False),
        (BACK._replace(protocol="udp"), ABOUT_80, False),
        (BACK, "0>>22&0x3C@14&0xFF=6&&0>>22&0x3C@8>>22&0x3C@8&0xFFFF=32768:60999", True),
        (BACK, "0>>22&0x3C@20=0xC0000201&&0>>22&0x3C@24=0xC6336407", True),
        (BACK, "0>>22&0x3C@24=0xC6336408,0xC6336409", False),
        (BACK, "6&0xFF=1", True),
        (BACK, "6&0xFF=1&&8>>24=63", False),
        (BACK, "1000=0", False),
    ],
)
def test_u32(about: Packet, tests: str, expected: bool) -> None:
    """What an error speaks of, by protocol, ports and addresses."""
    assert u32.matches(Packet("icmp", PEER, 0, OWN, 0, "", about, 3), tests) == expected
