"""How fast rulec reads, finds out what rules mean and compiles, beside iptables-restore on the same files.

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
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.bench import compiling, hot, meaning, process
from tests.bench.process import (
    COLD,
    LEGACY,
    NFT,
    ROOT,
    WARM,
    Bench,
    Failed,
    Run,
    megabytes,
    rulec,
    ruleset,
    run,
    seconds,
    show,
    verdict,
)

KINDS = ("kube", "acl")
TURNS = {1_000: 15, 10_000: 11, 50_000: 7, 200_000: 5}
STARTS = 21  # turns for the start-up times
SMALL = 50  # rules of the file for start-up
BARE_MS = 12  # what bare python takes where the start-up goals were set
MOST_MB = 300
RATIO_GOALS = {  # (kind, rules, cache folder): the goal, and the bound
    ("kube", 200_000, COLD): (1.5, 2.0),
    ("kube", 200_000, WARM): (1.5, 2.0),
    ("acl", 200_000, COLD): (2.0, 2.5),
    ("acl", 200_000, WARM): (2.0, 2.5),
    ("kube", 10_000, COLD): (3.0, 3.0),
    ("kube", 10_000, WARM): (3.0, 3.0),
    ("acl", 10_000, COLD): (6.0, 6.0),
    ("acl", 10_000, WARM): (3.0, 3.0),
}
VERSION_MS, LINT_MS = 60, 250
ANSWERING = {
    "meaning": meaning.report,
    "compiling": compiling.report,
    "connections": compiling.report_connections,
    "hot": hot.report,
}
PARTS = ("reading", "starting", *ANSWERING)


class Figures(NamedTuple):
    """What was measured of reading one file, turn by turn."""

    kind: str
    rules: int
    legacy: list[Run]
    rulec: dict[str, list[Run]]

    def ratio(self, cache: str) -> float | None:
        """How many times as long as legacy rulec took, in the median turn."""
        return process.ratio(self.rulec[cache], self.legacy)


# ── what is measured ─────────────────────────────────────────────────────────────────────────────


def reading(bench: Bench, kind: str, rules: int, turns: int) -> Figures:
    """Read one file in turns: legacy, rulec with an empty cache folder, rulec with a warm one."""
    path = ruleset(bench, kind, rules)
    lint = ("lint", "--select", "syntax", path)
    rulec(bench, *lint, cache=WARM)
    found = Figures(kind, rules, [], {COLD: [], WARM: []})
    for _ in range(turns):
        if bench.legacy:
            found.legacy.append(run((bench.legacy, "--test", path), bench))
        for cache, runs in found.rulec.items():
            runs.append(rulec(bench, *lint, cache=cache))
    return found


def starting(bench: Bench, turns: int) -> dict[str, list[Run]]:
    """Start-up in turns: bare python, ``--version``, and a lint of a small file of each kind."""
    files = {kind: ruleset(bench, kind, SMALL) for kind in KINDS}
    programs: dict[str, Callable[[], Run]] = {"python -c pass": lambda: run((sys.executable, "-c", "pass"), bench)}
    programs["rulec --version"] = lambda: rulec(bench, "--version", cache=COLD)
    for kind, path in files.items():
        for cache in (COLD, WARM):
            programs[_lint_name(kind, cache)] = _linted(bench, path, cache)
    for program in programs.values():
        program()  # writes the .pyc files and warms the cache folder
    found: dict[str, list[Run]] = {name: [] for name in programs}
    for _ in range(turns):
        for name, program in programs.items():
            found[name].append(program())
    return found


def _lint_name(kind: str, cache: str) -> str:
    return f"rulec lint, {SMALL} rules {kind}, cache folder {cache}"


def _linted(bench: Bench, path: str, cache: str) -> Callable[[], Run]:
    """All checks may find something (1) or leave something open (3)."""
    return lambda: rulec(bench, "lint", path, cache=cache, codes=(0, 1, 3))


# ── what is printed ──────────────────────────────────────────────────────────────────────────────


def heading(bench: Bench, turns: int) -> Iterator[str]:
    """What is compared, and the head of the table."""
    yield ""
    yield "Reading: rulec lint --select syntax FILE"
    yield (
        f"against  {LEGACY} --test FILE"
        if bench.legacy
        else f"without  {LEGACY}, so there is no ratio: {bench.missing[LEGACY]}"
    )
    yield f"medians of {turns} turns" if turns else "medians of 15, 11, 7 and 5 turns; a ratio of 2 means twice as long"
    yield ""
    yield f"{'':13}{'legacy':>16}   {'rulec, cache folder empty':>31}   {'rulec, cache folder warm':>31}"
    once = f"{'s':>8}{'rules/s':>9}{'MB':>6}{'ratio':>8}"
    yield f"{'ruleset':<6}{'rules':>7}{'s':>9}{'MB':>7}   {once}   {once}"


def row(found: Figures) -> str:
    """One line of the table."""
    theirs = f"{seconds(found.legacy):9.3f}{megabytes(found.legacy):7.0f}" if found.legacy else f"{'-':>9}{'-':>7}"
    ours = "".join(_cells(found, cache) for cache in (COLD, WARM))
    return f"{found.kind:<6}{found.rules:>7}{theirs}{ours}"


def _cells(found: Figures, cache: str) -> str:
    runs, ratio = found.rulec[cache], found.ratio(cache)
    speed = f"{found.rules / seconds(runs):,.0f}"
    shown = "-" if ratio is None else f"{ratio:.2f}"
    return f"   {seconds(runs):8.3f}{speed:>9}{megabytes(runs):6.0f}{shown:>8}"


def goals(figures: Sequence[Figures]) -> Iterator[str]:
    """The goals for reading, each with what was measured."""
    yield f"{'Goals for reading':<44}{'goal':>8}{'at most':>9}{'measured':>10}"
    for found in figures:
        for cache in (COLD, WARM):
            ratio, wanted = found.ratio(cache), RATIO_GOALS.get((found.kind, found.rules, cache))
            if ratio is not None and wanted:
                yield goal(f"{found.kind} {found.rules}, cache folder {cache}", ratio, *wanted, unit="x", digits=2)
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
    missing = {program: why for program in (LEGACY, NFT) if (why := why_not(program))}
    if len(missing) < 2 and not chosen.here:
        again = [sys.executable, "-m", "tests.bench.run", "--here", *arguments]
        os.chdir(ROOT)
        os.execvp("unshare", ["unshare", "--net", *again])
    with tempfile.TemporaryDirectory(prefix="rulec-bench-") as folder:
        try:
            return report(Bench(chosen.rulec, Path(folder), missing), chosen)
        except Failed as failure:
            print(f"bench: {failure}", file=sys.stderr)
            return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="how fast rulec is")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS, help="only these parts")
    parser.add_argument("--rules", type=int, nargs="+", default=list(TURNS), metavar="N", help="sizes of the rulesets")
    parser.add_argument("--kind", choices=KINDS, nargs="+", default=KINDS)
    parser.add_argument("--turns", type=int, default=0, metavar="N", help="turns of each, instead of the usual number")
    parser.add_argument(
        "--rulec", type=os.path.abspath, default=str(Path(sys.executable).with_name("rulec")), metavar="PROGRAM"
    )
    parser.add_argument("--here", action="store_true", help="stay in this network namespace")
    return parser


def why_not(program: str) -> str:
    """The reason why there is nothing to compare with, if there is one."""
    if os.geteuid() != 0:
        return "it needs root"
    missing = [name for name in (program, "unshare") if shutil.which(name) is None]
    if missing:
        return f"{missing[0]} is not installed"
    tables = "".join(f"*{table}\nCOMMIT\n" for table in ("raw", "mangle", "nat", "filter"))
    command = ["unshare", "--net", program, "--test"]
    tried = subprocess.run(command, input=tables, text=True, capture_output=True, check=False)
    return f"it cannot run in a network namespace: {tried.stderr.strip()}" if tried.returncode else ""


def report(bench: Bench, chosen: argparse.Namespace) -> int:
    """Measure everything, and print each figure as soon as it is there; 1 when something had no answer."""
    if shutil.which(bench.rulec) is None:
        raise Failed(f"there is no {bench.rulec}; `make install` makes it")
    show(f"Python {platform.python_version()}, {platform.system()} {platform.release()}, {os.cpu_count()} processors")
    if "reading" in chosen.only:
        report_reading(bench, chosen)
    if "starting" in chosen.only:
        for line in ("", *starts(starting(bench, chosen.turns or STARTS))):
            show(line)
    answered = [part(bench, chosen.turns) for name, part in ANSWERING.items() if name in chosen.only]
    return int(not all(answered))


def report_reading(bench: Bench, chosen: argparse.Namespace) -> None:
    """The table of reading, and its goals."""
    for line in heading(bench, chosen.turns):
        show(line)
    figures = []
    for rules in chosen.rules:
        for kind in chosen.kind:
            figures.append(reading(bench, kind, rules, chosen.turns or TURNS.get(rules, 5)))
            show(row(figures[-1]))
    for line in ("", *goals(figures)):
        show(line)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
