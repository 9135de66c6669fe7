"""Nothing is there for nothing: each guard and each word of the new rules has a ruleset that goes wrong without it."""

from __future__ import annotations

import pytest

from rulec.compiler.compile import compile_ruleset
from rulec.compiler.guards import GUARDS
from rulec.errors import Refused
from rulec.packetset.packet import read_packet
from tests.compile_fuzz.parts import (
    GUARDED,
    HOSTS,
    OF_CAUTION,
    PARTS,
    Guard,
    Part,
    read_ruleset,
    without_guard,
    without_part,
)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: f"{part.host}: {part.word or part.has} in {part.line}")
def test_a_part_is_needed(part: Part) -> None:
    """Without it the proof has a counterexample."""
    failures = without_part(part).failures
    assert part.fails in [failure.part for failure in failures], failures
    assert all(read_packet(failure.packet) for failure in failures)


@pytest.mark.parametrize("host", HOSTS)
def test_all_together_are_proved(host: str) -> None:
    text, policy = HOSTS[host]
    certificate = compile_ruleset(read_ruleset(text), policy).certificate
    assert certificate is not None
    assert certificate.is_proved


@pytest.mark.parametrize("guard", GUARDED, ids=lambda guard: guard.name)
def test_a_guard_is_needed(guard: Guard) -> None:
    """Without it the proof has a counterexample; with it something is refused, or done otherwise."""
    try:
        certificate = compile_ruleset(read_ruleset(guard.host.text), guard.host.policy).certificate
        assert guard.name not in GUARDS
        assert certificate is not None
        assert certificate.is_proved
    except Refused:
        pass
    broken = without_guard(guard)
    assert broken is not None
    assert guard.fails in [failure.part for failure in broken.failures], broken.failures


def test_every_guard_is_needed_or_of_caution() -> None:
    needed = {guard.name for guard in GUARDED} - {"limit", "wholesale"}
    assert needed | OF_CAUTION.keys() == GUARDS
    assert not needed & OF_CAUTION.keys()
