"""Rulesets in the form of iptables-save, with their comments and blank lines where they stand.

Each line is written as iptables-save writes it: short options, plain numbers,
one rule for each pair of addresses.  Lines keep their order, and no chain is
added: a base chain that the file does not name keeps its policy when it is
loaded, and would lose it otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.model import Counters
from rulec.syntax.ruleset import Ruleset, expanded, with_counters
from rulec.syntax.save import saved_rule
from rulec.syntax.shapes import Template

_VERBS = {"APPEND": "-A", "INSERT": "-I", "REPLACE": "-R", "DELETE": "-D", "CHECK": "-C"}


def formatted(ruleset: Ruleset) -> str:
    """The text of a valid ruleset in canonical form, line by line."""
    lines = ruleset.source.text.removesuffix("\n").split("\n")
    written = [line for number, text in enumerate(lines, 1) for line in _line(ruleset, number, text)]
    return "".join(f"{line}\n" for line in written) if ruleset.source.text else ""


def _line(ruleset: Ruleset, number: int, text: str) -> Iterator[str]:
    text = text.split("\0", 1)[0]
    if not text or text[0] == "#" or text == "COMMIT":
        yield text
    elif text[0] == "*":
        yield "*" + text[1:].split()[0]
    elif text[0] == ":":
        yield _chain(text)
    else:
        yield from _command(ruleset, number, text)


def _chain(text: str) -> str:
    name, policy, *rest = text[1:].split()
    return " ".join([f":{name}", policy, *rest[:1]])


def _command(ruleset: Ruleset, number: int, text: str) -> Iterator[str]:
    line = ruleset.parse_line(number)
    if line.verb not in _VERBS or (len(line.operands) > 1 and line.verb == "DELETE"):
        yield " ".join(text.split())
        return
    position = f" {line.operand(1)}" if len(line.operands) > 1 else ""
    for rule in expanded(with_counters(Template(line, ruleset.family).rule(()), text)):
        saved = saved_rule(rule, ruleset.family)
        yield (
            _counters(rule.counters) + f"{_VERBS[line.verb]} {rule.chain}{position}" + saved[len(f"-A {rule.chain}") :]
        )


def _counters(counters: Counters | None) -> str:
    return "" if counters is None else f"[{counters.packets}:{counters.bytes}] "
