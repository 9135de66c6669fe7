"""Where two rulesets are not the same rule by rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from typing import NamedTuple

from rulec.model import Match, Rule
from rulec.semantics.program import Chain, Program, Step

_EMPTY = Chain("", 0, "", ())
_STATES = ("--state", "--ctstate")


class Edit(NamedTuple):
    """A rule of the old ruleset and the one in its place, None for none."""

    old: Step | None
    new: Step | None


def edits(old: Mapping[str, Program], new: Mapping[str, Program]) -> Iterator[Edit | None]:
    """What is not the same in the texts; None where a chain has another policy."""
    for table in {**old, **new}:
        chains = [programs[table].chains if table in programs else {} for programs in (old, new)]
        for name in {**chains[0], **chains[1]}:
            before, after = (each.get(name, _EMPTY) for each in chains)
            if (before.policy or "ACCEPT") != (after.policy or "ACCEPT"):
                yield None
            elif _rules(before.steps) != _rules(after.steps):
                yield from _of_chain(before, after)


def _rules(steps: tuple[Step, ...]) -> list[Rule]:
    return [step.rule for step in steps]


def _of_chain(before: Chain, after: Chain) -> Iterator[Edit]:
    matcher = SequenceMatcher(None, _rules(before.steps), _rules(after.steps), autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind != "equal":
            yield from _replaced(before.steps[a:b], after.steps[c:d])


def _replaced(old: tuple[Step, ...], new: tuple[Step, ...]) -> Iterator[Edit]:
    """Rules that ask for other states alone stand for each other, or all of them one by one; others for none."""
    asked = [list(map(_but_for_states, _rules(steps))) for steps in (old, new)]
    blocks = SequenceMatcher(None, asked[0], asked[1], autojunk=False).get_matching_blocks()
    pairs = [(a + number, b + number) for a, b, size in blocks for number in range(size)]
    if not pairs and len(old) == len(new):
        pairs = [(number, number) for number in range(len(old))]
    yield from (Edit(old[a], new[b]) for a, b in pairs)
    yield from (Edit(step, None) for number, step in enumerate(old) if number not in {a for a, _ in pairs})
    yield from (Edit(None, step) for number, step in enumerate(new) if number not in {b for _, b in pairs})


def _but_for_states(rule: Rule) -> Rule:
    return rule._replace(matches=tuple(map(_stateless, rule.matches)))


def _stateless(match: Match) -> Match:
    uses = (use._replace(value=()) if use.option in _STATES else use for use in match.uses)
    return match._replace(uses=tuple(uses))
