"""The values of a line: words read by the kinds of the catalogue, with all that depends on values."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from typing import Any

from rulec.catalogue.extension import Given, Setting, Unloadable
from rulec.catalogue.values.addresses import NameNeedsResolver
from rulec.model import Family, Match, Rule, Target, Use
from rulec.model.protocols import NAMES
from rulec.syntax.items import Problem
from rulec.syntax.line import Line, Plan

Reader = Callable[..., Any]
"""Reads the words of one use; raises ValueError with a sentence."""

_Maker = Callable[[Sequence[str]], tuple[Use, ...]]
"""Makes uses of the words of a line."""


FAILS_AT_COMMIT = "iptables-restore takes the line, and fails at COMMIT: no rule of this table is loaded"
"""The hint of every load-error."""


def reader(plan: Plan, setting: Setting) -> Reader:
    """How the arguments of a use are read in a rule of that setting."""
    option = plan.option
    if option.name == "--protocol" and plan.owner == 0 and plan.negated:
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
        return value

    return read


def setting_of(line: Line, family: Family) -> Setting:
    """The protocol of the line, as far as it can be read."""
    return setting_before(line, None, family)


def setting_before(line: Line, option: Plan | None, family: Family) -> Setting:
    """The protocol of the line where an option is read: iptables knows it only once it has read ``-p``."""
    for plan in line.plans:
        if plan is option:
            break
        if plan.owner == 0 and plan.option.name == "--protocol":
            try:
                number = plan.option.value.read(family, line.arguments[plan.arguments[0]].text)
            except ValueError:
                break
            return Setting(family, number, plan.negated)
    return Setting(family)


def protocol_complaint(line: Line, family: Family) -> str:
    """An extension of the line that the kernel takes only with another ``-p``."""
    setting = setting_of(line, family)
    for owner in line.owners:
        protocols = owner.extension.protocols
        if protocols and not setting.speaks(*protocols):
            names = " or ".join(NAMES.get(number, str(number)) for number in protocols)
            return f"the {owner.role} {owner.extension.name} needs -p {names} in the same rule"
    return ""


def value_problems(line: Line, family: Family) -> Iterator[Problem]:
    """What is wrong with the values of a line, each at its word."""
    sound = True
    for plan in line.plans:
        if (line.skipped or line.ends_reading) and plan.option.name in ("--source", "--destination"):
            continue  # iptables reads addresses behind all other words
        problem = _reading_problem(line, plan, setting_before(line, plan, family))
        if problem is not None:
            sound = False
            yield problem
    if sound and not (line.problems or line.skipped or line.ends_reading):
        texts = [argument.text for argument in line.arguments]
        for number, owner in enumerate(line.owners):
            try:
                owner_check(line, number, texts, family)
            except ValueError as error:
                yield Problem(f"{owner.extension.name}: {error}", owner.start, owner.end)


def _reading_problem(line: Line, plan: Plan, setting: Setting) -> Problem | None:
    if not plan.option.value.terminals:
        return None
    words = [line.arguments[number] for number in plan.arguments]
    try:
        reader(plan, setting)(*(word.text for word in words))
    except NameNeedsResolver as error:
        hint = "write the address: a restore at boot fails as a whole when the resolver does not answer"
        return Problem(str(error), words[0].start, words[-1].end, hint, "host-name")
    except Unloadable as error:
        return Problem(f"{plan.option.name}: {error}", words[0].start, words[-1].end, FAILS_AT_COMMIT, "load-error")
    except ValueError as error:
        expected = plan.option.value.expected
        hint = "" if expected in str(error) else f"expected {expected}"
        return Problem(f"{plan.option.name}: {error}", words[0].start, words[-1].end, hint)
    return None


def owner_check(line: Line, number: int, texts: Sequence[str], family: Family) -> None:
    """ValueError for what an extension has against its options taken together."""
    check = line.owners[number].extension.check
    if check is not None:
        check(Given(family, uses_of(line, number, texts, family)))


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
    return rules_like(line, range(len(texts)), family)(texts)


def matches_of(line: Line, texts: Sequence[str], family: Family) -> tuple[Match, ...]:
    """The matches of the line with these words for its arguments."""
    return tuple([Match(name, made(texts)) for name, made in _makers(line, "match", range(len(texts)), family)])


def rules_like(line: Line, varying: Container[int], family: Family) -> Callable[[Sequence[str]], Rule]:
    """What makes the rules of lines that differ from this one in some arguments only; all else is read but once."""
    base, matches = _maker(line, 0, varying, family), _makers(line, "match", varying, family)
    extensions = _makers(line, "target", varying, family)

    def rule(texts: Sequence[str]) -> Rule:
        target = None if line.jump is None else Target(texts[line.jump], goto=line.goto)
        for name, made in extensions:
            target = Target(name, made(texts), extends=True)
        return Rule(
            texts[line.operands[0]], base(texts), tuple([Match(name, made(texts)) for name, made in matches]), target
        )

    return rule


def _makers(line: Line, role: str, varying: Container[int], family: Family) -> list[tuple[str, _Maker]]:
    """The extensions of a line in one role, each with what makes its uses."""
    owners = [(number, owner) for number, owner in enumerate(line.owners) if owner.role == role]
    return [(owner.extension.name, _maker(line, number, varying, family)) for number, owner in owners]


def _maker(line: Line, number: int, varying: Container[int], family: Family) -> _Maker:
    """What makes the uses of one owner."""
    words = [argument.text for argument in line.arguments]
    plans = [plan for plan in line.plans if plan.owner == number]
    made = [plan if any(one in varying for one in plan.arguments) else _use(plan, words, family) for plan in plans]
    return lambda texts: tuple([_use(one, texts, family) if isinstance(one, Plan) else one for one in made])
