"""One process: rulesets, packets, and what came of them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import cycle, islice
from random import Random

import rulec
from rulec.model import VERDICTS, Family
from rulec.packetset.space import TooLarge
from tests.kernel.conftest import run_in
from tests.kernel.fuzz.aim import Archer
from tests.kernel.fuzz.bed import Bed, bed
from tests.kernel.fuzz.counters import saved
from tests.kernel.fuzz.coverage import Coverage
from tests.kernel.fuzz.rules import RulesetText
from tests.kernel.fuzz.rulesets import Maker
from tests.kernel.fuzz.shrink import Case, smallest, told, verdict
from tests.kernel.fuzz.tally import Tally
from tests.kernel.fuzz.trial import Refused, Step, Trial

MOST_PACKETS = 100
_MOST_REPORTS = 5
_PROGRESS = 10_000
_CHECKED = 10
"""Of how many rulesets one is also read by iptables-save."""


@dataclass(frozen=True)
class Job:
    """What a process has to do."""

    packets: int
    seed: int
    backends: tuple[str, ...]
    families: tuple[Family, ...]


@dataclass
class Report:
    """What came of it."""

    coverage: Coverage = field(default_factory=Coverage)
    disagreements: list[str] = field(default_factory=list)

    def disagree(self, found: str) -> None:
        """Remember a disagreement, and tell it at once: a long run may be broken off."""
        self.disagreements.append(found)
        print(f"\n{found}\n", file=sys.stderr, flush=True)


def work(job: Job) -> Report:
    """Do a job, up to its end or to so many disagreements that more would not help."""
    report, random, told_of = Report(), Random(job.seed), 0
    with ExitStack() as stack:
        beds = [stack.enter_context(bed(backend)) for backend in job.backends]
        turns = cycle([(one, family) for family in job.families for one in beds])
        for where, family in turns:
            done = report.coverage.totals["packets"]
            if done // _PROGRESS > told_of:
                told_of = done // _PROGRESS
                print(f"{done} packets, {len(report.disagreements)} disagreements", file=sys.stderr, flush=True)
            left = job.packets - done
            if left <= 0 or len(report.disagreements) >= _MOST_REPORTS:
                return report
            _ruleset(where, Random(random.getrandbits(64)), family, min(left, MOST_PACKETS), report)
    return report


def _ruleset(where: Bed, random: Random, family: Family, packets: int, report: Report) -> None:
    maker = Maker(random, family, where.backend, report.coverage)
    text = maker.ruleset()
    if not rulec.parse(str(text), family=family.value).valid:
        report.coverage.totals["rulesets not valid"] += 1
        return
    try:
        trial = Trial(where, text)
    except TooLarge:
        report.coverage.totals["rulesets too large"] += 1
        return
    except Refused as refused:
        if _lacking(where, text):
            report.coverage.totals["rulesets that this kernel has no extension for"] += 1
        else:
            report.disagree(f"refused by {where.backend}: {refused}\n{text}")
        return
    _packets(trial, maker, packets, report)


def _lacking(where: Bed, text: RulesetText) -> bool:
    """Whether the kernel lacks a match or target of a ruleset, now that it was asked for it."""
    kind = "ip" if text.family is Family.IPV4 else "ip6"
    for role, found in (("matches", r"-m (\S+)"), ("targets", r"-j ([A-Z]+)\b")):
        known = {*run_in(where.router, "cat", f"/proc/net/{kind}_tables_{role}").stdout.split(), "comment", *VERDICTS}
        if not known.issuperset(re.findall(found, str(text))):
            return True
    return False


def _packets(trial: Trial, maker: Maker, packets: int, report: Report) -> None:
    tally = Tally(trial, report.coverage)
    sent: list[Step] = []
    limit = packets + report.coverage.totals["packets"]
    for step in islice(_steps(trial, maker), 4 * packets):
        sent.append(step)
        result = trial.step(step)
        if result is None:
            continue
        if result.disagreements:
            found = _told(trial.bed, Case(trial.text, tuple(sent)))
            if found:
                report.disagree(found)
            else:
                report.coverage.totals["disagreements that did not happen again"] += 1
            return
        tally.add(result)
        if report.coverage.totals["packets"] >= limit:
            break
    tally.finish()
    if report.coverage.totals["rulesets"] % _CHECKED == 0:
        _check_counters(trial)


def _steps(trial: Trial, maker: Maker) -> Iterator[Step]:
    return Archer(trial, maker.values, maker.coverage).steps()


def _check_counters(trial: Trial) -> None:
    """The counters as iptables-save prints them are those that were read."""
    seen = trial.counts()
    printed = saved(trial.bed.backend, trial.bed.router, trial.text.family)
    different = {place for place in seen if printed.get(place) != seen[place]}
    if different:
        raise AssertionError(f"iptables-save counts otherwise: {different}")


def _told(where: Bed, case: Case) -> str:
    """The disagreement, once it was seen a second time, and made small."""
    if not verdict(where, case):
        return ""
    case = smallest(where, case)
    result = verdict(where, case)
    return told(case, where, result) if result else ""
