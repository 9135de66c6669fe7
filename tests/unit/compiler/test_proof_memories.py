"""What the proof says of rules that remember packets, on a router that shuts out who knocks too often."""

from __future__ import annotations

from pathlib import Path

import pytest

from rulec.compiler.certificate import Certificate
from rulec.compiler.proof.flows import SAME_WAY, SERVERS_ONLY_ANSWER
from rulec.compiler.prove import prove
from tests.unit.compiler.test_cases import parts, ruleset, wanted

ROUTER = Path(__file__).resolve().parents[2].joinpath("golden", "compile_cases", "wholesale_untracked.rules")
CASE = parts(ROUTER)


def certificate(new: str) -> Certificate:
    return prove(ruleset(CASE.text, ROUTER), ruleset(new, ROUTER), wanted(CASE.policy))


def without(*words: str) -> str:
    """The compiled ruleset without the rules that hold some words."""
    lines = CASE.expected.splitlines(keepends=True)
    return "".join(line for line in lines if not all(word in line for word in words))


def test_is_proved_where_packets_take_the_way_of_their_flow() -> None:
    """SNAT beside it does not matter: of an untracked packet nothing is known, and nothing is rewritten."""
    found = certificate(CASE.expected)
    assert found.failures == ()
    assert {SAME_WAY, SERVERS_ONLY_ANSWER} <= set(found.assumptions)


@pytest.mark.parametrize(
    ("new", "part", "says"),
    [
        # The list of those who knock sees all packets that come from clients, and shuts out running connections.
        (without("--dport 443", "! --tcp-flags"), "effects", "recent counts other packets now"),
        # The same of answers.
        (without("-j web-answers"), "effects", "recent counts other packets now"),
        # A server that begins connections from the hot port is not counted any more, nor shut out.
        (CASE.expected.replace("NEW,UNTRACKED -m tcp --dport 22", "NEW -m tcp --dport 22"), "opened", "new connection"),
    ],
)
def test_is_refuted(new: str, part: str, says: str) -> None:
    assert new != CASE.expected
    found = [failure for failure in certificate(new).failures if failure.part == part]
    assert any(says in failure.message for failure in found)
