"""What the kernel itself says of a compiled ruleset: the proof's witnesses, the policy's flows, and what must stay."""

from __future__ import annotations

from collections.abc import Iterable

from rulec.host.compare import Report, compare
from rulec.host.derive import derive
from rulec.packetset.packet import read_packet
from rulec.policy import Policy
from rulec.syntax.ruleset import Ruleset


def verify_in_kernel(
    old: Iterable[Ruleset],
    new: Iterable[Ruleset],
    policy: Policy,
    witnesses: Iterable[str] = (),
    counterexamples: Iterable[str] = (),
    backend: str = "legacy",
) -> Report:
    """Load valid rulesets, one a family, as they were and as they are, and send packets through both.

    ``witnesses`` are packets that the certificate lists: it is known that only the
    new rulesets let them through.  ``counterexamples`` are packets for which both are to
    do the same.  Raises RulecError, with the reason, where it cannot be done.
    """
    old, named = tuple(old), [list(texts) for texts in (witnesses, counterexamples)]
    found = [derive(ruleset, policy, *_of(ruleset, named)) for ruleset in old]
    trials = [trial for one in found for trial in one.trials]
    report = compare(old, new, trials, backend, *(one.outside for one in found[:1]))
    return report._replace(skipped=(*(text for one in found for text in one.skipped), *report.skipped))


def _of(ruleset: Ruleset, named: list[list[str]]) -> list[list[str]]:
    """The packets of the family of a ruleset."""
    return [[text for text in texts if read_packet(text).bits == ruleset.family.bits] for texts in named]
