"""How fast rulec reads, against ``iptables-legacy-restore --test`` on the same files.

Only ratios travel from one machine to another, so the programs take turns and
each turn gives a ratio; medians are printed.  Time and memory are those of whole
processes: the clock runs from before the start to after the end, peak memory is
what wait4(2) tells.  That figure is never less than what this program itself
held when it started the other, some 15 MB; so it stays small and leaves the
making of rulesets to others.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
LEGACY = "iptables-legacy-restore"
FAMILIES = ("kube", "acl")
TURNS = {1_000: 15, 10_000: 11, 50_000: 7, 200_000: 5}
STARTS = 21  # turns for the start-up times
SMALL = 50  # rules of the file for start-up
BARE_MS = 12  # what bare python takes where the start-up goals were set
MOST_MB = 300
WARM, COLD = "warm", "empty"
RATIO_GOALS = {  # (family, rules, cache folder): the goal, and the bound
    ("kube", 200_000, COLD): (1.5, 2.0),
    ("kube", 200_000, WARM): (1.5, 2.0),
    ("acl", 200_000, COLD): (2.0, 2.5),
    ("acl", 200_000, WARM): (2.0, 2.5),
    ("kube", 10_000, COLD): (3.0, 3.0),
    ("kube", 10_000, WARM): (3.0, 3.0),
    ("acl", 10_000, COLD): (6.0, 6.0),
    ("acl", 10_000, WARM): (3.0, 3.0),
}
VERSION_MS, LINT_MS = 60, 150


class Failed(Exception):
    """A program did not do what it was started for."""


class Run(NamedTuple):
    """One process from start to end."""

    seconds: float
    megabytes: float


class Bench(NamedTuple):
    """The programs, and a folder for files; ``legacy`` is None where it cannot run, and ``why`` says it."""

    rulec: str
    legacy: str | None
    why: str
    folder: Path


class Figures(NamedTuple):
    """What was measured of reading one file, turn by turn."""

    family: str
    rules: int
    legacy: list[Run]
    rulec: dict[str, list[Run]]

    def ratio(self, cache: str) -> float | None:
        """How many times as long as legacy rulec took, in the median turn."""
        if not self.legacy:
            return None
        turns = zip(self.rulec[cache], self.legacy, strict=True)
        return median(ours.seconds / theirs.seconds for ours, theirs in turns)


def seconds(runs: Sequence[Run]) -> float:
    """The median time."""
    return median(run.seconds for run in runs)


def megabytes(runs: Sequence[Run]) -> float:
    """The highest peak."""
    return max(run.megabytes for run in runs)


# ── one process ──────────────────────────────────────────────────────────────────────────────────


def run(command: Sequence[str], bench: Bench, cache: Path | None = None, codes: Sequence[int] = (0,)) -> Run:
    """Run a program to its end; any exit code but the given ones is a failure."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["XDG_CACHE_HOME"] = str(cache or bench.folder / "cache")
    said = bench.folder / "said"
    write = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    files = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0), (os.POSIX_SPAWN_OPEN, 2, str(said), write, 0o600)]
    begin = time.perf_counter()
    process = os.posix_spawnp(command[0], [*command], environment, file_actions=files)
    _, status, usage = os.wait4(process, 0)
    elapsed = time.perf_counter() - begin
    code = os.waitstatus_to_exitcode(status)
    if code not in codes:
        raise Failed(f"{' '.join(command)}: exit code {code}\n{said.read_text(errors='replace')[-2000:]}".rstrip())
    return Run(elapsed, usage.ru_maxrss / 1024)


def rulec(bench: Bench, *arguments: str, cache: str, codes: Sequence[int] = (0,)) -> Run:
    """Run rulec with the cache folder that stays, or with an empty one of its own."""
    command = [bench.rulec, *arguments]
    if cache == WARM:
        return run(command, bench, codes=codes)
    with tempfile.TemporaryDirectory(dir=bench.folder) as fresh:
        return run(command, bench, Path(fresh), codes)


# ── what is measured ─────────────────────────────────────────────────────────────────────────────


def ruleset(bench: Bench, family: str, rules: int) -> str:
    """The file of a generated ruleset, made by a process of its own."""
    path = bench.folder / f"{family}-{rules}"
    if not path.exists():
        command = [sys.executable, "-m", "tests.bench.generate", family, str(rules)]
        with path.open("wb") as stream:
            subprocess.run(command, cwd=ROOT, stdout=stream, check=True)
    return str(path)


def reading(bench: Bench, family: str, rules: int, turns: int) -> Figures:
    """Read one file in turns: legacy, rulec with an empty cache folder, rulec with a warm one."""
    path = ruleset(bench, family, rules)
    lint = ("lint", "--select", "syntax", path)
    rulec(bench, *lint, cache=WARM)
    found = Figures(family, rules, [], {COLD: [], WARM: []})
    for _ in range(turns):
        if bench.legacy:
            found.legacy.append(run((bench.legacy, "--test", path), bench))
        for cache, runs in found.rulec.items():
            runs.append(rulec(bench, *lint, cache=cache))
    return found


def starting(bench: Bench, turns: int) -> dict[str, list[Run]]:
    """Start-up in turns: bare python, ``--version``, and a lint of a small file of each family."""
    files = {family: ruleset(bench, family, SMALL) for family in FAMILIES}
    programs: dict[str, Callable[[], Run]] = {"python -c pass": lambda: run((sys.executable, "-c", "pass"), bench)}
    programs["rulec --version"] = lambda: rulec(bench, "--version", cache=COLD)
    for family, path in files.items():
        for cache in (COLD, WARM):
            programs[_lint_name(family, cache)] = _linted(bench, path, cache)
    for program in programs.values():
        program()  # writes the .pyc files and warms the cache folder
    found: dict[str, list[Run]] = {name: [] for name in programs}
    for _ in range(turns):
        for name, program in programs.items():
            found[name].append(program())
    return found


def _lint_name(family: str, cache: str) -> str:
    return f"rulec lint, {SMALL} rules {family}, cache folder {cache}"


def _linted(bench: Bench, path: str, cache: str) -> Callable[[], Run]:
    """All checks may find something (1) or leave something open (3)."""
    return lambda: rulec(bench, "lint", path, cache=cache, codes=(0, 1, 3))


# ── what is printed ──────────────────────────────────────────────────────────────────────────────


def heading(bench: Bench, turns: int) -> Iterator[str]:
    """What is compared, and the head of the table."""
    yield f"Python {platform.python_version()}, {platform.system()} {platform.release()}, {os.cpu_count()} processors"
    yield ""
    yield "Reading: rulec lint --select syntax FILE"
    yield f"against  {LEGACY} --test FILE" if bench.legacy else f"without  {LEGACY}, so there is no ratio: {bench.why}"
    yield f"medians of {turns} turns" if turns else "medians of 15, 11, 7 and 5 turns; a ratio of 2 means twice as long"
    yield ""
    yield f"{'':13}{'legacy':>16}   {'rulec, cache folder empty':>31}   {'rulec, cache folder warm':>31}"
    once = f"{'s':>8}{'rules/s':>9}{'MB':>6}{'ratio':>8}"
    yield f"{'ruleset':<6}{'rules':>7}{'s':>9}{'MB':>7}   {once}   {once}"


def row(found: Figures) -> str:
    """One line of the table."""
    theirs = f"{seconds(found.legacy):9.3f}{megabytes(found.legacy):7.0f}" if found.legacy else f"{'-':>9}{'-':>7}"
    ours = "".join(_cells(found, cache) for cache in (COLD, WARM))
    return f"{found.family:<6}{found.rules:>7}{theirs}{ours}"


def _cells(found: Figures, cache: str) -> str:
    runs, ratio = found.rulec[cache], found.ratio(cache)
    speed = f"{found.rules / seconds(runs):,.0f}"
    shown = "-" if ratio is None else f"{ratio:.2f}"
    return f"   {seconds(runs):8.3f}{speed:>9}{megabytes(runs):6.0f}{shown:>8}"


def verdict(measured: float, goal: float, bound: float) -> str:
    """Whether a figure is where it should be."""
    if measured <= goal:
        return "met"
    return "not met, within the bound" if measured <= bound else "NOT MET"


def goals(figures: Sequence[Figures]) -> Iterator[str]:
    """The goals for reading, each with what was measured."""
    yield f"{'Goals for reading':<44}{'goal':>8}{'at most':>9}{'measured':>10}"
    for found in figures:
        for cache in (COLD, WARM):
            ratio, wanted = found.ratio(cache), RATIO_GOALS.get((found.family, found.rules, cache))
            if ratio is not None and wanted:
                yield goal(f"{found.family} {found.rules}, cache folder {cache}", ratio, *wanted, unit="x", digits=2)
    peak = max(megabytes(runs) for found in figures for runs in found.rulec.values())
    yield goal("peak memory, any of these", peak, MOST_MB, MOST_MB, unit="MB", digits=0)


def goal(what: str, measured: float, wanted: float, bound: float, unit: str, digits: int) -> str:
    """A goal, what was measured, and whether they agree."""
    figures = f"{wanted:8.1f}{bound:9.1f}{measured:10.{digits}f}" if unit == "x" else ""
    figures = figures or f"{wanted:8.0f}{bound:9.0f}{measured:10.{digits}f}"
    return f"{what:<44}{figures} {unit:<2}  {verdict(measured, wanted, bound)}"


def starts(found: dict[str, list[Run]]) -> Iterator[str]:
    """The start-up times; their goals grow with what bare python takes here."""
    bare = seconds(found["python -c pass"]) * 1000
    slower = max(1.0, bare / BARE_MS)
    yield f"{'Start-up, .pyc files present':<44}{'goal':>8}{'here':>9}{'measured':>10}"
    for name, runs in found.items():
        wanted = 0 if "python" in name else VERSION_MS if "version" in name else LINT_MS
        took = seconds(runs) * 1000
        if wanted:
            here = wanted * slower
            yield f"{name:<44}{wanted:8.0f}{here:9.0f}{took:10.1f} ms  {verdict(took, here, here)}"
        else:
            yield f"{name:<44}{'':17}{took:10.1f} ms"
    yield f"The goals stand for a machine where bare python takes {BARE_MS} ms; a slower one has more time."


# ── the program ──────────────────────────────────────────────────────────────────────────────────


def main(arguments: Sequence[str]) -> int:
    """Measure and print; 1 when a program failed, else 0, whatever the figures are."""
    chosen = _parser().parse_args(arguments)
    os.environ["PATH"] = (
        f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"  # where iptables is, also without login
    )
    why = why_not_legacy()
    if not why and not chosen.here:
        again = [sys.executable, "-m", "tests.bench.run", "--here", *arguments]
        os.chdir(ROOT)
        os.execvp("unshare", ["unshare", "--net", *again])
    with tempfile.TemporaryDirectory(prefix="rulec-bench-") as folder:
        bench = Bench(chosen.rulec, None if why else LEGACY, why, Path(folder))
        try:
            report(bench, chosen)
        except Failed as failure:
            print(f"bench: {failure}", file=sys.stderr)
            return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="how fast rulec reads")
    parser.add_argument("--rules", type=int, nargs="+", default=list(TURNS), metavar="N", help="sizes of the rulesets")
    parser.add_argument("--family", choices=FAMILIES, nargs="+", default=list(FAMILIES))
    parser.add_argument("--turns", type=int, default=0, metavar="N", help="turns of each, instead of the usual number")
    parser.add_argument(
        "--rulec", type=os.path.abspath, default=str(Path(sys.executable).with_name("rulec")), metavar="PROGRAM"
    )
    parser.add_argument("--here", action="store_true", help="stay in this network namespace")
    return parser


def why_not_legacy() -> str:
    """The reason why there is nothing to compare with, if there is one."""
    if os.geteuid() != 0:
        return "it needs root"
    missing = [program for program in (LEGACY, "unshare") if shutil.which(program) is None]
    if missing:
        return f"{missing[0]} is not installed"
    tables = "*filter\nCOMMIT\n*nat\nCOMMIT\n*mangle\nCOMMIT\n"
    command = ["unshare", "--net", LEGACY, "--test"]
    tried = subprocess.run(command, input=tables, text=True, capture_output=True, check=False)
    return f"it cannot run in a network namespace: {tried.stderr.strip()}" if tried.returncode else ""


def report(bench: Bench, chosen: argparse.Namespace) -> None:
    """Measure everything, and print each figure as soon as it is there."""
    if shutil.which(bench.rulec) is None:
        raise Failed(f"there is no {bench.rulec}; `make install` makes it")
    for line in heading(bench, chosen.turns):
        show(line)
    figures = []
    for rules in chosen.rules:
        for family in chosen.family:
            figures.append(reading(bench, family, rules, chosen.turns or TURNS.get(rules, 5)))
            show(row(figures[-1]))
    for line in ("", *goals(figures), "", *starts(starting(bench, chosen.turns or STARTS))):
        show(line)


def show(line: str) -> None:
    """Print now, for somebody who watches."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
