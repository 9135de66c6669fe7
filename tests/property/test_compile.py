"""Random small rulesets and policies: each is compiled and proved, or refused with a reason at its place.

``python -m tests.compile_fuzz --cases 20000`` does the same for longer.
"""

from __future__ import annotations

from collections import Counter

import pytest

from rulec.compiler.prove import prove
from rulec.model import Family
from rulec.policy import read
from tests.compile_fuzz.outcome import Case, outcome, random_case

CASES = 1000
SHARE = 50


@pytest.mark.parametrize("first", range(0, CASES, SHARE))
def test_it_is_proved_or_refused(first: int) -> None:
    """What is proved compiles to itself."""
    kinds: Counter[str] = Counter()
    for number in range(first, first + SHARE):
        found = outcome(case := random_case(number))
        assert found.kind != "wrong", f"{case}\n{found.why}"
        kinds[found.kind] += 1
    assert kinds["proved"] >= SHARE // 10
    assert kinds["refused"] >= SHARE // 10
    assert kinds["undecided"] <= SHARE // 10


def test_a_case_is_always_the_same() -> None:
    assert str(random_case(7)) == str(random_case(7)) != str(random_case(8))


SYN_TWICE = """\
*mangle
:PREROUTING ACCEPT [0:0]
-A PREROUTING -m state --state INVALID -j DROP
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT DROP [0:0]
-A INPUT -m state --state NEW,RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -m state --state NEW,RELATED,ESTABLISHED -j ACCEPT
-A OUTPUT -m state --state ESTABLISHED -j ACCEPT
-A OUTPUT -p tcp -m tcp --syn -m state --state NEW -j REJECT
COMMIT
"""
LOOPED = """\
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m state --state NEW,RELATED,ESTABLISHED -j ACCEPT
COMMIT
"""
SERVER = "role: server, protocol: tcp, ports: [22], icmp-errors: leave"
BEHIND = "role: forward, protocol: tcp, ports: [80], servers: [10.1.2.3]"


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        (SYN_TWICE, (SERVER,)),
        (SYN_TWICE, (SERVER, BEHIND)),
        (LOOPED, (f"{SERVER}, loopback: hot",)),
    ],
)
def test_what_once_went_wrong(text: str, entries: tuple[str, ...]) -> None:
    """Flags asked for twice, new chains behind a table that grows, copies that are made each time."""
    listed = "".join(f"  - {{name: hot{number}, {entry}}}\n" for number, entry in enumerate(entries))
    policy, problems = read(f"version: 1\nmode: notrack\nhot:\n{listed}", "policy.yaml")
    assert policy is not None, problems
    found = outcome(Case(0, Family.IPV4, text, policy))
    assert found.kind in ("proved", "refused"), found.why


def test_what_cannot_leave_over_the_loopback_does_not_begin_there() -> None:
    """Answers over the loopback that no flow needs are refuted, though what comes in there is accepted."""
    head = "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\n"
    asks = "-A OUTPUT -p tcp -m tcp --dport 443 {}-j ACCEPT\n"
    old = head + asks.format("-m state --state NEW ") + "-A OUTPUT -m state --state ESTABLISHED -j ACCEPT\nCOMMIT\n"
    new = head + asks.format("") + "-A OUTPUT -o lo -p udp -m addrtype --dst-type LOCAL -j ACCEPT\nCOMMIT\n"
    policy, problems = read(
        f"version: 1\nmode: stateless\nlosses: accept\nhot:\n  - {{name: hot, {SERVER}}}\n", "policy.yaml"
    )
    assert policy is not None, problems
    case = Case(0, Family.IPV4, old, policy)
    failures = prove(case.ruleset(), case.ruleset(new), policy).failures
    assert any(one.part == "opened" and one.packet.startswith("udp") for one in failures), failures
