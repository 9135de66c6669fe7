"""What was tried: how often each match and target hit and missed, and how many packets each cell has seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import product

from rulec.model import Family
from rulec.packetset.fields import STATES
from tests.kernel.fuzz import matches, targets
from tests.kernel.fuzz.packets import PATHS

LEAST_OF_EACH, LEAST_IN_CELL = 200, 500

NEVER_HITS = {"cluster"}
"""Matches of which nobody knows when they hit: what is tested is that they miss a packet without a connection."""

NEVER_MISSES = {"comment"}
"""Matches that hold of every packet."""

VERDICTS = ("ACCEPT", "DROP", "RETURN", "-", "-j chain", "-g chain")
"""What a rule may end with besides a target extension; - is nothing."""


@dataclass
class Coverage:
    """Counts, which can be added up."""

    hits: Counter[str] = field(default_factory=Counter)
    misses: Counter[str] = field(default_factory=Counter)
    cells: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    totals: Counter[str] = field(default_factory=Counter)

    def __iadd__(self, other: Coverage) -> Coverage:
        self.hits += other.hits
        self.misses += other.misses
        self.cells += other.cells
        self.totals += other.totals
        return self

    def tried(self, kind: str) -> int:
        """How often a match or target was put to the test, in the way in which that was seldom."""
        name = kind.partition(" ")[2]
        hits, misses = self.hits[kind], self.misses[kind]
        if name in NEVER_HITS or name in NEVER_MISSES:
            return max(hits, misses)
        return min(hits, misses)

    def gaps(self, families: Iterable[Family], backends: Iterable[str]) -> Iterator[str]:
        """What was tried too seldom."""
        families = tuple(families)
        for kind in _kinds(families):
            name = kind.partition(" ")[2]
            if self.hits[kind] < LEAST_OF_EACH and name not in NEVER_HITS:
                yield f"{kind}: {self.hits[kind]} hits"
            if self.misses[kind] < LEAST_OF_EACH and name not in NEVER_MISSES:
                yield f"{kind}: {self.misses[kind]} misses"
        for path, family, backend, state in product(PATHS, families, backends, STATES):
            seen = self.cells[path, family.value, backend, state]
            if seen < LEAST_IN_CELL:
                yield f"{path}, {family.label}, {backend}, {state}: {seen} packets"

    def table(self, families: Iterable[Family], backends: Iterable[str]) -> Iterator[str]:
        """The counts as lines of text."""
        families, backends = tuple(families), tuple(backends)
        yield f"{'':24}{'hits':>9}{'misses':>9}"
        for kind in _kinds(families):
            yield f"{kind:24}{self.hits[kind]:9}{self.misses[kind]:9}"
        yield ""
        yield f"{'packets':24}" + "".join(f"{state:>13}" for state in (*STATES, "not tracked"))
        for path, family, backend in product(PATHS, families, backends):
            cells = [self.cells[path, family.value, backend, state] for state in (*STATES, "off")]
            yield f"{f'{path} {family.label} {backend}':24}" + "".join(f"{count:13}" for count in cells)
        yield ""
        yield ", ".join(f"{count} {what}" for what, count in sorted(self.totals.items()))
        yield f"{_met(self.hits, 'match')} matches and {_met(self.hits, 'target')} targets hit"


def _met(hits: Counter[str], role: str) -> int:
    return sum(count > 0 for kind, count in hits.items() if kind.startswith(role))


def _kinds(families: tuple[Family, ...]) -> list[str]:
    """All that must be tried, as "match tcp" or "target MARK"."""
    found = ["match -s", "match -d", "match -i", "match -o", "match -p"]
    found += ["match -f"] if Family.IPV4 in families else []
    found += [f"match {name}" for name, makers in matches.MAKERS.items() if _fits(makers, families)]
    both = {**targets.PLAIN, **targets.NAT}
    found += [f"target {name}" for name, makers in both.items() if _fits(makers, families)]
    return found + [f"target {name}" for name in VERDICTS]


def _fits(makers: Iterable[matches.Maker | targets.Maker], families: tuple[Family, ...]) -> bool:
    return any(set(maker.families).intersection(families) for maker in makers)
