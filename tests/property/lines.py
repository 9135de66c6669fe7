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

ODD = '"\\\'!\t-:,/=#[]+*.\r\0\x01\x0b\u00e9\u00a0\udcff'
WORDS = ("!", '""', '"a b"', "--", "-", "-4", "-6", "-c 1 2", "-v", "-j", "-m", "-p tcp", "-s", "0", "65536", "x")


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
    """The line with one thing changed: a word or a character, deleted, doubled, swapped or replaced."""
    words = line.split(" ")
    index, other = rng.randrange(len(words)), rng.randrange(len(words))
    place = rng.randrange(len(line))
    match rng.randrange(14):
        case 0:
            del words[index]
        case 1:
            words.insert(index, words[other])
        case 2:
            words[index], words[other] = words[other], words[index]
        case 3:
            words[index] = rng.choice(rng.choice(others).split())
        case 4:
            words.insert(index, rng.choice(rng.choice(others).split()))
        case 5:
            words.insert(index, rng.choice(WORDS))
        case 6:
            words[index] = f'"{words[index]}"'
        case 7:
            words[index] = words[index][: max(1, len(words[index]) // 2)]
        case 8:
            words[index : index + 2] = ["=".join(words[index : index + 2])]
        case 9:
            return re.sub(r"\d+", lambda found: rng.choice((found[0], "0", "70000", "010", found[0] + "9")), line)
        case 10:
            return line[:place] + line[place + 1 :]
        case 11:
            return line[:place] + line[place] + line[place:]
        case 12:
            return line[:place] + rng.choice(ODD) + line[place:]
        case _:
            return line[:place] + rng.choice(ODD) + line[place + 1 :]
    return " ".join(words)


def batch(body: Body, size: int, rng: random.Random) -> list[str]:
    """So many mutated lines, each behind the line that it was made from, so that its shape is known."""
    lines: list[str] = []
    for line in rng.choices(body.lines, k=size):
        lines += (line, mutated(line, body.lines, rng))
    return lines


def batches(total: int, size: int, rng: random.Random) -> Iterator[tuple[Body, list[str]]]:
    """Batches of mutated lines, ``total`` in all, over all tables in turn."""
    found = bodies()
    for number in range(0, total, size):
        body = found[number // size % len(found)]
        yield body, batch(body, size, rng)


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
