"""A table between its first line and its COMMIT."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rulec.model import BASE_CHAINS, BUILTIN_CHAINS, VERDICTS, Counters
from rulec.syntax import lines, load
from rulec.syntax.commands import Commands, Statement
from rulec.syntax.line import Line
from rulec.syntax.ruleset import Chain, Ruleset, Table, line_of
from rulec.syntax.shapes import Template

_VERDICTS = frozenset(VERDICTS)
_CHAIN_LINE = re.compile(r":([^ \t\n\r\0]{1,28}) (-|ACCEPT|DROP)(?: \[([0-9]{1,18}):([0-9]{1,18})\])?[ \t]*")


class OpenTable:
    """The chains so far, and what must be known of the lines of rules when the table is committed.

    ``jumps`` tells the chain to which the rule of a line jumps, ``stops`` the
    lines whose rule ends its chain for every packet, ``words`` the arguments at
    which the kernel looks.
    """

    def __init__(self, ruleset: Ruleset, name: str, number: int, announced: set[str]) -> None:
        self.ruleset = ruleset
        self.table = Table(name, number, {})
        self.table.chains.update((chain, Chain(chain)) for chain in self.table.builtin)
        if name == "filter":
            self.table.chains.update((chain, Chain(chain)) for chain in sorted(ruleset.dialect.given))
        self.chains = self.table.chains
        self._jumps: dict[int, str] = {}
        self._stops: set[int] = set()
        self._words: dict[int, tuple[str, ...]] = {}
        self._commands = Commands(ruleset, self.table, self._jumps, announced)
        self.declare = self._commands.declare
        ruleset.blocks.append(self.table)

    def take(self, template: Template, row: list[str], number: int) -> bool:
        """Take a rule by the shape of its line; False where the parser must look at it."""
        chain = self.chains.get(row[template.chain])
        if chain is None:
            return False
        for hole in template.lists:
            if "," in row[hole]:
                return False
        if template.interface and lines.wrong_interface(template.line, chain.name):
            return False
        if template.jump >= 0 and not self._take_jump(template, row[template.jump], number):
            return False
        chain.references.append(number)
        self.ruleset.templates[number] = template
        if template.kernel_holes:
            self._words[number] = tuple([row[hole] for hole in template.kernel_holes])
        template.gather(row, number)
        return True

    def _take_jump(self, template: Template, target: str, number: int) -> bool:
        if target in _VERDICTS and not template.line.goto:
            if template.unconditional:
                self._stops.add(number)
            return target != "DROP" or self.table.name != "nat"
        if target not in self.chains or target in BASE_CHAINS:
            return False
        self._jumps[number] = target
        return True

    def take_chain(self, text: str, number: int) -> str | None:
        """Take the declaration of a chain in its usual form: a complaint or nothing, None for another form."""
        found = _CHAIN_LINE.fullmatch(text)
        if found is None:
            return None
        counters = Counters(int(found[3]), int(found[4])) if found[3] else None
        return self.declare(found[1], found[2], counters, number)

    def note(self, line: Line, template: Template, number: int) -> None:
        """Note the rule of a line that the parser took."""
        self.ruleset.templates[number] = template
        if line.jump is not None:
            target = line.arguments[line.jump].text
            if target in self.chains:
                self._jumps[number] = target
            elif target in _VERDICTS and template.unconditional:
                self._stops.add(number)

    def carry_out(self, statement: Statement) -> str:
        """Do what a command line says; a complaint where it cannot be done."""
        return self._commands.carry_out(statement)

    def forget(self, numbers: set[int]) -> None:
        """Take out rules that were taken by their shape and turned out to be invalid."""
        for chain in self.chains.values():
            chain.references = [reference for reference in chain.references if line_of(reference) not in numbers]

    def commit(self, number: int) -> Iterator[load.Refusal]:
        """Close the table; what the kernel refuses of it."""
        self.table.last_line = number
        if self.table.name not in BUILTIN_CHAINS:
            return iter(())
        templates = self.ruleset.templates
        loading = load.Loading(self.ruleset.family, templates, self._jumps, self._stops, self._words)
        return load.refusals(self.table, loading)
