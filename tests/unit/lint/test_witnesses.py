"""The packets that findings show: the rule would match them, and others take them."""

from __future__ import annotations

import pytest

from rulec import api
from rulec.analysis.dead import dead_rules
from rulec.analysis.meaning import walked
from rulec.analysis.rules import DeadRule, Reason, Structure
from rulec.analysis.visits import Walked
from rulec.packetset.packet import as_set, read_packet
from rulec.semantics.ruleset import Prepared
from tests.unit.lint.test_fixes import by_chance


def shows_it(known: Walked, rule: DeadRule) -> bool:
    """Whether a witness is what the rule asks for, and one of the others meets it."""
    witness = as_set(read_packet(rule.witness), known.space)
    reaches = [reach for way in known.meaning.ways for reach in way.reaches]
    own = [reach for reach in reaches if reach.step.line == rule.line]
    others = [reach for reach in reaches if reach.step.line in rule.by]
    return any(known.matched(reach).meets(witness) for reach in own) and any(
        reach.matches.meets(witness) for reach in others
    )


@pytest.mark.parametrize("seed", range(40))
def test_witness_shows_what_the_finding_says(seed: int) -> None:
    known = walked(Prepared(api.parse(by_chance(seed))))
    for rule in dead_rules(known, Structure()):
        taken = rule.reason in (Reason.TAKEN, Reason.OTHERWISE)
        assert bool(rule.witness) is taken
        assert not taken or shows_it(known, rule), rule
