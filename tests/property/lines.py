"""Rulesets by the dozen: whole ones of good lines, and lines with something wrong in them."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest

import rulec
from rulec.model import BUILTIN_CHAINS, Family
from tests.bench.generate import text as generated
from tests.unit.catalogue.examples import CASES

ODD = "\"\\'!\t-:,/=#[]+*.\r\x0b\u00e9\u00a0\udcff"
ALONE = "\0\x01"
WORDS = ("!", '""', '"a b"', "--", "-", "-4", "-6", "-c 1 2", "-v", "-j", "-m", "-p tcp", "-s", "0", "65536", "x")

ENDS_READING = re.compile(r'(?:^|[\s"])(?:-[^\s-]*[hV]|--h|--ve)')
"""What may be -h or -V, behind which nothing of a ruleset is read."""


class Body(NamedTuple):
    """Lines of one table that all stand by themselves."""

    table: str
    family: Family
    lines: tuple[str, ...]

    def ruleset(self, lines: list[str] | tuple[str, ...]) -> str:
        """These lines in the table, with all chains that they may name."""
        names = {line.split()[1] for line in self.lines} - set(BUILTIN_CHAINS[self.table])
        declared = "".join(f":{name} - [0:0]\n" for name in sorted(names))
        return f"*{self.table}\n{declared}" + "".join(f"{line}\n" for line in lines) + "COMMIT\n"


def bodies() -> list[Body]:
    """The examples of the catalogue by table and family, and the rules of generated rulesets by table."""
    found: dict[tuple[str, Family], list[str]] = {}
    for case in CASES:
        found.setdefault((case.example.table, case.family), []).append(case.line)
    for kind in ("kube", "acl"):
        table = ""
        for line in generated(kind, 600).splitlines():
            if line.startswith("*"):
                table = line[1:]
            elif line.startswith("-A"):
                found.setdefault((table, Family.IPV4), []).append(line)
    return [Body(table, family, tuple(lines)) for (table, family), lines in found.items()]


def mutated(line: str, others: tuple[str, ...], rng: random.Random) -> str:
    """The line with one thing changed."""
    return (with_other_words if rng.random() < 0.6 else with_other_characters)(line, others, rng)


def with_other_words(line: str, others: tuple[str, ...], rng: random.Random) -> str:
    """A word deleted, doubled, swapped, replaced, added, quoted, cut short or glued to the next."""
    words = line.split(" ")
    index, other = rng.randrange(len(words)), rng.randrange(len(words))
    before, here, behind = words[:index], words[index], words[index + 1 :]
    stranger = rng.choice(rng.choice(others).split())
    changes = (
        [*before, *behind],
        [*before, words[other], here, *behind],
        [words[other] if each == index else here if each == other else word for each, word in enumerate(words)],
        [*before, stranger, *behind],
        [*before, stranger, here, *behind],
        [*before, rng.choice(WORDS), here, *behind],
        [*before, f'"{here}"', *behind],
        [*before, here[: max(1, len(here) // 2)], *behind],
        [*before, "=".join((here, *behind[:1])), *behind[1:]],
    )
    return " ".join(rng.choice(changes))


def with_other_characters(line: str, others: tuple[str, ...], rng: random.Random) -> str:
    """A character deleted, doubled, swapped, added or replaced, or the numbers changed."""
    place = rng.randrange(len(line))
    before, here, behind = line[:place], line[place], line[place + 1 :]
    changes = (
        before + behind,
        before + here + here + behind,
        before + behind[:1] + here + behind[1:],
        before + rng.choice(ODD) + here + behind,
        before + rng.choice(ODD) + behind,
        re.sub(r"\d+", lambda found: rng.choice((found[0], "0", "70000", "010", found[0] + "9")), line),
    )
    return rng.choice(changes)


def batch(body: Body, size: int, rng: random.Random) -> list[str]:
    """So many mutated lines, each behind the line that it was made from, so that its shape is known."""
    lines: list[str] = []
    for line in rng.choices(body.lines, k=size):
        changed = mutated(line, body.lines, rng)
        if not ENDS_READING.search(changed):
            lines += (line, changed)
    return lines


def batches(total: int, size: int, rng: random.Random) -> Iterator[tuple[Body, list[str]]]:
    """Batches of mutated lines, ``total`` in all, over all tables in turn.

    A few hold a character because of which nothing around it is read by shapes.
    """
    found = bodies()
    for number in range(total // size):
        body = found[number % len(found)]
        lines = batch(body, size, rng)
        yield body, lines + [f"{body.lines[0]}{ALONE[number % 7]}x" for _ in range(number % 7 < len(ALONE))]


class Reading(NamedTuple):
    """All that is said of a ruleset."""

    findings: list[tuple[str, str, int, int, int, int, str, str]]
    canonical: str


def reading(text: str, family: Family, shapes: bool, monkeypatch: pytest.MonkeyPatch) -> Reading:
    """What is said of a text, by shapes or with every line through Lark."""
    monkeypatch.setitem(os.environ, "RULEC_SHAPES", str(int(shapes)))
    ruleset = rulec.parse(text, family=family.value)
    findings = [
        (found.slug, found.severity.value, found.line, found.column, found.end_line, found.end_column, found.message,
         found.hint)
        for found in ruleset.findings
    ]  # fmt: skip
    return Reading(findings, rulec.canonical(ruleset))
