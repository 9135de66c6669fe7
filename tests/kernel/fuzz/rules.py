"""A ruleset as parts that can be left out one by one."""

from __future__ import annotations

import re
from typing import NamedTuple

from rulec.model import BUILTIN_CHAINS, Family

_TRANSLATES = re.compile("-j (?:[DS]NAT|REDIRECT|MASQUERADE|NETMAP)")
_REWRITES = re.compile("-j (?:[DS]NAT|REDIRECT|MASQUERADE|NETMAP|TTL|HL|TOS|DSCP|ECN)")
_TRACKS = re.compile(
    "-m (?:conntrack|state|connmark|connbytes|connlabel|helper|cluster) "
    "|-j (?:CONNMARK|CT --zone|[DS]NAT|REDIRECT|MASQUERADE|NETMAP)"
)


class RuleText(NamedTuple):
    """A rule: ``parts`` are matches, each of them as it is written; ``target`` is empty for none."""

    table: str
    chain: str
    parts: tuple[str, ...]
    target: str

    def __str__(self) -> str:
        return " ".join(["-A", self.chain, *self.parts, *([self.target] if self.target else [])])


class RulesetText(NamedTuple):
    """A ruleset: the policies that are not ACCEPT, users' chains by table, and the rules."""

    family: Family
    drops: frozenset[tuple[str, str]]
    chains: tuple[tuple[str, str], ...]
    rules: tuple[RuleText, ...]

    @property
    def tables(self) -> list[str]:
        """The tables that hold something."""
        used = {rule.table for rule in self.rules} | {table for table, _ in self.drops}
        return [table for table in ("raw", "mangle", "nat", "filter", "security") if table in used]

    @property
    def tracked(self) -> bool:
        """Whether loading it switches connection tracking on."""
        return any(_TRACKS.search(str(rule)) for rule in self.rules)

    @property
    def translates(self) -> bool:
        """Whether it rewrites addresses."""
        return any(_TRANSLATES.search(rule.target) for rule in self.rules)

    @property
    def rewrites(self) -> bool:
        """Whether it changes headers at all, and so checksums, which are not foreseen."""
        return any(_REWRITES.search(rule.target) for rule in self.rules)

    def __str__(self) -> str:
        return "".join(self._table(table) for table in self.tables)

    def _table(self, table: str) -> str:
        lines = [f"*{table}"]
        for chain in BUILTIN_CHAINS[table]:
            policy = "DROP" if (table, chain) in self.drops else "ACCEPT"
            lines += [f":{chain} {policy} [0:0]"]
        lines += [f":{chain} - [0:0]" for where, chain in self.chains if where == table]
        lines += [str(rule) for rule in self.rules if rule.table == table]
        return "\n".join([*lines, "COMMIT", ""])
