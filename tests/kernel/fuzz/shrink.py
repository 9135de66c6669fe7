"""A disagreement with as little around it as possible."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

import rulec
from rulec.packetset.space import TooLarge
from tests.kernel.fuzz.bed import Bed
from tests.kernel.fuzz.counters import POLICY
from tests.kernel.fuzz.rules import RulesetText, RuleText
from tests.kernel.fuzz.trial import Disagreement, Refused, Result, Step, run

T = TypeVar("T")
_ROUNDS = 6


class Case(NamedTuple):
    """A ruleset, and packets one after the other."""

    text: RulesetText
    steps: tuple[Step, ...]


def verdict(bed: Bed, case: Case) -> Result | None:
    """The first packet on which the kernel and the packet sets disagree, each packet having all the time it needs."""
    if not rulec.parse(str(case.text), family=case.text.family.value).valid:
        return None
    if "nat" in case.text.tables and not case.text.tracked:
        return None
    try:
        results = run(bed, case.text, case.steps)
    except (Refused, TooLarge, AssertionError, OSError):
        return None
    return next((result for result in results if result.disagreements), None)


def smallest(bed: Bed, case: Case) -> Case:
    """The case with everything left out that may be."""
    for _ in range(_ROUNDS):
        before = case
        for smaller in (_fewer_steps, _fewer_rules, _fewer_parts, _fewer_policies):
            case = smaller(bed, case)
        if case == before:
            break
    return case


def _fewer_steps(bed: Bed, case: Case) -> Case:
    for steps in _shorter(case.steps):
        if verdict(bed, case._replace(steps=steps)):
            return _fewer_steps(bed, case._replace(steps=steps))
    return case


def _fewer_rules(bed: Bed, case: Case) -> Case:
    for rules in _shorter(case.text.rules):
        chains = {(rule.table, rule.chain) for rule in rules}
        called = {(rule.table, rule.target.split()[-1]) for rule in rules if rule.target}
        kept = tuple(chain for chain in case.text.chains if chain in chains | called)
        smaller = case._replace(text=case.text._replace(rules=rules, chains=kept))
        if verdict(bed, smaller):
            return _fewer_rules(bed, smaller)
    return case


def _fewer_parts(bed: Bed, case: Case) -> Case:
    for place, rule in enumerate(case.text.rules):
        for other in _simpler(rule):
            rules = (*case.text.rules[:place], other, *case.text.rules[place + 1 :])
            smaller = case._replace(text=case.text._replace(rules=rules))
            if verdict(bed, smaller):
                return _fewer_parts(bed, smaller)
    return case


def _simpler(rule: RuleText) -> Iterator[RuleText]:
    """The rule without one of its matches, or without its target."""
    for place in range(len(rule.parts)):
        yield rule._replace(parts=rule.parts[:place] + rule.parts[place + 1 :])
    if rule.target:
        yield rule._replace(target="")


def _fewer_policies(bed: Bed, case: Case) -> Case:
    for chain in case.text.drops:
        smaller = case._replace(text=case.text._replace(drops=case.text.drops - {chain}))
        if verdict(bed, smaller):
            return _fewer_policies(bed, smaller)
    return case


def _shorter(items: Sequence[T]) -> Iterator[tuple[T, ...]]:
    """Half of them, a quarter less, ..., each alone less."""
    size = len(items) // 2
    while size:
        for start in range(0, len(items), size):
            yield (*items[:start], *items[start + size :])
        size //= 2
    if len(items) == 1:
        yield ()


def told(case: Case, bed: Bed, result: Result) -> str:
    """The case for a reader."""
    lines = [f"The kernel disagrees: {bed.backend}, {case.text.family.label}", "", str(case.text).rstrip(), ""]
    lines += ["all connections are forgotten" if step is None else f"packet: {step}" for step in case.steps]
    lines += ["", f"on the last of these that is told: {result.packet}", f"path {result.path}, state {result.state}"]
    lines += [
        f"  {_place(case, one)}: foretold {int(one.foretold)}, counted {one.counted}" for one in result.disagreements
    ]
    return "\n".join(lines)


def _place(case: Case, one: Disagreement) -> str:
    table, chain, number = one.place
    if number == POLICY:
        return f"{table}: policy of {chain}"
    rules = [rule for rule in case.text.rules if (rule.table, rule.chain) == (table, chain)]
    return f"{table}: {rules[number]}"
