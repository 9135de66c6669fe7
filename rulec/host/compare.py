"""Two rulesets before the real kernel: the same trials through each, and what differs."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from rulec.errors import RulecError
from rulec.host import lab_namespaces
from rulec.host.lab_scenes import Job
from rulec.host.lab_sets import wanted
from rulec.host.trial import OTHER_LINK, Expected, Kind, Left, Outcome, Step, Trial
from rulec.host.trial_words import words
from rulec.syntax.ruleset import Ruleset

_PATIENCE = 300.0
_DELIVERED = "delivered"
_FROM = re.compile(r" from (\S+) to ")
_KINDS = (Expected.SAME, Expected.MORE, Expected.LESS)

Pairs = tuple[tuple[Outcome, Outcome], ...]
"""What came of each trial under the old ruleset, and under the new one."""


class Report(NamedTuple):
    """What came of a comparison, in lines that a person can read.

    ``differences`` speak against the new ruleset.  What else differs is as it
    should be: ``exposures`` pass the new ruleset alone, as the certificate lists,
    ``assumptions`` are lost under a named assumption.  ``skipped`` could not be tried.
    ``outcomes`` are those of each trial under both.
    """

    backend: str
    trials: tuple[Trial, ...]
    outcomes: Pairs
    differences: tuple[str, ...]
    exposures: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()

    @property
    def is_same(self) -> bool:
        """Whether nothing speaks against the new ruleset."""
        return not self.differences

    def lines(self) -> Iterator[str]:
        """All of it."""
        delivered = sum(word.startswith(_DELIVERED) for _, new in self.outcomes for word in new.steps)
        flows = f"{len(self.trials)} flows through each ruleset ({self.backend})"
        yield f"{flows}: {delivered} packets and transfers delivered, {len(self.differences)} differences"
        yield from (f"different: {line}" for line in self.differences)
        yield from _in_short("exposed, as the certificate lists", self.exposures)
        yield from _in_short("lost, as assumed", self.assumptions)
        yield from (f"not tried: {line}" for line in self.skipped)


def _in_short(heading: str, lines: Iterable[str]) -> Iterator[str]:
    """One line for all that a trial of the same kind has told."""
    told: dict[str, list[str]] = {}
    for line in lines:
        told.setdefault(line.partition(":")[0], []).append(line)
    for first, *others in told.values():
        yield f"{heading}: {first}" + (f", and {len(others)} more like it" if others else "")


def compare(
    old: Iterable[Ruleset],
    new: Iterable[Ruleset],
    trials: Sequence[Trial],
    backend: str = "legacy",
    outside: str = OTHER_LINK,
) -> Report:
    """Send trials through two hosts, each with its rulesets (one a family), and tell what differs.

    ``outside`` is the link for what has no other route.  Raises RulecError, with
    the reason, where it cannot be done: no permission, no tools, a ruleset that
    the kernel refuses.
    """
    missing = lab_namespaces.missing_tools()
    if missing:
        raise RulecError(missing)
    trials = tuple(trials)
    jobs = [_job(rulesets, trials, backend, outside) for rulesets in (old, new)]
    pairs = _outcomes(jobs)
    report = _report(backend, trials, pairs, pairs)
    return report if report.is_same else _report(backend, trials, pairs, _outcomes(jobs))


def _report(backend: str, trials: tuple[Trial, ...], pairs: Pairs, again: Pairs) -> Report:
    """What differs each time: of what comes out otherwise the second time, chance decides."""
    found: dict[Expected | None, list[str]] = {kind: [] for kind in (*_KINDS, None)}
    for trial, pair, second in zip(trials, pairs, again, strict=True):
        told = list(differences(trial, *pair))
        if told and pair != second:
            told = [(None, f"{trial}: it does not come out the same each time")]
        for kind, line in told:
            found[kind].append(line)
    return Report(backend, trials, pairs, *(tuple(lines) for lines in found.values()))


def _job(rulesets: Iterable[Ruleset], trials: tuple[Trial, ...], backend: str, outside: str) -> Job:
    rulesets = tuple(rulesets)
    texts = tuple((ruleset.family, ruleset.source.name, ruleset.source.text) for ruleset in rulesets)
    return Job(texts, trials, backend, outside, wanted(rulesets))


def _outcomes(jobs: Sequence[Job]) -> Pairs:
    """What came of both jobs, each in a process of its own, at the same time."""
    command, pipe = [sys.executable, "-m", "rulec.host.lab_worker"], subprocess.PIPE
    paths = os.pathsep.join([str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])])
    env = {**os.environ, "PYTHONPATH": paths}
    workers = [subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=env) for _ in jobs]
    try:
        for worker, job in zip(workers, jobs, strict=True):
            assert worker.stdin is not None
            worker.stdin.write(pickle.dumps(job))
            worker.stdin.close()
            worker.stdin = None
        return tuple(zip(*(_answer(worker) for worker in workers), strict=True))
    finally:
        for worker in workers:
            worker.kill()


def _answer(worker: subprocess.Popen[bytes]) -> list[Outcome]:
    try:
        said, complaint = worker.communicate(timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        raise RulecError(f"the kernel was tried for {_PATIENCE:.0f} seconds without an end") from None
    if worker.returncode or not said:
        last = complaint.decode("utf-8", "backslashreplace").strip().splitlines()[-1:]
        raise RulecError(f"the process that tries the kernel ended: {''.join(last) or worker.returncode}")
    answer: list[Outcome] | str = pickle.loads(said)  # of our own process
    if isinstance(answer, str):
        raise RulecError(answer)
    return answer


# ── what differs ──


def differences(trial: Trial, old: Outcome, new: Outcome) -> Iterator[tuple[Expected | None, str]]:
    """What a trial tells of the two, each kind of difference once, with what was expected of it."""
    told: set[Expected] = set()
    for step, before, after in zip(trial.steps, old.steps, new.steps, strict=False):
        kind = _kind(trial, step, before, after)
        if before != after and kind not in told:
            told.add(kind)
            yield kind, f"{trial}: {_said(words(step, trial.flow), before, after)}"
    if Expected.SAME not in told:
        yield from _entries(trial, old, new)


def _kind(trial: Trial, step: Step, before: str, after: str) -> Expected:
    """Which expectation a difference is covered by; SAME where it is by none.

    An ICMP error about a hot flow passes as long as it looks like one, whatever connection there is;
    of one that comes alone it is said what is expected.
    """
    gained = after.startswith(_DELIVERED) and not before.startswith(_DELIVERED)
    hot_error = step.kind is Kind.ERROR and trial.steps[0] != step and trial.left is not Left.SAME
    if gained and (Expected.MORE in trial.expected or hot_error):
        return Expected.MORE
    if trial.left is Left.NONE and _is_masqueraded(before, after):
        return Expected.LESS
    silent = Expected.SILENT in trial.expected and not (before.startswith(_DELIVERED) or after.startswith(_DELIVERED))
    return Expected.LESS if silent or (Expected.LESS in trial.expected and not gained) else Expected.SAME


def _is_masqueraded(before: str, after: str) -> bool:
    """Whether all that differs is that the old ruleset gave a packet the address of the link by which it left.

    That is the one which it has anyway, by assumption; the laboratory has addresses of its own.
    """
    ends = [_FROM.search(text) for text in (before, after)]
    return (
        all(ends)
        and lab_namespaces.is_own(str(ends[0] and ends[0][1]))
        and _FROM.sub("", before) == _FROM.sub("", after)
    )


def _said(what: str, before: str, after: str) -> str:
    if before.startswith(_DELIVERED) and after.startswith(_DELIVERED):
        return f"the old ruleset has {what} {before}, the new one {after.removeprefix(_DELIVERED + ' ')}"
    old, new = (word.partition(" ")[0] for word in (before, after))
    return f"{what} is {old} under the old ruleset, and {new} under the new one"


def _entries(trial: Trial, old: Outcome, new: Outcome) -> Iterator[tuple[Expected, str]]:
    before, after = ("; ".join(one.entries) or "none" for one in (old, new))
    if trial.left is Left.NONE and new.entries:
        yield Expected.SAME, f"{trial}: a hot flow leaves an entry ({after})"
    elif before != after and (new.entries or trial.left is Left.SAME):
        said = f"{trial}: the old ruleset leaves the entries ({before}), the new one ({after})"
        yield (Expected.LESS if Expected.LESS in trial.expected else Expected.SAME), said
