"""Write a generated ruleset: ``python -m tests.bench.generate kube|acl RULES [SEED]``.

The same arguments give the same bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

from tests.bench.acl import acl
from tests.bench.kube import kube

FAMILIES: dict[str, Callable[[int, int], Iterator[str]]] = {"kube": kube, "acl": acl}


def text(family: str, rules: int, seed: int = 1) -> str:
    """A ruleset of a family with exactly so many rules."""
    return "".join(f"{line}\n" for line in FAMILIES[family](rules, seed))


def main(arguments: list[str]) -> int:
    """Print the ruleset that the command line asks for."""
    if len(arguments) not in (2, 3) or arguments[0] not in FAMILIES:
        print("usage: python -m tests.bench.generate kube|acl RULES [SEED]", file=sys.stderr)
        return 2
    sys.stdout.write(text(arguments[0], *map(int, arguments[1:])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
