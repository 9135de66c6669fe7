"""Edits of single words of a rule."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rulec.analysis.facts import Facts
from rulec.diagnostics import Edit, Fix, Safety
from rulec.model import Rule
from rulec.source import Span

_STATES = ("--state", "--ctstate")
_OF_FLOWS = frozenset(("--sport", "--dport", "--sports", "--dports", "--ports"))
_PLAIN = frozenset(("state", "conntrack", "comment", "tcp", "udp", "udplite", "sctp", "dccp", "multiport", "iprange"))


def widened(facts: Facts, line: int) -> Fix | None:
    """The edit that adds UNTRACKED to the states of a rule; None where that would accept more than its NEW did."""
    if not all(map(_names_flows_alone, facts.ruleset.rules_on(line))):
        return None
    parsed = facts.ruleset.parse_line(line)
    plans = [plan for plan in parsed.plans if plan.option.name in _STATES]
    if len(plans) != 1:
        return None
    end = parsed.arguments[plans[0].arguments[0]].end
    return Fix("accept them untracked, too", (Edit(Span(end, end), ",UNTRACKED"),))


def _names_flows_alone(rule: Rule) -> bool:
    """Whether a rule asks for NEW, and else for nothing but the ends of a flow, a port among them."""
    options = [use for match in rule.matches for use in match.uses]
    asked = [use for use in options if use.option in _STATES]
    is_new = len(asked) == 1 and not asked[0].negated and "NEW" in asked[0].value
    alone = all(len(match.uses) == 1 for match in rule.matches if match.name == "conntrack")
    plain = all(match.name in _PLAIN for match in rule.matches)
    flags = any(use.option in ("--syn", "--tcp-flags", "--tcp-option") for use in options)
    accepts = rule.target is not None and rule.target.name == "ACCEPT"
    return is_new and alone and plain and not flags and accepts and any(use.option in _OF_FLOWS for use in options)


def replaced(facts: Facts, line: int, pattern: str, words: str, title: str) -> Fix | None:
    """The edit that puts other words in the place of some of a rule's; None where these stand there otherwise."""
    text, start = facts.ruleset.source.line(line), facts.ruleset.source.line_starts[line - 1]
    found = list(re.finditer(pattern, text))
    if len(found) != 1 or "--comment" in text:
        return None
    return Fix(title, (Edit(Span(start + found[0].start(), start + found[0].end()), words),), Safety.SAFE)


def together(title: str, fixes: Iterable[Fix | None]) -> Fix | None:
    """The edits of several fixes as one, which is safe; None where there are none."""
    edits = tuple(edit for fix in fixes if fix is not None for edit in fix.edits)
    return Fix(title, edits, Safety.SAFE) if edits else None


def in_all(number: int) -> str:
    """How many rules a finding tells of, where that is more than the one that it names."""
    return f" ({number} rules)" if number > 1 else ""
