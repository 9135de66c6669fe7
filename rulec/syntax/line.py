"""One command line of a table: what it asks for, before its values are read.

The grammar has taken the line; here its items are put together, and what
concerns several of them is checked against the catalogue: options that stand
twice, exclude or need each other, and commands that do not go together.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rulec.catalogue.extension import Option
from rulec.catalogue.values.numbers import integer
from rulec.syntax.items import Item, Owner, Problem

RULE_VERBS = frozenset(("APPEND", "DELETE", "CHECK", "INSERT", "REPLACE"))
_VERBS = RULE_VERBS | {
    "LIST", "LIST_RULES", "FLUSH", "ZERO", "NEW_CHAIN", "DELETE_CHAIN", "RENAME_CHAIN", "POLICY_OF",
}  # fmt: skip
_ARGUMENT_OF_VERB = frozenset(("CHAIN", "RULE_NUMBER", "POLICY"))
_OPTIONAL = "OPTIONAL_"  # the terminals of arguments that may be left out begin so


class Plan(NamedTuple):
    """A use of an option whose arguments are still words: numbers into ``Line.arguments``."""

    owner: int
    option: Option
    negated: bool
    arguments: tuple[int, ...]
    item: Item


class Line:
    """A command: the verb and its operands, the uses of options, the jump; arguments are numbered words.

    ``skipped`` lines are for the other family; behind one that ends the reading
    nothing is read.
    """

    __slots__ = ("owners", "arguments", "counters", "verb", "operands", "plans", "jump", "goto", "skipped",
                 "ends_reading", "problems")  # fmt: skip

    def __init__(self, owners: list[Owner]) -> None:
        self.owners = owners
        self.arguments: list[Item] = []
        self.counters: Item | None = None
        self.verb = ""
        self.operands: list[int] = []
        self.plans: list[Plan] = []
        self.jump: int | None = None
        self.goto = False
        self.skipped = False
        self.ends_reading = False
        self.problems: list[Problem] = []

    def operand(self, number: int) -> str | None:
        """The text of an operand of the verb: chain, rule number, policy, new name."""
        return self.arguments[self.operands[number]].text if number < len(self.operands) else None

    def add(self, item: Item) -> int:
        """Number an argument."""
        self.arguments.append(item)
        return len(self.arguments) - 1


def assemble(items: list[Item], owners: list[Owner], other_family: str) -> Line:
    """The line that these items make, with the problems that need no values."""
    line = Line(owners)
    queue = iter(items)
    pending: Item | None = None
    negated = False
    for item in queue:
        if item.option is not None and not item.note:
            needed = sum(not terminal.startswith(_OPTIONAL) for terminal in item.option.value.terminals)
            arguments = tuple(line.add(next(queue)) for _ in range(needed))
            line.plans.append(Plan(item.owner, item.option, negated, arguments, item))
        elif item.token.startswith(_OPTIONAL):
            line.plans[-1] = line.plans[-1]._replace(arguments=(line.add(item),))
        elif item.token in _VERBS:
            _set_verb(line, item)
        elif item.token in ("JUMP", "GOTO"):
            _set_jump(line, item, line.add(next(queue)))
        elif item.token in _ARGUMENT_OF_VERB:
            line.operands.append(line.add(item))
            line.problems.extend(_number_problem(item))
        elif item.token in ("OPAQUE_OPTION", "OPAQUE_ARGUMENT"):
            pending = _opaque(line, item, pending, negated)
        elif item.token == "RULE_COUNTERS":
            line.counters = item
        elif item.token == other_family:
            line.skipped = True
        elif item.token == "ENDS_READING":
            line.ends_reading = True
        negated = item.token == "BANG"
    line.problems.extend(_repeated(line))
    if not line.skipped and not line.ends_reading:
        line.problems.extend(_static_problems(line))
    return line


def _opaque(line: Line, item: Item, option: Item | None, negated: bool) -> Item:
    """An option of an extension that rulec does not know: kept as its words."""
    if item.token == "OPAQUE_OPTION":
        line.plans.append(Plan(item.owner, Option(item.text, repeatable=True), negated, (), item))
        return item
    assert option is not None
    last = line.plans.pop()
    line.plans.append(Plan(last.owner, last.option, last.negated, (*last.arguments, line.add(item)), last.item))
    return option


def _set_verb(line: Line, item: Item) -> None:
    pair = {line.verb, item.token}
    if line.verb and not (pair & {"ZERO"} and pair & {"LIST", "LIST_RULES"}):
        line.problems.append(Problem(f"{item.text} cannot stand beside another command", item.start, item.end))
    line.verb = line.verb or item.token


def _number_problem(item: Item) -> Iterator[Problem]:
    if item.token == "RULE_NUMBER":
        try:
            integer(item.text, 1, 2**31 - 1)
        except ValueError:
            yield Problem(f"{item.text} is no number of a rule: they count from 1", item.start, item.end)


def _set_jump(line: Line, item: Item, argument: int) -> None:
    if line.jump is not None:
        line.problems.append(Problem("a rule has one target only", item.start, item.end, "delete one -j or -g"))
    line.jump, line.goto = argument, item.token == "GOTO"


def _repeated(line: Line) -> Iterator[Problem]:
    """Options that stand twice in one use of their extension."""
    given = set()
    for plan in line.plans:
        use = (plan.owner, plan.option.name)
        if use in given and not plan.option.repeatable:
            yield _at(plan, f"{plan.option.name} may stand only once")
        given.add(use)


def _static_problems(line: Line) -> Iterator[Problem]:
    if not line.verb:
        yield Problem("no command on this line", 0, 0, "a rule begins with -A CHAIN")
        return
    for number, owner in enumerate(line.owners):
        yield from _owner_problems(owner, [plan for plan in line.plans if plan.owner == number])
    yield from _forbidden(line)
    yield from _negated_list(line)


def _owner_problems(owner: Owner, plans: list[Plan]) -> Iterator[Problem]:
    """Options that exclude or need each other, or that are missing."""
    given = {plan.option.name: plan for plan in plans}
    for name, plan in given.items():
        for other in plan.option.excludes:
            if other in given and given[other].item.start < plan.item.start:
                yield _at(plan, f"{name} and {other} exclude each other")
        for other in plan.option.requires:
            if other not in given:
                yield _at(plan, f"{name} also needs {other}")
    yield from _missing(owner, given)


def _missing(owner: Owner, given: dict[str, Plan]) -> Iterator[Problem]:
    for option in owner.extension.options:
        if option.required and option.name not in given:
            yield Problem(f"the {owner.role} {owner.name!r} needs {option.name}", owner.start, owner.end)
    for group in owner.extension.one_of:
        if not any(name in given for name in group):
            yield Problem(f"the {owner.role} {owner.name!r} needs {' or '.join(group)}", owner.start, owner.end)


def _negated_list(line: Line) -> Iterator[Problem]:
    """A ``!`` in a rule that lists addresses: each of the rules made of it would match what the others leave out."""
    ends = [plan for plan in line.plans if plan.owner == 0 and plan.option.name in ("--source", "--destination")]
    if any("," in line.arguments[plan.arguments[0]].text for plan in ends):
        for plan in ends:
            if plan.negated:
                yield _at(plan, f"! {plan.option.name} does not go with a list of addresses")


_CONDITIONS = frozenset(
    ("--source", "--destination", "--protocol", "--in-interface", "--out-interface", "--fragments", "--set-counters")
)


def _forbidden(line: Line) -> Iterator[Problem]:
    """iptables' own options that the verb does not take."""
    if line.verb in ("APPEND", "INSERT", "REPLACE"):
        return
    forbidden = _CONDITIONS
    if line.verb == "CHECK" or (line.verb == "DELETE" and len(line.operands) == 1):
        forbidden = frozenset(("--set-counters",))
    elif line.jump is not None:
        word = line.arguments[line.jump]
        yield Problem("a target does not go with this command", word.start, word.end)
    if line.verb == "POLICY_OF":
        forbidden -= {"--set-counters"}
    for plan in line.plans:
        if plan.owner == 0 and plan.option.name in forbidden:
            yield _at(plan, f"{plan.option.name} does not go with this command")


def _at(plan: Plan, message: str) -> Problem:
    return Problem(message, plan.item.start, plan.item.end)
