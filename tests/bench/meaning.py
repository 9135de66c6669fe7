"""How fast rulec finds out what rules mean: all checks of a ruleset, the difference of two versions, a compilation.

What iptables-restore does with the same file stands beside it, though it only
reads.  Of the programs that answer such questions, fffuu is run where it is
installed.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.bench import process
from tests.bench.process import COLD, LEGACY, NFT, Bench, Failed, Run, megabytes, rulec, ruleset, seconds, show, verdict

ANALYSERS = {"ipv4": "fffuu", "ipv6": "fffuu6"}
ANALYSIS = ("--chain", "FORWARD", "--service_matrix_dport", "22")  # which addresses may open port 22 of which
CODES = {"lint": (0, 1), "diff": (1,), "compile": (0,)}  # two versions do differ
TITLE = "Meaning: rulec lint FILE with all checks, rulec diff FILE FILE with witnesses; cache folder empty"
PATIENCE = 10  # times the bound, and rulec is stopped


class Job(NamedTuple):
    """A command on a generated ruleset, and how long it may take.

    ``wish`` is what it should take, ``bound`` what it must; with ``edits`` the
    command gets two versions, with a ``policy`` that as well.
    """

    command: str
    kind: str
    rules: int
    wish: float
    bound: float
    megabytes: int
    turns: int = 5
    family: str = "ipv4"
    edits: int = 0
    policy: str = ""

    def __str__(self) -> str:
        family = " ipv6" if self.family == "ipv6" else ""
        return f"{self.command} {self.kind} {self.rules}{family}"

    def files(self, bench: Bench) -> list[str]:
        """The rulesets that it is about."""
        versions = (0, self.edits) if self.edits else (0,)
        return [ruleset(bench, self.kind, self.rules, self.family, edits) for edits in versions]

    def arguments(self, bench: Bench) -> list[str]:
        """What the command is given."""
        if not self.policy:
            return self.files(bench)
        path = bench.folder / f"{self.kind}-{self.rules}.yaml"
        path.write_text(self.policy, encoding="utf-8")
        return [*self.files(bench), "--policy", str(path)]


JOBS = (
    Job("lint", "acl", 50, wish=0.25, bound=0.25, megabytes=100, turns=15),
    Job("lint", "campus", 5_000, wish=2, bound=2, megabytes=400),
    Job("diff", "campus", 5_000, wish=1.5, bound=1.5, megabytes=400, edits=30),
    Job("lint", "acl", 10_000, wish=8, bound=8, megabytes=1500, turns=3),
    Job("lint", "campus", 5_000, wish=5, bound=25, megabytes=1500, turns=3, family="ipv6"),
)


class Figures(NamedTuple):
    """What was measured of one job, turn by turn."""

    job: Job
    rulec: list[Run]
    peers: dict[str, list[Run]]

    @property
    def verdict(self) -> str:
        """Whether time and memory are where they should be."""
        if megabytes(self.rulec) > self.job.megabytes:
            return "NOT MET"
        said = verdict(seconds(self.rulec), self.job.wish, self.job.bound)
        return said.replace("not met, within the bound", "bound")


def report(bench: Bench, turns: int, jobs: Sequence[Job] = JOBS, title: str = TITLE) -> bool:
    """Measure all jobs, and print each as soon as it is done; whether all had an answer."""
    failures = []
    for line in heading(bench, title):
        show(line)
    for job in jobs:
        try:
            show(row(measured(bench, job, turns or job.turns)))
        except Failed as failure:
            failures.append(failure)
            show(f"{job!s:<22}  no answer: {failure}")
    for line in analysers(bench, jobs):
        show(line)
    return not failures


def measured(bench: Bench, job: Job, turns: int) -> Figures:
    """Take turns: rulec with an empty cache folder, then each of the others on the last of its files."""
    files, arguments = job.files(bench), job.arguments(bench)
    found = Figures(job, [], {peer: [] for peer in (LEGACY, NFT) if peer not in bench.missing})
    for _ in range(turns):
        found.rulec.append(answered(bench, job, arguments))
        for peer, runs in found.peers.items():
            runs.append(process.run((_of(peer, job.family), "--test", files[-1]), bench))
    return found


def answered(bench: Bench, job: Job, arguments: Sequence[str]) -> Run:
    """Run rulec; a question that it left undecided is no answer."""
    run = rulec(
        bench, job.command, *arguments, cache=COLD, codes=CODES[job.command], limit=PATIENCE * max(job.bound, 1)
    )
    for said in ("answer", "said"):
        text = (bench.folder / said).read_text(errors="replace")
        undecided = [line for line in text.splitlines() if "undecided" in line]
        if undecided:
            raise Failed(undecided[0])
    return run


def _of(peer: str, family: str) -> str:
    """The name of the program for that family."""
    return peer if family == "ipv4" else peer.replace("iptables", "ip6tables")


# ── what is printed ──────────────────────────────────────────────────────────────────────────────


def heading(bench: Bench, title: str = TITLE) -> Iterator[str]:
    """What is compared, and the head of the table."""
    yield ""
    yield title
    for peer in (LEGACY, NFT):
        why = bench.missing.get(peer)
        yield f"without  {peer}: {why}" if why else f"beside   {peer} --test FILE, which only reads it"
    yield ""
    yield f"{'':<22}{'s':>8}{'wish':>6}{'bound':>7}{'MB':>7}{'bound':>7}{'legacy':>8}{'ratio':>8}{'nft':>8}{'ratio':>8}"


def row(found: Figures) -> str:
    """One line of the table."""
    job = found.job
    ours = f"{seconds(found.rulec):8.2f}{job.wish:6g}{job.bound:7g}{megabytes(found.rulec):7.0f}{job.megabytes:7}"
    peers = "".join(_beside(found, peer) for peer in (LEGACY, NFT))
    return f"{job!s:<22}{ours}{peers}  {found.verdict}"


def _beside(found: Figures, peer: str) -> str:
    runs = found.peers.get(peer, [])
    ratio = process.ratio(found.rulec, runs)
    return f"{'-':>8}{'-':>8}" if ratio is None else f"{seconds(runs):8.3f}{ratio:8.1f}"


def analysers(bench: Bench, jobs: Sequence[Job]) -> Iterator[str]:
    """The programs that analyse as well: once on each file, since they take minutes; or that they are missing."""
    asked = [job for job in jobs if job.command != "compile"]
    if asked:
        yield ""
    for family, program in ANALYSERS.items() if asked else ():
        if shutil.which(program) is None:
            yield f"{program} is not installed"
            continue
        for path in dict.fromkeys(file for job in asked if job.family == family for file in job.files(bench)):
            run = process.run((program, *ANALYSIS, path), bench, codes=range(256))
            yield f"{program} {' '.join(ANALYSIS)} {Path(path).name}: {run.seconds:.1f} s, {run.megabytes:.0f} MB"
