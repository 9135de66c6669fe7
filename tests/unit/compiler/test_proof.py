"""What the proof assumes and lists, and what its certificate says."""

from __future__ import annotations

import pytest

import rulec
from rulec.compiler.certificate import PARTS, Certificate
from rulec.compiler.proof.errors import NOT_OVER_LOOPBACK, PLAIN_ERRORS
from rulec.compiler.proof.flows import NOT_FROM_HOT, SAME_WAY, SERVERS_ONLY_ANSWER
from rulec.compiler.proof.helped import NOT_BY_PORT
from rulec.compiler.proof.nat import LOW_PORTS, OWN_ADDRESS
from rulec.compiler.prove import prove
from rulec.errors import InputError, Undecided
from rulec.model import Family
from rulec.packetset.packet import read_packet
from rulec.policy import read
from tests.unit.compiler.histories import Hot
from tests.unit.compiler.histories_cases import (
    APART,
    BEHIND,
    BOTH,
    CT,
    ERRORS,
    FETCHED,
    FETCHER,
    FETCHES_BOTH,
    FETCHING,
    FORWARDING,
    FROM_PEER,
    GROUPS,
    KNOWN,
    KNOWN_ON,
    KNOWN_OUT,
    LO,
    LO_OUT,
    MASQUERADE,
    ON,
    ON_UNTRACKED,
    OPEN,
    RAW,
    RAW_BEHIND,
    RAW_FETCHER,
    RAW_LO,
    REPLIES_BEHIND,
    ROUTER,
    STATEFUL,
    WEB,
    WITH_ERRORS,
    WITH_LOOPBACK,
    about,
    accepts,
    policy_text,
    ruleset,
)
from tests.unit.compiler.histories_packet import BACKEND, PEER

RIGHT = ruleset(LO, KNOWN, BOTH, raw=RAW)
FROM_BACKEND = f"-A FORWARD -s {BACKEND} {CT} NEW -j ACCEPT"
NOT_ADDRESSES = "the servers behind this host have no address of it"
ALWAYS = 2
"""What is assumed of every host stands at the end."""

HIGH = WEB._replace(port=40000)
RAW_HIGH = tuple(rule.replace("80", "40000") for rule in RAW)
LOGS = f"-A INPUT -p tcp --dport 80 {CT} NEW -j LOG"


def certificate(
    old: str, new: str, hot: Hot = WEB, family: str = "ipv4", more: str = "", memory: int = 1 << 30
) -> Certificate:
    """What the proof says; ``more`` is put into the entry of the policy."""
    policy, problems = read(policy_text(hot).replace("icmp-errors", f"{more}icmp-errors"), "policy.yaml")
    assert policy is not None, problems
    before, after = (rulec.parse(text, name, family) for text, name in ((old, "old"), (new, "new")))
    assert before.valid, before.findings
    assert after.valid, after.findings
    return prove(before, after, policy, memory)


def assumed(found: Certificate) -> set[str]:
    """What is assumed of this host in particular."""
    return set(found.assumptions[:-ALWAYS])


# ── assumptions ──


@pytest.mark.parametrize(
    ("hot", "old", "new", "expected"),
    [
        pytest.param(WEB, STATEFUL, RIGHT, set(), id="all may ask"),
        pytest.param(
            WEB, FROM_PEER, ruleset(LO, KNOWN, accepts("NEW,UNTRACKED", f"-s {PEER}"), raw=RAW), {NOT_FROM_HOT},
            id="answers to what the host asks from the port are lost",
        ),
        pytest.param(
            WEB, ruleset(LO, KNOWN, accepts(more="-i eth0")),
            ruleset(LO, KNOWN, accepts("NEW,UNTRACKED", "-i eth0"), raw=RAW), {SAME_WAY, NOT_FROM_HOT},
            id="a flow that changes the interface",
        ),
        pytest.param(
            BEHIND, FORWARDING, ruleset(KNOWN, KNOWN_ON, REPLIES_BEHIND, ON_UNTRACKED, raw=RAW_BEHIND),
            {NOT_ADDRESSES}, id="a server behind the host",
        ),
        pytest.param(
            BEHIND, ruleset(KNOWN, KNOWN_ON, ON, FROM_BACKEND),
            ruleset(KNOWN, KNOWN_ON, REPLIES_BEHIND, ON_UNTRACKED, FROM_BACKEND, raw=RAW_BEHIND),
            {NOT_ADDRESSES, SERVERS_ONLY_ANSWER}, id="a server that asks",
        ),
        pytest.param(
            WEB, ruleset(*ROUTER, accepts(), nat=MASQUERADE), ruleset(*ROUTER, BOTH, raw=RAW, nat=MASQUERADE),
            {LOW_PORTS}, id="beside MASQUERADE",
        ),
        pytest.param(
            WEB, ruleset(*ROUTER, accepts(), nat=APART), ruleset(*ROUTER, BOTH, raw=RAW, nat=APART), set(),
            id="beside MASQUERADE to other ports",
        ),
        pytest.param(
            FETCHER, ruleset(*ROUTER, nat=MASQUERADE[:1]), ruleset(*ROUTER, nat=MASQUERADE[:1]), set(),
            id="nothing is touched",
        ),
        pytest.param(
            FETCHER, FETCHING.replace("COMMIT\n", f"COMMIT\n*nat\n{APART[0]}\nCOMMIT\n"),
            ruleset(":OUTPUT DROP", LO, LO_OUT, FETCHED, KNOWN, FETCHES_BOTH, KNOWN_OUT, raw=RAW_FETCHER, nat=APART),
            {OWN_ADDRESS, f"{NOT_BY_PORT}h323 at tcp/1720, irc at tcp/6667, pptp at tcp/1723, ..."},
            id="the host's own requests are masqueraded",
        ),
        pytest.param(
            WITH_LOOPBACK, STATEFUL, ruleset(LO, KNOWN, BOTH, raw=RAW_LO), {NOT_OVER_LOOPBACK},
            id="the loopback is hot",
        ),
    ],
)  # fmt: skip
def test_assumes_what_is_needed(hot: Hot, old: str, new: str, expected: set[str]) -> None:
    assert assumed(certificate(old, new, hot)) == expected


def test_assumes_reserved_ports() -> None:
    """A hot port that programs may be given must be reserved for that."""
    old = ruleset(LO, KNOWN, accepts(hot=HIGH, more=f"-s {PEER}"))
    new = ruleset(LO, KNOWN, accepts("NEW,UNTRACKED", f"-s {PEER}", HIGH), raw=RAW_HIGH)
    assert [failure.part for failure in certificate(old, new, HIGH).failures] == ["kept"]
    found = certificate(old, new, HIGH, more="reserved: true, ")
    assert found.is_proved
    assert "the ports are reserved: net.ipv4.ip_local_reserved_ports=40000-40000" in assumed(found)


def test_assumes_plain_errors_of_ipv6() -> None:
    assert assumed(certificate(STATEFUL, RIGHT, family="ipv6")) == {PLAIN_ERRORS}


def test_assumes_that_unknown_matches_do_not_look_at_tracking() -> None:
    unknown = "-m policy --dir in --pol ipsec"
    old, new = (ruleset(LO, KNOWN, accepts(states, unknown)) for states in ("NEW", "NEW,UNTRACKED"))
    assert not any("-m policy" in each for each in assumed(certificate(STATEFUL, RIGHT)))
    assert any("-m policy" in each for each in assumed(certificate(old, new)))


# ── what is listed ──


@pytest.mark.parametrize(
    ("old", "new", "flows"),
    [
        pytest.param(STATEFUL, STATEFUL, [], id="nothing is touched"),
        pytest.param(STATEFUL, RIGHT, ["tcp * > * dport 80 in others"], id="stray packets to the port"),
        pytest.param(
            FROM_PEER, ruleset(LO, KNOWN, accepts("NEW,UNTRACKED", f"-s {PEER}"), raw=RAW),
            [f"tcp {PEER} > * dport 80 in others"], id="stray packets of one client",
        ),
        pytest.param(
            ruleset(LO, KNOWN, OPEN), ruleset(LO, KNOWN, OPEN, raw=RAW), [], id="they passed before",
        ),
    ],
)  # fmt: skip
def test_lists_exposures(old: str, new: str, flows: list[str]) -> None:
    hot = WEB if old != new else WEB._replace(port=443)
    found = certificate(old, new, hot).exposures
    assert [each.flows for each in found] == flows
    assert all(read_packet(each.packet) for each in found)


def test_lists_forged_errors() -> None:
    """Rules that let errors in look at what these speak of, and not at whether it was ever sent."""
    new = ruleset(LO, *ERRORS, KNOWN, BOTH, raw=RAW)
    without, found = (certificate(STATEFUL, text, WITH_ERRORS).exposures for text in (RIGHT, new))
    assert len(without) == 1
    assert found[0] == without[0]
    assert found[1].message == "ICMP errors about flows of no connection pass on the way input, which were dropped"
    packet = read_packet(found[1].packet)
    assert (packet["proto"], packet["inner_sport"]) == (1, 80)


@pytest.mark.parametrize("large", [1000, -1])
@pytest.mark.parametrize("kind", [4, 5])
def test_lists_forged_errors_that_no_flow_needs(kind: int, large: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A redirect says where packets are to be sent: it is not kept, and not let in in silence either."""
    monkeypatch.setattr("rulec.analysis.sides.LARGE", large)
    monkeypatch.setattr("rulec.semantics.walk.LARGE", large)
    (*_, found) = certificate(STATEFUL, ruleset(LO, about(kind), KNOWN, BOTH, raw=RAW)).exposures
    if large == 1000:
        assert found.flows == f"icmp * > * type {kind} in others"
    assert str(kind) in found.flows  # of a large table those are named, too, that passed before


@pytest.mark.parametrize(
    ("log", "message"),
    [
        (LOGS, "LOG on line 7 does not meet all that it met"),
        (LOGS.replace("NEW", "NEW,UNTRACKED"), "LOG on line 7 meets each packet of a flow, where it met the first"),
    ],
)
def test_lists_effects(log: str, message: str) -> None:
    found = certificate(ruleset(LO, KNOWN, LOGS, accepts()), ruleset(LO, KNOWN, log, BOTH, raw=RAW))
    assert found.is_proved
    assert [each.message for each in found.effects] == [message]


def test_lists_what_is_refused_and_was_dropped_in_silence() -> None:
    """Whoever looks for open ports is told now that this one is there."""
    both = accepts("NEW,UNTRACKED", f"-s {PEER}")
    refuses = "-A INPUT -p tcp --dport 80 -j REJECT"
    old = (FROM_PEER, ruleset(LO, KNOWN, accepts(more=f"-s {PEER}"), refuses))
    quiet, told, refused = (
        certificate(before, after).effects
        for before, after in (
            (old[0], ruleset(LO, KNOWN, both, raw=RAW)),
            (old[0], ruleset(LO, KNOWN, both, refuses, raw=RAW)),
            (old[1], ruleset(LO, KNOWN, both, refuses, raw=RAW)),
        )
    )
    assert quiet == refused == ()
    assert [each.message for each in told] == ["REJECT answers packets on the way input that were dropped in silence"]


# ── counterexamples and certificates ──


def test_multicast_listeners_are_no_flows() -> None:
    """Of IPv6 some ICMP is untracked by nature: where UNTRACKED is accepted wholesale it gets in."""
    wholesale = KNOWN.replace("RELATED", "RELATED,UNTRACKED")
    (failure,) = certificate(STATEFUL, ruleset(LO, wholesale, BOTH, raw=RAW), family="ipv6").failures
    assert failure.part == "frame"
    assert failure.packet.startswith("icmpv6 ")
    assert failure.packet.endswith("state UNTRACKED")


def test_names_the_deciding_rules() -> None:
    (failure,) = certificate(STATEFUL, ruleset(LO, KNOWN, accepts(), raw=RAW)).failures
    assert failure.packet == "tcp 198.51.100.7:40000 > 192.0.2.1:80 syn in eth0 state NEW"
    assert (failure.old_lines, failure.began) == ((7,), "")


def test_shows_how_a_flow_began() -> None:
    """A later packet comes with the first one."""
    case = next(case for case in GROUPS["one direction"] if case.name == "output unchanged")
    (failure,) = certificate(case.old, case.new).failures
    assert failure.path == "output"
    assert failure.began.endswith("state NEW")
    assert "dport" not in failure.began
    assert read_packet(failure.began)["dport"] == read_packet(failure.packet)["sport"] == 80


def test_certificate_says_what_was_compared() -> None:
    found = certificate(STATEFUL, ruleset(LO, *ERRORS, KNOWN, BOTH, raw=RAW), WITH_ERRORS)
    assert found.is_proved
    assert (found.family, found.old, found.new) == (Family.IPV4, "old", "new")
    assert found.hooks == ("PREROUTING", "INPUT", "OUTPUT")
    assert found.modules == ("xt_CT", "xt_addrtype", "xt_u32")
    assert found.tracking == (6, 7, 8, 9, 10)


def test_every_part_has_a_case() -> None:
    """Each part of the proof is refuted by some case, and by none that is right."""
    assert {case.part for cases in GROUPS.values() for case in cases} == {"", *PARTS}


def test_same_texts_same_certificate() -> None:
    assert certificate(STATEFUL, RIGHT) == certificate(STATEFUL, RIGHT)


def test_refuses_two_families() -> None:
    policy, _ = read(policy_text(WEB), "policy.yaml")
    assert policy is not None
    with pytest.raises(InputError, match="IPv4"):
        prove(rulec.parse(STATEFUL, family="ipv4"), rulec.parse(STATEFUL, family="ipv6"), policy)


def test_refuses_circles() -> None:
    policy, _ = read(policy_text(WEB), "policy.yaml")
    assert policy is not None
    circle = ruleset(":ONE -", ":TWO -", "-A ONE -j TWO", "-A TWO -j ONE", "-A INPUT -j ONE")
    with pytest.raises(InputError, match="circle: ONE > TWO > ONE"):
        prove(rulec.parse(STATEFUL, family="ipv4"), rulec.parse(circle, family="ipv4"), policy)


def test_gives_up_where_memory_ends() -> None:
    with pytest.raises(Undecided):
        certificate(STATEFUL, RIGHT, memory=1 << 16)


def test_synproxy_needs_the_rest_of_the_flow_tracked() -> None:
    """That its first packet is untracked already is as it is to be."""
    proxy = f"-A INPUT -p tcp --dport 80 {CT} INVALID,UNTRACKED -j SYNPROXY"
    syn = "-A PREROUTING -p tcp --dport 80 --syn -j CT --notrack"
    old = ruleset(LO, proxy, KNOWN, OPEN, raw=(syn,))
    found = certificate(old, ruleset(LO, proxy, KNOWN, OPEN, raw=(*RAW, syn)))
    assert any("SYNPROXY answers for this flow" in failure.message for failure in found.failures)
    assert certificate(old, old).is_proved


@pytest.mark.parametrize(("whose", "is_proved"), [("! --dst-type LOCAL", False), ("--dst-type LOCAL", True)])
def test_what_tproxy_takes_is_untracked_in_both_directions_or_in_none(whose: str, is_proved: bool) -> None:
    """The proxy answers for addresses of others, and NOTRACK rules for a server in OUTPUT take these answers."""
    rule = f"-A PREROUTING -p tcp -m tcp --dport 80 -m addrtype {whose} -j TPROXY --on-port 8080"
    proxy = f"*mangle\n:PREROUTING ACCEPT [0:0]\n{rule}\nCOMMIT\n"
    found = certificate(proxy + STATEFUL, proxy + RIGHT)
    assert found.is_proved is is_proved
    assert is_proved or {failure.part for failure in found.failures} == {"closed"}
