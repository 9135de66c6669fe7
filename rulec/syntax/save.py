"""Rulesets as text: what was read, and what iptables-save would print of it.

The order of tables is that of the file, since loading goes by it.  Base chains
come in hook order, then the others by name, as libiptc keeps them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rulec import catalogue
from rulec.catalogue.base import BASE
from rulec.catalogue.extension import Given, saved_option
from rulec.catalogue.values.addresses import Addressed
from rulec.catalogue.values.text import quoted
from rulec.model import Counters, Family, Match, Rule, Target, Use
from rulec.syntax.ruleset import Chain, Ruleset, Table

_SHORT = {
    "--source": "-s",
    "--destination": "-d",
    "--in-interface": "-i",
    "--out-interface": "-o",
    "--protocol": "-p",
    "--fragments": "-f",
}

_BARE = re.compile(r"[^\s\"'\\]+")  # a word that needs no quotes


def canonical(ruleset: Ruleset) -> str:
    """The text that iptables-save prints after the ruleset is loaded (legacy back end, 1.8.9).

    Rules carry counters, as with ``iptables-save -c``, if some rule of the text does.
    """
    counted = "\n[" in ruleset.source.text
    return "".join(_table(ruleset, table, counted) for table in ruleset.tables.values())


def _table(ruleset: Ruleset, table: Table, counted: bool) -> str:
    lines = [f"*{table.name}"]
    lines += [chain_line(table, chain) for chain in table.in_order()]
    for chain in table.in_order():
        lines += [saved_rule(placed.rule, ruleset.family, counted) for placed in ruleset.rules(chain)]
    return "\n".join([*lines, "COMMIT", ""])


def chain_line(table: Table, chain: Chain) -> str:
    """``:CHAIN POLICY [packets:bytes]``; a base chain of which the file says nothing keeps ACCEPT."""
    policy = (chain.policy or "ACCEPT") if chain.name in table.builtin else "-"
    counters = chain.counters or Counters(0, 0)
    return f":{chain.name} {policy} [{counters.packets}:{counters.bytes}]"


def saved_rule(rule: Rule, family: Family, counted: bool = False) -> str:
    """A rule as iptables-save prints it."""
    counters = rule.counters or Counters(0, 0)
    words = [f"[{counters.packets}:{counters.bytes}]"] if counted else []
    words += ["-A", rule.chain, *_base_words(rule)]
    for match in rule.matches:
        words += _match_words(match, family)
    if rule.target is not None:
        words += _target_words(rule.target, family)
    return " ".join(words)


def saved_on(ruleset: Ruleset, line: int) -> frozenset[str]:
    """What iptables-save prints of the rules that one line makes."""
    return frozenset(saved_rule(rule, ruleset.family) for rule in ruleset.rules_on(line))


def _base_words(rule: Rule) -> Iterator[str]:
    for option in BASE.options:
        use = rule.option(option.name)
        if use is not None and option.name in _SHORT and not _says_nothing(use):
            for word in saved_option(option, use):
                yield _SHORT.get(word, word)


def _says_nothing(use: Use) -> bool:
    """Conditions that every packet fulfils are not kept by the kernel."""
    if use.value == 0 and use.option == "--protocol":
        return True
    if isinstance(use.value, Addressed):
        return use.value[1] == 0 and not use.negated
    return bool(use.value == "+")


def _match_words(match: Match, family: Family) -> Iterator[str]:
    extension = catalogue.match(match.name)
    yield "-m"
    if extension is None:
        yield match.name
        yield from _opaque_words(match.uses)
        return
    yield extension.saved_name or extension.name
    yield from extension.saved(Given(family, match.uses))


def _target_words(target: Target, family: Family) -> Iterator[str]:
    yield "-g" if target.goto else "-j"
    extension = catalogue.target(target.name) if target.extends else None
    if extension is None:
        yield target.name
        yield from _opaque_words(target.uses)
        return
    yield extension.saved_name or extension.name
    yield from extension.saved(Given(family, target.uses))


def _opaque_words(uses: tuple[Use, ...]) -> Iterator[str]:
    for use in uses:
        yield from ["!"] * use.negated
        yield use.option
        for word in use.value or ():
            yield word if _BARE.fullmatch(word) else quoted(word)
