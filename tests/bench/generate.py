"""Write a generated ruleset: ``python -m tests.bench.generate kube|acl|campus|server RULES [SEED]``.

The same arguments give the same bytes.  ``--edits`` gives a second version of the
same ruleset; a campus has ``--family ipv6`` as well.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from functools import partial

from tests.bench.acl import acl
from tests.bench.campus import campus
from tests.bench.edits import edited
from tests.bench.kube import kube
from tests.bench.server import server

KINDS: dict[tuple[str, str], Callable[[int, int], Iterator[str]]] = {
    ("kube", "ipv4"): kube,
    ("acl", "ipv4"): acl,
    ("campus", "ipv4"): campus,
    ("server", "ipv4"): server,
    ("campus", "ipv6"): partial(campus, family="ipv6"),
}


def text(kind: str, rules: int, seed: int = 1, family: str = "ipv4", edits: int = 0) -> str:
    """A ruleset of a kind with exactly so many rules; or what so many edits made of it."""
    lines = KINDS[kind, family](rules, seed)
    return "".join(f"{line}\n" for line in (edited(lines, edits, seed) if edits else lines))


def main(arguments: list[str]) -> int:
    """Print the ruleset that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.generate", description="write a generated ruleset")
    parser.add_argument("kind", choices=sorted({kind for kind, _ in KINDS}))
    parser.add_argument("rules", type=int, metavar="RULES", help="how many, exactly")
    parser.add_argument("seed", type=int, nargs="?", default=1, metavar="SEED", help="1, or another one")
    parser.add_argument("--family", choices=("ipv4", "ipv6"), default="ipv4")
    parser.add_argument("--edits", type=int, default=0, metavar="K", help="a second version, with K small edits")
    chosen = parser.parse_args(arguments)
    if (chosen.kind, chosen.family) not in KINDS:
        parser.error(f"{chosen.kind} is generated for ipv4 only")
    sys.stdout.write(text(**vars(chosen)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
