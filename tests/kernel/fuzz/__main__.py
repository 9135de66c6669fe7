"""``python -m tests.kernel.fuzz --packets N --seed S``: the packet sets against the kernel."""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from rulec.model import Family
from tests.kernel.conftest import installed, obstacle
from tests.kernel.fuzz.worker import Job, Report, work

_FULL = 100_000
"""From so many packets on, every match, target and cell must have had its share."""

_BACKENDS = {"legacy": ("legacy",), "nft": ("nft",), "both": ("legacy", "nft")}
_FAMILIES = {"ipv4": (Family.IPV4,), "ipv6": (Family.IPV6,), "both": tuple(Family)}


def main(arguments: list[str]) -> int:
    """Run, print, and give the exit code."""
    chosen = _arguments().parse_args(arguments)
    reason = obstacle() or needs()
    if reason:
        print(reason, file=sys.stderr)
        return 2
    backends, families = _BACKENDS[chosen.backend], _FAMILIES[chosen.family]
    share = -(-chosen.packets // chosen.processes)
    jobs = [Job(share, chosen.seed * 1000 + number, backends, families) for number in range(chosen.processes)]
    start = time.monotonic()
    report = run(jobs)
    seconds = time.monotonic() - start
    print("\n".join(report.coverage.table(families, backends)))
    print(f"{seconds:.0f} s, {1000 * seconds * chosen.processes / max(chosen.packets, 1):.1f} ms a packet and process")
    print(f"{len(report.disagreements)} disagreements")
    gaps = list(report.coverage.gaps(families, backends))
    full = chosen.require_coverage or chosen.packets >= _FULL
    if full and gaps:
        print("\ntried too seldom:", *gaps, sep="\n  ")
    return int(bool(report.disagreements or (full and gaps)))


def run(jobs: list[Job]) -> Report:
    """Do jobs side by side, and put together what came of them."""
    together = Report()
    with ProcessPoolExecutor(len(jobs)) as pool:
        for report in pool.map(work, jobs):
            together.coverage += report.coverage
            together.disagreements += report.disagreements
    return together


def needs() -> str:
    """What is not installed of the rest that is needed here; empty where all is."""
    missing = [tool for tool in ("ipset", "nft", "sysctl") if not installed(tool)]
    return f"not installed: {', '.join(missing)}" if missing else ""


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.kernel.fuzz", description=__doc__)
    parser.add_argument("--packets", type=int, default=2000, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="S")
    parser.add_argument("--backend", choices=_BACKENDS, default="both")
    parser.add_argument("--family", choices=_FAMILIES, default="both")
    parser.add_argument("--processes", type=int, default=2, metavar="P")
    parser.add_argument("--require-coverage", action="store_true", help="fail where something was tried too seldom")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
