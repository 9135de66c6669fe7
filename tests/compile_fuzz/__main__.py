"""``python -m tests.compile_fuzz --cases N --first F [--kernel]``: random rulesets and policies, for longer."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from tests.compile_fuzz.kernel import Proved, held_against
from tests.compile_fuzz.outcome import Case, Outcome, outcome, random_case
from tests.kernel.conftest import obstacle


def main(arguments: list[str]) -> int:
    """Run, print what came of it, and give the exit code."""
    chosen = _arguments().parse_args(arguments)
    if chosen.kernel and (reason := obstacle()):
        print(reason, file=sys.stderr)
        return 2
    start, kinds, reasons = time.monotonic(), Counter[str](), Counter[str]()
    for number in range(chosen.first, chosen.first + chosen.cases):
        found = outcome(case := random_case(number))
        kinds[found.kind] += 1
        if found.kind in ("refused", "undecided"):
            reasons[found.why] += 1
        wrong = list(_wrong(case, found, chosen))
        kinds["with a fault"] += bool(wrong)
        print(*wrong, sep="\n", end="\n" if wrong else "", flush=True)
    print(*(f"{times:7} {what}" for what, times in kinds.most_common()), sep="\n")
    print(*(f"{times:7} {reason}" for reason, times in reasons.most_common()), sep="\n")
    print(f"{time.monotonic() - start:.0f} s")
    return int(kinds["with a fault"] > 0)


def _wrong(case: Case, found: Outcome, chosen: argparse.Namespace) -> list[str]:
    """What should not be, with the case."""
    if found.kind == "wrong":
        return [str(case), found.why]
    if found.kind != "proved" or not chosen.kernel:
        return []
    differences = held_against(one := Proved(case, found), chosen.backend).differences
    return [str(one), *differences] if differences else []


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.compile_fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=1000, metavar="N")
    parser.add_argument("--first", type=int, default=0, metavar="F", help="the number of the first case")
    parser.add_argument("--kernel", action="store_true", help="send packets through what is proved, too; needs root")
    parser.add_argument("--backend", choices=("legacy", "nft"), default="legacy")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
