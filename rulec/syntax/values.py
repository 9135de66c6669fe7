"""The values of a line: words read by the kinds of the catalogue, with all that depends on values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rulec.catalogue.extension import Given, Setting
from rulec.catalogue.values.addresses import NameNeedsResolver
from rulec.model import Family, Match, Rule, Target, Use
from rulec.syntax.items import Problem
from rulec.syntax.line import Line, Plan

Reader = Callable[..., Any]
"""Reads the words of one use; raises ValueError with a sentence."""


def reader(plan: Plan, setting: Setting) -> Reader:
    """How the arguments of a use are read in a rule of that setting."""
    option = plan.option
    if option.name in ("--source", "--destination", "--protocol") and plan.owner == 0 and plan.negated:
        return _negated_reader(plan, setting.family)
    if option.check is None:
        return lambda *words: option.value.read(setting.family, *words)
    check = option.check

    def read(*words: str) -> Any:
        value = option.value.read(setting.family, *words)
        check(value, setting)
        return value

    return read


def _negated_reader(plan: Plan, family: Family) -> Reader:
    def read(*words: str) -> Any:
        value = plan.option.value.read(family, *words)
        if value == 0:
            raise ValueError("no packet has another protocol than all: the rule would never match")
        if isinstance(value, tuple) and len(value) > 2:
            raise ValueError("a list of addresses cannot be negated: the rules made of it would match every packet")
        return value

    return read


def setting_of(line: Line, family: Family) -> Setting:
    """The protocol of the line, as far as it can be read."""
    for plan in line.plans:
        if plan.owner == 0 and plan.option.name == "--protocol":
            try:
                number = plan.option.value.read(family, line.arguments[plan.arguments[0]].text)
            except ValueError:
                return Setting(family)
            return Setting(family, number, plan.negated)
    return Setting(family)


def value_problems(line: Line, family: Family) -> Iterator[Problem]:
    """What is wrong with the values of a line, each at its word."""
    setting = setting_of(line, family)
    sound = True
    for plan in line.plans:
        problem = _reading_problem(line, plan, setting)
        if problem is not None:
            sound = False
            yield problem
    if sound and not line.problems:
        texts = [argument.text for argument in line.arguments]
        for number, owner in enumerate(line.owners):
            message = owner_complaint(line, number, texts, family)
            if message:
                yield Problem(message, owner.start, owner.end)


def _reading_problem(line: Line, plan: Plan, setting: Setting) -> Problem | None:
    if not plan.option.value.terminals:
        return None
    words = [line.arguments[number] for number in plan.arguments]
    try:
        reader(plan, setting)(*(word.text for word in words))
    except NameNeedsResolver as error:
        hint = "write the address: a restore at boot fails as a whole when the resolver does not answer"
        return Problem(str(error), words[0].start, words[-1].end, hint, "host-name")
    except ValueError as error:
        return Problem(
            f"{plan.option.name}: {error}", words[0].start, words[-1].end, f"expected {plan.option.value.expected}"
        )
    return None


def owner_complaint(line: Line, number: int, texts: Sequence[str], family: Family) -> str:
    """What an extension has against its options taken together, or nothing."""
    extension = line.owners[number].extension
    if extension.check is None:
        return ""
    try:
        extension.check(Given(family, uses_of(line, number, texts, family)))
    except ValueError as error:
        return f"{extension.name}: {error}"
    return ""


def uses_of(line: Line, number: int, texts: Sequence[str], family: Family) -> tuple[Use, ...]:
    """The uses of one owner, in the order in which they stand."""
    return tuple(_use(plan, texts, family) for plan in line.plans if plan.owner == number)


def _use(plan: Plan, texts: Sequence[str], family: Family) -> Use:
    words = [texts[number] for number in plan.arguments]
    if plan.option.value.terminals:
        return Use(plan.option.name, plan.negated, plan.option.value.read(family, *words))
    return Use(plan.option.name, plan.negated, tuple(words) or None)


def rule_of(line: Line, texts: Sequence[str], family: Family) -> Rule:
    """The rule that the line makes with these words for its arguments."""
    matches, target = [], None
    if line.jump is not None:
        target = Target(texts[line.jump], goto=line.goto)
    for number, owner in enumerate(line.owners[1:], 1):
        uses = uses_of(line, number, texts, family)
        if owner.role == "match":
            matches.append(Match(owner.extension.name, uses))
        else:
            target = Target(owner.extension.name, uses, extends=True)
    return Rule(texts[line.operands[0]], uses_of(line, 0, texts, family), tuple(matches), target)
