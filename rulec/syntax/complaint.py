"""Sentences for what the grammar does not take."""

from __future__ import annotations

from rulec.syntax.grammar import Rejected
from rulec.syntax.items import Item, Problem

_NAMES = {
    "CHAIN": "the name of a chain",
    "TARGET": "a verdict, a chain or a target",
    "MODULE": "the name of a match",
    "RULE_NUMBER": "the number of a rule",
    "POLICY": "a policy: ACCEPT, DROP, or - for a user chain",
    "TABLE_NAME": "the name of a table",
    "COUNTER": "packets and bytes, two numbers",
    "SET_FLAGS": "src or dst, or a list of them with commas",
    "TCP_FLAGS": "TCP flags with commas, such as SYN,ACK",
}


def problem(rejected: Rejected, items: list[Item], end: int) -> Problem:
    """What to say of the word that the grammar does not admit, or of a line that ends too early."""
    item = rejected.item
    last = items[-1] if items else None
    if item is None:
        return _at_the_end(rejected, last, end)
    late = _late_negation(item, last)
    if late is not None:
        message = "a ! stands in front of its option, not behind it"
        return Problem(message, late.start, late.end, "such as: ! -s 192.0.2.0/24")
    if item.token == "BAD_WORD" and item.text.startswith("#"):
        return Problem(item.note, item.start, item.end, slug="trailing-comment" if items else "indented-comment")
    if item.note:
        return Problem(item.note, item.start, item.end)
    if item.token == "BAD_ARGUMENT":
        return Problem(f"{item.text!r} is not {_expected(item, rejected)}", item.start, item.end)
    if last is not None and last.token == "BANG":
        return _after_negation(item)
    return Problem(f"unexpected {item.text!r}", item.start, item.end)


def _expected(item: Item, rejected: Rejected) -> str:
    if item.option is not None:
        return item.option.value.expected
    return " or ".join(_NAMES.get(name, name) for name in rejected.expected)


def _late_negation(item: Item, last: Item | None) -> Item | None:
    """A ``!`` behind its option, where older iptables took it too; some kinds of argument are met by it."""
    if item.token == "BAD_ARGUMENT" and item.text == "!":
        return item
    argument = item.token == "BAD_WORD" and last is not None and last.token != "BANG" and last.text == "!"
    return last if argument else None


def _after_negation(item: Item) -> Problem:
    if item.token == "BANG":
        return Problem("two ! in a row", item.start, item.end)
    return Problem(f"{item.text} cannot be negated", item.start, item.end, "delete the ! before it")


def _at_the_end(rejected: Rejected, last: Item | None, end: int) -> Problem:
    if last is None:
        return Problem("nothing stands on this line", end, end)
    if last.token == "BANG":
        return Problem("nothing follows the !", last.start, last.end)
    if last.option is not None:
        return Problem(f"{last.text} needs an argument", last.start, last.end, f"expected {last.option.value.expected}")
    wanted = " or ".join(_NAMES.get(name, name) for name in rejected.expected)
    if not last.text.startswith("-"):
        return Problem(f"{wanted} is missing behind {last.text}", last.start, last.end)
    return Problem(f"{last.text} needs an argument", last.start, last.end, f"expected {wanted}")
