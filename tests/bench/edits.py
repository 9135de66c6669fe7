"""A second version of a ruleset, as it is after some days of work: a rule less, a rule more, another port."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator

_OF_A_USER_CHAIN = re.compile(r"(?:\[\d+:\d+\] )?-A (?!(?:INPUT|FORWARD|OUTPUT|PREROUTING|POSTROUTING) )")
_PORT = re.compile(r"(?<= --dport )\d+(?= )")

Edit = Callable[[str, random.Random], list[str]]


def edited(lines: Iterable[str], edits: int, seed: int) -> Iterator[str]:
    """The lines with so many edits, each of another rule of a user chain; as many deletions as additions."""
    rng, before = random.Random(f"edits {seed}"), list(lines)
    candidates = [number for number, line in enumerate(before) if _OF_A_USER_CHAIN.match(line) and _PORT.search(line)]
    if edits > len(candidates):
        raise ValueError(f"only {len(candidates)} rules of user chains have a port to edit")
    chosen = {number: EDITS[turn % len(EDITS)] for turn, number in enumerate(rng.sample(candidates, edits))}
    for number, line in enumerate(before):
        yield from chosen[number](line, rng) if number in chosen else (line,)


def _delete(line: str, rng: random.Random) -> list[str]:
    return []


def _change(line: str, rng: random.Random) -> list[str]:
    """Another port: the lower half of them has the common ones, so it is taken from the upper half."""
    return [_PORT.sub(str(rng.randrange(1 << 15, 1 << 16)), line)]


def _add(line: str, rng: random.Random) -> list[str]:
    return [line, *_change(line, rng)]


EDITS: tuple[Edit, ...] = (_change, _delete, _add)
