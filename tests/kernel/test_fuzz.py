"""Random rulesets and packets: the kernel counts what the packet sets foretell.

``python -m tests.kernel.fuzz --packets 200000`` does the same for longer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest

from rulec.model import Family
from tests.kernel.fuzz.__main__ import needs
from tests.kernel.fuzz.bed import Bed, bed
from tests.kernel.fuzz.coverage import Coverage
from tests.kernel.fuzz.matches import MAKERS
from tests.kernel.fuzz.packet import Packet
from tests.kernel.fuzz.rules import RulesetText, RuleText
from tests.kernel.fuzz.rulesets import Maker
from tests.kernel.fuzz.shrink import Case, smallest, told, verdict
from tests.kernel.fuzz.topology import number
from tests.kernel.fuzz.trial import Trial
from tests.kernel.fuzz.worker import Job, work

PACKETS = 1000

if reason := needs():
    pytest.skip(reason, allow_module_level=True)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["legacy", "nft"])
def test_the_kernel_counts_what_is_foretold(backend: str) -> None:
    report = work(Job(PACKETS, 1, (backend,), tuple(Family)))
    assert report.disagreements == []
    assert report.coverage.totals["packets"] >= PACKETS


def test_what_was_seldom_tried_is_drawn_more_often() -> None:
    kinds = Counter({f"match {name}": 50 for name in MAKERS})
    coverage = Coverage(hits=kinds, misses=kinds - Counter({"match helper": 50}))
    texts = [str(Maker(Random(seed), Family.IPV4, "legacy", coverage).ruleset()) for seed in range(200)]
    seldom, often = (sum(text.count(f"-m {name} ") for text in texts) for name in ("helper", "connlabel"))
    assert seldom > 2 * often > 0


@pytest.fixture(name="where")
def router() -> Iterator[Bed]:
    with bed("legacy") as made:
        yield made


FROM, TO = number("192.0.2.2"), number("192.0.2.1")
WEB = Packet(Family.IPV4, "lan0", FROM, TO, 6, sport=1024, dport=80)
OTHER = Packet(Family.IPV4, "lan0", FROM, TO, 17, sport=1024, dport=53)
RULES = (
    RuleText("filter", "INPUT", ("-p udp",), "-j DROP"),
    RuleText("filter", "INPUT", ("-s 192.0.2.0/24", "-p tcp -m tcp --dport 80"), "-j ACCEPT"),
)
TEXT = RulesetText(Family.IPV4, frozenset({("filter", "INPUT")}), (), RULES)


def test_a_disagreement_is_found_and_made_small(where: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the packet sets take every packet for one that comes to a wrong port, the kernel disagrees."""
    case = Case(TEXT, (OTHER, None, WEB))
    assert verdict(where, case) is None
    foretell = Trial.foresee
    monkeypatch.setattr(Trial, "foresee", lambda self, packet: foretell(self, _as_if_elsewhere(packet)))
    found = smallest(where, case)
    assert found.steps == (WEB,)
    assert [rule.parts for rule in found.text.rules] == [("-p tcp -m tcp --dport 80",)]
    result = verdict(where, found)
    assert result is not None
    assert "-p tcp -m tcp --dport 80: foretold 0, counted 1" in told(found, where, result)


def _as_if_elsewhere(packet: Packet) -> Packet:
    return Packet(packet.family, packet.via, packet.src, packet.dst, packet.proto, sport=1024, dport=81)
