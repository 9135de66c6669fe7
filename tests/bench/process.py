"""Whole processes from start to end: how long they take, and how much memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
LEGACY, NFT = "iptables-legacy-restore", "iptables-nft-restore"
WARM, COLD = "warm", "empty"


class Failed(Exception):
    """A program did not do what it was started for."""


class Run(NamedTuple):
    """One process from start to end."""

    seconds: float
    megabytes: float


class Bench(NamedTuple):
    """The programs, and a folder for files; ``missing`` says of the others why they cannot run."""

    rulec: str
    folder: Path
    missing: dict[str, str]

    @property
    def legacy(self) -> str | None:
        """The one that reading is compared with, if it can run."""
        return None if LEGACY in self.missing else LEGACY


def seconds(runs: Sequence[Run]) -> float:
    """The median time."""
    return median(run.seconds for run in runs)


def megabytes(runs: Sequence[Run]) -> float:
    """The highest peak."""
    return max(run.megabytes for run in runs)


def run(
    command: Sequence[str],
    bench: Bench,
    cache: Path | None = None,
    codes: Sequence[int] = (0,),
    limit: float = threading.TIMEOUT_MAX,
) -> Run:
    """Run a program to its end; any exit code but the given ones is a failure, and so is to take ``limit`` seconds.

    What it prints is in the files ``answer`` and ``said`` of the folder.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["XDG_CACHE_HOME"] = str(cache or bench.folder / "cache")
    answer, said = bench.folder / "answer", bench.folder / "said"
    write = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    files = [(os.POSIX_SPAWN_OPEN, number, str(path), write, 0o600) for number, path in ((1, answer), (2, said))]
    begin = time.perf_counter()
    process = os.posix_spawnp(command[0], [*command], environment, file_actions=files)
    watch = threading.Timer(limit, os.kill, (process, signal.SIGKILL))
    watch.start()
    _, status, usage = os.wait4(process, 0)
    elapsed = time.perf_counter() - begin
    watch.cancel()
    code = os.waitstatus_to_exitcode(status)
    if elapsed >= limit:
        raise Failed(f"{' '.join(command)}: stopped after {limit:.0f} s")
    if code not in codes:
        raise Failed(f"{' '.join(command)}: exit code {code}\n{said.read_text(errors='replace')[-2000:]}".rstrip())
    return Run(elapsed, usage.ru_maxrss / 1024)


def rulec(
    bench: Bench, *arguments: str, cache: str, codes: Sequence[int] = (0,), limit: float = threading.TIMEOUT_MAX
) -> Run:
    """Run rulec with the cache folder that stays, or with an empty one of its own."""
    command = [bench.rulec, *arguments]
    if cache == WARM:
        return run(command, bench, codes=codes, limit=limit)
    with tempfile.TemporaryDirectory(dir=bench.folder) as fresh:
        return run(command, bench, Path(fresh), codes, limit)


def ruleset(bench: Bench, kind: str, rules: int, family: str = "ipv4", edits: int = 0) -> str:
    """The file of a generated ruleset, made by a process of its own."""
    path = bench.folder / f"{kind}-{rules}-{family}-{edits}"
    if not path.exists():
        chosen = (kind, str(rules), "--family", family, "--edits", str(edits))
        with path.open("wb") as stream:
            subprocess.run([sys.executable, "-m", "tests.bench.generate", *chosen], cwd=ROOT, stdout=stream, check=True)
    return str(path)


def ratio(ours: Sequence[Run], theirs: Sequence[Run]) -> float | None:
    """How many times as long ours took, in the median turn."""
    return median(one.seconds / other.seconds for one, other in zip(ours, theirs, strict=True)) if theirs else None


def verdict(measured: float, goal: float, bound: float) -> str:
    """Whether a figure is where it should be."""
    if measured <= goal:
        return "met"
    return "not met, within the bound" if measured <= bound else "NOT MET"


def show(line: str) -> None:
    """Print now, for somebody who watches."""
    print(line, flush=True)
