"""Short rulesets in, and what a reader of them says, in a form that fits a table of cases."""

from __future__ import annotations

import rulec
from rulec.syntax.ruleset import Ruleset


def table(body: str, name: str = "filter") -> str:
    """The lines of one table as a whole ruleset; the first of them stands on line 2."""
    return f"*{name}\n{body}\nCOMMIT\n"


def read(body: str, name: str = "filter", family: str = "ipv4") -> Ruleset:
    """The ruleset of these lines."""
    return rulec.parse(table(body, name), family=family)


def chains_and_rules(ruleset: Ruleset) -> list[str]:
    """What iptables-save would print, but for tables and for base chains that stand as they always do."""
    silent = ("*", "COMMIT", "#")
    lines = rulec.canonical(ruleset).splitlines()
    return [line for line in lines if not line.startswith(silent) and not line.endswith(" ACCEPT [0:0]")]


def said(ruleset: Ruleset) -> list[str]:
    """The findings, as ``line:column slug message``."""
    return [f"{found.line}:{found.column} {found.slug} {found.message}" for found in ruleset.findings]
