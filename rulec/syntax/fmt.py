"""Rulesets in the form of iptables-save, with their comments and blank lines where they stand.

Each line is written as iptables-save writes it: short options, plain numbers,
one rule for each pair of addresses.  Lines keep their order, and no chain is
added: a base chain that the file does not name keeps its policy when it is
loaded, and would lose it otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rulec.model import Rule
from rulec.syntax.ruleset import Ruleset, expanded
from rulec.syntax.save import saved_rule
from rulec.syntax.shapes import Template

_VERBS = {"APPEND": "-A", "INSERT": "-I", "REPLACE": "-R", "DELETE": "-D", "CHECK": "-C"}
_BLANK_SEPARATED = re.compile(r"[^ \t]+")
_COMMENT = re.compile(r"(\*[ \t]*[^ \t#]+|:[ \t]*[^ \t]+[ \t]+[^ \t#][^#]*?)[ \t]+#")


def formatted(ruleset: Ruleset, careful: bool = False) -> str:
    """The text of a valid ruleset in canonical form, line by line.

    Of some rules iptables-save prints what iptables-restore refuses or takes for
    another rule.  ``careful`` looks for them, and leaves their lines as they are.
    """
    lines = ruleset.source.text.removesuffix("\n").split("\n")
    end = next((finding.line for finding in ruleset.findings if finding.slug == "reading-ends"), len(lines) + 1)
    written: list[str] = []
    for number, text in enumerate(lines[: end - 1], 1):
        made = list(_line(ruleset, number, text))
        same = not careful or made == [text] or text[0] in "*:" or _means(ruleset, number, text, made)
        written += made if same else [text]
    return "".join(f"{line}\n" for line in written + lines[end - 1 :]) if ruleset.source.text else ""


def _means(ruleset: Ruleset, number: int, text: str, made: list[str]) -> bool:
    """Whether these lines make the same rules as the one from which they were made."""
    rules = [_saved(ruleset, number, line) for line in made]
    return None not in rules and [rule for some in rules for rule in some or ()] == _saved(ruleset, number, text)


def _saved(ruleset: Ruleset, number: int, text: str) -> list[str] | None:
    """What iptables-save prints of the rules of a text in place of a line; None where it is invalid."""
    line = ruleset.parse_as(number, text.partition("\0")[0])
    if line is None:
        return None
    return [saved_rule(rule, ruleset.family) for rule in expanded(Template(line, ruleset.family).rule(()))]


def _line(ruleset: Ruleset, number: int, text: str) -> Iterator[str]:
    if text[:1] == "#":
        yield text
        return
    text = text.partition("\0")[0]
    if not text or text == "COMMIT":
        yield text
    elif text[0] in "*:":
        yield from _declared(text, 1 if text[0] == "*" else 3)
    else:
        yield from _command(ruleset, number, text)


def _declared(text: str, wanted: int) -> Iterator[str]:
    """A table or a chain in its usual form; a comment behind it, which is read over, goes on a line above."""
    found = _COMMENT.match(text)
    if found is not None:
        yield text[found.end(1) :].lstrip(" \t")
        text = found[1]
    yield text[0] + " ".join(_BLANK_SEPARATED.findall(text[1:])[:wanted])


def _command(ruleset: Ruleset, number: int, text: str) -> Iterator[str]:
    """The rules that a line makes; what makes none stays as it is."""
    line = ruleset.parse_line(number)
    if line.skipped or line.verb not in _VERBS or (len(line.operands) > 1 and line.verb == "DELETE"):
        yield text
        return
    front = f"{line.counters.text} " if line.counters is not None else ""
    position = f" {line.operand(1)}" if len(line.operands) > 1 else ""
    if any("\n" in argument.text for argument in line.arguments):
        yield text  # an unclosed quote took the newline, which no other spelling can say
        return
    for rule in expanded(Template(line, ruleset.family).rule(())):
        words = saved_rule(rule, ruleset.family).removeprefix(f"-A {rule.chain}")
        yield f"{front}{_VERBS[line.verb]} {rule.chain}{position}{_counters(rule)}{words}"


def _counters(rule: Rule) -> str:
    """The ``-c`` of a rule, which counts whether or not counters are restored."""
    use = rule.option("--set-counters")
    return "" if use is None else " -c {} {}".format(*use.value)
