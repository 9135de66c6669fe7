"""Counts for one ruleset which of its matches and targets were put to the test."""

from __future__ import annotations

from rulec.semantics.reach import Reach
from tests.kernel.fuzz.coverage import Coverage
from tests.kernel.fuzz.prediction import Met, Valuation, holds
from tests.kernel.fuzz.trial import Result, Trial


class Tally:
    """Adds the results of one trial to a coverage.

    A match has missed where it alone kept a rule from matching: only then does
    the counter say so.
    """

    def __init__(self, trial: Trial, coverage: Coverage) -> None:
        self.trial = trial
        self.coverage = coverage
        self._places: set[object] = set()

    def add(self, result: Result) -> None:
        """One packet."""
        coverage, foretold = self.coverage, result.foretold
        coverage.totals["packets"] += 1
        if result.path in self.trial.prediction.met:
            state = result.state if self.trial.tracked else "off"
            family, backend = self.trial.text.family.value, self.trial.bed.backend
            coverage.cells[result.path, family, backend, state] += 1
        coverage.totals["answers left open"] += len(foretold.perhaps)
        path = result.path if result.path in self.trial.prediction.met else "forward"
        for one in self.trial.prediction.met[path]:
            if one.place in foretold.reached and one.arrives.holds(foretold.valuation):
                self._rule(one, foretold.valuation)
                self._places.add(one.place)

    def finish(self) -> None:
        """The rules that some packet came to."""
        self.coverage.totals["rulesets"] += 1
        self.coverage.totals["rules met"] += len(self._places)

    def _rule(self, one: Met, packet: Valuation) -> None:
        matched = one.matches.holds(packet)
        if matched is None:
            return
        (self.coverage.hits if matched else self.coverage.misses)[f"target {target_of(one.reach)}"] += 1
        parts = self.trial.prediction.parts(one)
        if matched:
            names = {*parts, *(match.name for match in one.reach.step.rule.matches)}
            self.coverage.hits.update({f"match {name}" for name in names})
            return
        failed = [name for name, packets in parts.items() if not holds(packets.function, packet)]
        if len(failed) == 1:
            self.coverage.misses[f"match {failed[0]}"] += 1


def target_of(reach: Reach) -> str:
    """What a rule ends with, as the coverage lists it."""
    step = reach.step
    if step.goes_to:
        return "-g chain" if step.is_goto else "-j chain"
    return step.rule.target.name if step.rule.target is not None else "-"
