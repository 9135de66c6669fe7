"""How fast rulec hot reads a table of connections, beside wc, which only counts lines, and awk, which counts ports."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence

from tests.bench import process
from tests.bench.process import COLD, ROOT, Bench, Run, megabytes, rulec, run, seconds, show, verdict

ENTRIES, TURNS = 1_000_000, 5
MOST_SECONDS, MOST_MB = 10.0, 500
AWK = "{for (i = 1; i <= NF; i++) if ($i ~ /^dport=/) {n[$i]++; break}} END {for (p in n) print n[p], p}"
PEERS = {"wc": ("wc", "-l"), "awk": ("awk", AWK)}


def report(bench: Bench, turns: int, entries: int = ENTRIES) -> bool:
    """Measure in turns, and print; True, since there is always an answer or a failure."""
    path = bench.folder / f"table-{entries}"
    with path.open("wb") as stream:
        subprocess.run([sys.executable, "-m", "tests.bench.dump", str(entries)], cwd=ROOT, stdout=stream, check=True)
    peers = {name: command for name, command in PEERS.items() if shutil.which(name)}
    ours: list[Run] = []
    theirs: dict[str, list[Run]] = {name: [] for name in peers}
    for _ in range(turns or TURNS):
        ours.append(rulec(bench, "hot", str(path), cache=COLD))
        for name, command in peers.items():
            theirs[name].append(run((*command, str(path)), bench))
    for line in ("", *rows(ours, theirs, entries)):
        show(line)
    return True


def rows(ours: Sequence[Run], theirs: dict[str, list[Run]], entries: int) -> list[str]:
    """The table: each program with its time, its memory and how many times as long rulec took."""
    judged = verdict(seconds(ours), MOST_SECONDS, MOST_SECONDS)
    judged = "NOT MET" if megabytes(ours) > MOST_MB else judged
    lines = [
        f"Reading the table of connections: rulec hot FILE of {entries:,} entries; medians of {len(ours)} turns",
        f"{'':<12}{'s':>8}{'MB':>8}{'ratio':>8}",
        f"{'rulec hot':<12}{seconds(ours):8.2f}{megabytes(ours):8.0f}{'':8}"
        f"  goal: {MOST_SECONDS:.0f} s, {MOST_MB} MB: {judged}",
    ]
    for name, runs in theirs.items():
        lines.append(f"{name:<12}{seconds(runs):8.2f}{megabytes(runs):8.0f}{process.ratio(ours, runs) or 0:8.1f}")
    return lines
