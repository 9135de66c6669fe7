"""Reading a whole ruleset: line after line, as iptables-restore does, but on past every error."""

from __future__ import annotations

import os
from bisect import bisect_left
from itertools import accumulate

from rulec.catalogue.names import TARGETS
from rulec.catalogue.values.text import size
from rulec.model import BUILTIN_CHAINS, Rule
from rulec.source import Source, Span
from rulec.syntax import lines
from rulec.syntax.commands import Statement
from rulec.syntax.complaints import Complaints
from rulec.syntax.items import Problem
from rulec.syntax.line import RULE_VERBS, Line
from rulec.syntax.lines import LineParser
from rulec.syntax.open_table import OpenTable
from rulec.syntax.ruleset import Ruleset, expanded, with_counters
from rulec.syntax.scan import Dialect
from rulec.syntax.shapes import LONGEST_LINE, MARK, Shapes, Template, cut
from rulec.syntax.values import rule_of
from rulec.syntax.words import LONGEST_LINE as LONGEST_READ

_CHUNK = 1 << 18


def read(source: Source, dialect: Dialect) -> Ruleset:
    """The ruleset of a text; everything that is wrong with it is in its findings."""
    reader = Reader(source, dialect)
    reader.run()
    return reader.ruleset


class Reader:
    """Goes through the lines once.

    A line is first looked up by its shape; one that is new, odd or wrong is
    parsed.  What depends on the lines before (chains, positions) follows their order.
    """

    def __init__(self, source: Source, dialect: Dialect) -> None:
        self.source = source
        self.dialect = dialect
        self.ruleset = Ruleset(source, dialect)
        self.ruleset.parse_line, self.ruleset.parse_as = self._parse_line, self._parse_as
        self.said = Complaints(source)
        self.open: OpenTable | None = None
        self.announced: set[str] = set()
        self.parser = LineParser(dialect, self._is_chain, self.announced)
        self.shapes = Shapes(dialect.family)
        self.by_shape = os.environ.get("RULEC_SHAPES", "1") != "0"
        self.invalid: set[int] = set()
        self.opaque: set[str] = set()
        self.target_names = TARGETS | dialect.opaque
        self.ambiguous: set[str] = set()
        self.like_targets: list[tuple[int, frozenset[str]]] = [(0, frozenset())]
        self.ended = False

    def run(self) -> None:
        """Read all lines."""
        first, start, text = 1, 0, self.source.text
        while start < len(text) and not self.ended and not self.said.full:
            end = text.find("\n", start + _CHUNK) + 1 or len(text)
            first += self._read_chunk(first, start, text[start:end])
            start = end
        if self.open is not None and not self.ended and not self.said.full:
            self.said.end("the table is not committed: COMMIT is missing", "end the table with a line COMMIT")
        self.ruleset.findings = self.said.in_order()

    def _is_chain(self, name: str) -> bool:
        return self.open is not None and name in self.open.chains

    # Lines, by shape and one by one

    def _read_chunk(self, first: int, start: int, text: str) -> int:
        """Read some whole lines; give their number."""
        texts = text.split("\n")
        last = texts.pop()
        complete = not last
        if last:
            texts.append(last)
        starts = list(accumulate((len(line) + 1 for line in texts), initial=start))
        if self.by_shape and complete and MARK not in text and "\0" not in text:
            self._read_by_shape(first, texts, starts, text)
        else:
            for number, line in enumerate(texts, first):
                newline = "\n" if complete or number < first + len(texts) - 1 else ""
                self._line(line + newline, starts[number - first], number, "")
                if self.ended or self.said.full:
                    break
        self._test_rows()
        return len(texts)

    def _read_by_shape(self, first: int, texts: list[str], starts: list[int], text: str) -> None:
        templates = self.shapes.templates
        shapes, arguments = cut("\n" + text)
        too_long = max(map(len, texts)) > LONGEST_LINE
        position = 0
        for index, shape in enumerate(shapes):
            template = templates.get(shape)
            if template is not None and not (too_long and len(texts[index]) > LONGEST_LINE):
                end = position + template.arity
                taken = self._take(template, arguments[position:end], first + index)
            else:
                end = position + shape.count(MARK)
                taken = shape[:1] == "#" or not shape
            position = end
            if not taken and (shape[:1] != ":" or not self._take_chain(texts[index], first + index)):
                self._line(texts[index] + "\n", starts[index], first + index, shape)
                if self.ended or self.said.full:
                    return

    def _take(self, template: Template, row: list[str], number: int) -> bool:
        """Take a rule by its shape; False where the parser must look at it."""
        if self.open is None or (self.ambiguous and template.target in self.ambiguous):
            return False
        return self.open.take(template, row, number)

    def _take_chain(self, text: str, number: int) -> bool:
        """Take the declaration of a chain in its usual form."""
        if self.open is None or text[1:].partition(" ")[0] in self.target_names:
            return False
        complaint = self.open.take_chain(text, number)
        if complaint:
            self.said.line(complaint, number)
        return complaint is not None

    def _test_rows(self) -> None:
        """Test the arguments of the lines taken by shape; the parser says what is wrong with the others."""
        for template in self.shapes.templates.values():
            if template.rows:
                for number in template.failed_rows():
                    self._parse_again(number)

    def _parse_line(self, number: int) -> Line:
        line = self._parse_as(number, self.source.text_of_line(number).partition("\0")[0])
        assert line is not None
        return line

    def _parse_as(self, number: int, text: str) -> Line | None:
        """A text in place of a line: any name that is no target is a chain there, and some that are."""
        chains = self.like_targets[bisect_left(self.like_targets, (number,)) - 1][1]
        parser = LineParser(self.dialect, lambda name: name not in self.target_names or name in chains)
        return parser.command(text, self.source.line_starts[number - 1])[0]

    def _note_names(self, number: int) -> None:
        """Note which chains bear the name of a target behind this line."""
        chains = frozenset(self.open.chains.keys() & self.target_names if self.open else ())
        self.ambiguous |= chains
        if chains != self.like_targets[-1][1]:
            self.like_targets.append((number, chains))

    def _parse_again(self, number: int) -> None:
        text = self.source.text_of_line(number)
        _, problems = self.parser.command(text, self.source.line_starts[number - 1])
        for problem in problems:
            self._problem(problem, number)

    def _line(self, text: str, start: int, number: int, shape: str) -> None:
        """Read one line through the grammar."""
        bare = text.partition("\0")[0]
        if bare[:1] in ("#", "\n"):
            return
        if len(bare) > LONGEST_READ // 4 and size(bare) > LONGEST_READ + 1:
            message = f"the line is longer than {LONGEST_READ} bytes, which iptables-restore would read as two lines"
            self.said.line(message, number)
        elif self.open is None:
            self._outside(bare, start, number)
        elif not bare.strip(" \t\r\n"):
            self._problem(lines.blanks(bare, start), number)
        elif bare.startswith("COMMIT"):
            self._commit(self.open, bare, start, number)
        elif bare[0] == ":":
            self._chain_line(self.open, bare, start, number)
        else:
            self._command_line(self.open, bare, start, number, shape)

    def _outside(self, text: str, start: int, number: int) -> None:
        if text[:1] != "*":
            self._problem(lines.outside_table(text, start), number)
            return
        name, problem = lines.table_line(text, start)
        if problem is None and name not in BUILTIN_CHAINS:
            problem = lines.unknown_table(name, text, start)
        if problem is not None:
            self._problem(problem, number)
        self.open = OpenTable(self.ruleset, name.strip(), number, self.announced)

    def _chain_line(self, table: OpenTable, text: str, start: int, number: int) -> None:
        name, policy, counters, problem = lines.chain_line(text, start)
        if problem is not None:
            self._problem(problem, number)
            return
        complaint = table.declare(name, policy, counters, number)
        if complaint:
            self.said.line(complaint, number)
        if name in self.target_names:
            self.announced.add(name)
            self._note_names(number)

    # Command lines

    def _command_line(self, table: OpenTable, text: str, start: int, number: int, shape: str) -> None:
        line, problems = self.parser.command(text, start)
        for problem in problems:
            self._problem(problem, number)
        if line is None or problems or line.skipped:
            return
        if line.ends_reading:
            self.said.reading_ends(number)
            self.ruleset.blocks.remove(table.table)
            self.ended = True
            return
        if line.verb in RULE_VERBS and not self._take_rule(table, line, number):
            return
        if not self._carry_out(table, line, text, number):
            return
        if line.verb in ("NEW_CHAIN", "RENAME_CHAIN", "DELETE_CHAIN"):
            self._note_names(number)
        if self.by_shape and shape:
            self.shapes.learn(shape, text, start, line, self.parser.fits)

    def _take_rule(self, table: OpenTable, line: Line, number: int) -> bool:
        """Note the rule of a line; False where it is refused."""
        problem = lines.jump_problem(line, table.table)
        if problem is None and lines.wrong_interface(line, line.operand(0) or ""):
            problem = lines.interface_problem(line)
        if problem is not None:
            self._problem(problem, number)
            return False
        for owner in line.owners:
            if owner.extension.opaque and owner.name not in self.opaque:
                self.opaque.add(owner.name)
                message = f"rulec does not know the {owner.role} {owner.name!r}: it is kept, and taken as unknown"
                self.said.warning("unknown-extension", message, Span(owner.start, owner.end))
        if line.verb in ("APPEND", "INSERT", "REPLACE"):
            table.note(line, Template(line, self.dialect.family), number)
        return True

    def _carry_out(self, table: OpenTable, line: Line, text: str, number: int) -> bool:
        if line.verb != "APPEND":
            self._settle(table)
        complaint = table.carry_out(Statement(line, number, lambda: self._rules(line, text.rstrip("\n"))))
        if complaint:
            self.said.line(complaint, number)
        return not complaint

    def _rules(self, line: Line, text: str) -> list[Rule]:
        """The rules that a valid line makes."""
        texts = [argument.text for argument in line.arguments]
        return list(expanded(with_counters(rule_of(line, texts, self.dialect.family), text)))

    def _settle(self, table: OpenTable) -> None:
        """Take out what was taken by its shape and turned out to be invalid."""
        self._test_rows()
        if self.invalid:
            table.forget(self.invalid)
            self.invalid = set()

    def _commit(self, table: OpenTable, text: str, start: int, number: int) -> None:
        """Ask what the kernel would refuse, and close the table."""
        problem = lines.commit_line(text, start)
        if problem is not None:
            self._problem(problem, number)
        self._settle(table)
        for refusal in table.commit(number):
            self.said.refused(refusal.message, refusal.line)
        self.open = None
        self._note_names(number)

    def _problem(self, problem: Problem, number: int) -> None:
        self.invalid.add(number)
        self.said.problem(problem, number)
