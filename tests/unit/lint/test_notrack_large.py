"""The checks of the group notrack find in a large table what they find in a small one."""

from __future__ import annotations

import pytest

from rulec import api
from rulec.analysis.meaning import walked
from rulec.analysis.untracked import Untracking
from rulec.diagnostics import Finding
from rulec.packetset.packet import as_set, read_packet
from rulec.semantics import walk
from rulec.semantics.paths import PATHS
from rulec.semantics.ruleset import Prepared
from tests.unit.lint.linting import found
from tests.unit.lint.notrack import ANSWERS, BOTH, KNOWN, SERVER, table, text
from tests.unit.lint.test_notrack import CASES, SILENT


@pytest.fixture
def all_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "LARGE", 0)


@pytest.mark.usefixtures("all_are_large")
@pytest.mark.parametrize(("slug", "ruleset", "rule", "witness"), CASES)
def test_finds_the_same(slug: str, ruleset: str, rule: str, witness: str) -> None:
    (finding,) = found(slug, ruleset)
    assert finding.labels[0].source.line(finding.line).removeprefix("-A ") == rule
    assert bool(finding.witness) is bool(witness)


@pytest.mark.usefixtures("all_are_large")
@pytest.mark.parametrize(("slug", "ruleset"), SILENT)
def test_is_silent_alike(slug: str, ruleset: str) -> None:
    assert found(slug, ruleset) == []


RULESETS = [
    text((KNOWN, BOTH)),
    text((KNOWN, "INPUT -s 192.0.2.7 " + BOTH[6:], "INPUT -m set --match-set friends src -j ACCEPT")),
    text((KNOWN, BOTH), SERVER, table("nat", "PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 8080")),
    text((KNOWN,), ("PREROUTING -p tcp --dport 80 -j NOTRACK", "PREROUTING -p udp -j DROP", ANSWERS)),
]


@pytest.mark.usefixtures("all_are_large")
@pytest.mark.parametrize("ruleset", RULESETS)
def test_a_few_packets_alone_fare_as_among_all(ruleset: str) -> None:
    known = walked(Prepared(api.parse(ruleset, family="ipv4")))
    for path in PATHS:
        asks = Untracking(known)
        *alone, whole = asks.instead.pieces(path, asks.walked.possible[path] & asks.begins)
        assert len(alone) == 3
        for sent in alone:
            assert sent.packets <= whole.packets
            assert sent.passing == (sent.packets & whole.passing)


@pytest.mark.usefixtures("all_are_large")
@pytest.mark.parametrize("often", [0, 100])
def test_what_is_asked_often_gets_the_same_answer(often: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rulec.analysis.untracked._OFTEN", often)
    asks = Untracking(walked(Prepared(api.parse(RULESETS[1], family="ipv4"))))
    packets = asks.walked.possible["input"] & asks.begins
    assert asks.accepted("input", packets) == (packets & asks.walked.meaning.way("input").accepted).possibly()


def shown(finding: Finding) -> bool:
    """Whether the packets of a witness are let through by some NOTRACK rule's flow, and would not be else."""
    asks = Untracking(walked(Prepared(api.parse(finding.place.source.text, family="ipv4"))))
    packets = as_set(read_packet(finding.witness), asks.space)
    return any(asks.untracked(path).meets(packets) for path in PATHS)


@pytest.mark.usefixtures("all_are_large")
def test_the_witness_is_one_of_the_untracked() -> None:
    for slug, ruleset, *_ in CASES:
        if slug == "untracked-accepted-wholesale" and "::" not in ruleset:
            (finding,) = found(slug, ruleset)
            assert shown(finding)
