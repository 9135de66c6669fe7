"""Reading a whole ruleset: line after line, as iptables-restore does, but on past every error."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import islice

from rulec.diagnostics import Finding, Label, Severity
from rulec.model import BUILTIN_CHAINS, VERDICTS, Counters, Rule
from rulec.source import Source, Span
from rulec.syntax import lines, load
from rulec.syntax.commands import Commands, Statement
from rulec.syntax.items import Problem
from rulec.syntax.line import RULE_VERBS, Line
from rulec.syntax.lines import LineParser
from rulec.syntax.ruleset import Chain, Ruleset, Table, expanded, line_of, with_counters
from rulec.syntax.scan import Dialect
from rulec.syntax.shapes import LONGEST_LINE, MARK, Shapes, Template, cut
from rulec.syntax.values import rule_of
from rulec.syntax.words import LONGEST_LINE as LONGEST_READ

_CHUNK = 1 << 18
_CHAIN_LINE = re.compile(r":([^ \t\n\r\0]{1,28}) (-|ACCEPT|DROP)(?: \[([0-9]+):([0-9]+)\])?[ \t]*\n")


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
        self.ruleset = Ruleset(source, dialect)
        self.dialect = dialect
        self.parser = LineParser(dialect, self._is_chain)
        self.shapes = Shapes(dialect.family)
        self.by_shape = os.environ.get("RULEC_SHAPES", "1") != "0"
        self.findings: list[Finding] = []
        self.table: Table | None = None
        self.commands: Commands | None = None
        self.jumps: dict[int, str] = {}
        self.stops: set[int] = set()
        self.invalid: set[int] = set()
        self.opaque: set[str] = set()
        self.ruleset.parse_line = self._parse_line
        self.ended = False

    def run(self) -> None:
        """Read all lines."""
        for first, chunk in _chunks(self.source.text):
            self._read_chunk(first, chunk)
            if self.ended:
                break
        if self.table is not None and not self.ended:
            end = len(self.source.text)
            self._report(
                "the table is not committed: COMMIT is missing", Span(end, end), "end the table with a line COMMIT"
            )
        self.ruleset.findings = tuple(sorted(self.findings, key=lambda finding: finding.place.span))

    def _is_chain(self, name: str) -> bool:
        return self.table is not None and name in self.table.chains

    # Lines, by their first character

    def _read_chunk(self, first: int, chunk: list[str]) -> None:
        text = "".join(chunk)
        if not self.by_shape or MARK in text or "\0" in text or not text.endswith("\n"):
            shapes: Iterable[str] = [""] * len(chunk)
            arguments: list[str] = []
        else:
            shapes, arguments = cut("\n" + text)
        self._read_lines(first, chunk, shapes, iter(arguments))
        self._test_rows()

    def _read_lines(self, first: int, chunk: list[str], shapes: Iterable[str], arguments: Iterator[str]) -> None:
        templates = self.shapes.templates
        for number, (line, shape) in enumerate(zip(chunk, shapes, strict=True), first):
            template = templates.get(shape)
            row = list(islice(arguments, len(template.holes) if template else shape.count(MARK)))
            if (
                template is None
                or self.table is None
                or len(line) > LONGEST_LINE
                or not self._take(template, row, number)
            ):
                self._line(line, number, shape)
                if self.ended:
                    return

    def _take(self, template: Template, row: list[str], number: int) -> bool:
        """Take a line by its shape; False where the parser must look at it."""
        assert self.table is not None
        chain = self.table.chains.get(row[template.chain])
        if chain is None or any("," in row[hole] for hole in template.lists):
            return False
        if (template.incoming or template.outgoing) and _wrong_interface(template, chain.name):
            return False
        if template.jump >= 0:
            target = row[template.jump]
            if target not in VERDICTS or template.line.goto:
                if target not in self.table.chains or target in self.table.builtin:
                    return False
                self.jumps[number] = target
            elif target == "DROP" and self.table.name == "nat":
                return False
            elif template.unconditional:
                self.stops.add(number)
        chain.references.append(number)
        self.ruleset.templates[number] = template
        if template.probes:
            template.rows.append(row)
            template.numbers.append(number)
        return True

    def _test_rows(self) -> None:
        """Test the arguments of the lines taken by shape; the parser says what is wrong with the others."""
        for template in self.shapes.templates.values():
            if template.rows:
                for number in template.failed_rows():
                    self._parse_again(number)

    def _parse_line(self, number: int) -> Line:
        line, _ = self._later_parser.command(self.source.text_of_line(number), self.source.line_starts[number - 1])
        assert line is not None
        return line

    @cached_property
    def _later_parser(self) -> LineParser:
        """A parser for lines of a finished ruleset, which knows the chains of all tables."""
        names = {name for table in self.ruleset.blocks for name in table.chains}
        return LineParser(self.dialect, names.__contains__)

    def _parse_again(self, number: int) -> None:
        text = self.source.text_of_line(number)
        _, problems = self.parser.command(text, self.source.line_starts[number - 1])
        for problem in problems:
            self._problem(problem, number)

    def _line(self, text: str, number: int, shape: str) -> None:
        """Read one line through the grammar."""
        bare = text.split("\0", 1)[0]
        if bare.startswith(("#", "\n")) or not bare:
            return
        start = self.source.line_starts[number - 1]
        if len(bare.encode("utf-8", "surrogateescape")) > LONGEST_READ + 1:
            message = f"the line is longer than {LONGEST_READ} bytes, which iptables-restore would read as two lines"
            self._report(message, Span(start, start + len(bare.rstrip("\n"))))
        elif self.table is None:
            self._outside(bare, start, number)
        elif bare == "COMMIT\n":
            self._commit(number)
        elif bare[0] == ":":
            self._chain_line(bare, start, number)
        else:
            self._command_line(bare, start, number, shape)

    def _outside(self, text: str, start: int, number: int) -> None:
        if text[0] != "*":
            self._problem(lines.outside_table(text, start), number)
            return
        name, problem = lines.table_line(text, start)
        if problem is None and name not in BUILTIN_CHAINS:
            problem = lines.unknown_table(name, text, start)
        if problem is not None:
            self._problem(problem, number)
        self._open(name.strip(), number)

    def _open(self, name: str, number: int) -> None:
        chains = {chain: Chain(chain) for chain in BUILTIN_CHAINS.get(name, ())}
        self.table = Table(name, number, chains)
        self.ruleset.blocks.append(self.table)
        self.jumps, self.stops = {}, set()
        self.commands = Commands(self.ruleset, self.table, self.jumps)

    def _chain_line(self, text: str, start: int, number: int) -> None:
        assert self.commands is not None
        found = _CHAIN_LINE.fullmatch(text)
        if found:
            name, policy = found[1], found[2]
            counters = Counters(int(found[3]), int(found[4])) if found[3] else None
        else:
            name, policy, counters, problem = lines.chain_line(text, start)
            if problem is not None:
                self._problem(problem, number)
                return
        complaint = self.commands.declare(name, policy, counters, number)
        if complaint:
            self._report(complaint, Span(start, start + len(text.rstrip("\n"))))
        self.parser.announced.add(name)

    # Command lines

    def _command_line(self, text: str, start: int, number: int, shape: str) -> None:
        line, problems = self.parser.command(text, start)
        for problem in problems:
            self._problem(problem, number)
        if line is None or problems or line.skipped:
            return
        if line.ends_reading:
            self._end_reading(text, start, number)
            return
        if line.verb in RULE_VERBS and not self._take_rule(line, start, number):
            return
        if self._carry_out(line, text, start, number) and self.by_shape and shape:
            self.shapes.learn(shape, text, start, line, self.parser.fits)

    def _end_reading(self, text: str, start: int, number: int) -> None:
        message = "iptables-restore ends here, says that all is well, and loads nothing of this table and what follows"
        span = Span(start, start + len(text.rstrip("\n")))
        self.findings.append(Finding("reading-ends", message, (Label(self.source, span),), Severity.WARNING))
        self.ended = True
        if self.table is not None:
            self.ruleset.blocks.remove(self.table)

    def _take_rule(self, line: Line, start: int, number: int) -> bool:
        """Note the rule of a line; False where it is refused."""
        assert self.table is not None
        template = Template(line, self.dialect.family)
        problem = lines.jump_problem(line, self.table)
        if problem is None and _wrong_interface(template, line.operand(0) or ""):
            problem = lines.interface_problem(line)
        if problem is not None:
            self._problem(problem, number)
            return False
        for owner in line.owners:
            if owner.extension.opaque and owner.name not in self.opaque:
                self.opaque.add(owner.name)
                message = f"rulec does not know the {owner.role} {owner.name!r}: it is kept, and taken as unknown"
                label = Label(self.source, Span(owner.start, owner.end))
                self.findings.append(Finding("unknown-extension", message, (label,), Severity.WARNING))
        refused = load.protocol_complaint(line, self.dialect.family)
        if refused:
            self._refused(refused, number)
        if line.verb in ("APPEND", "INSERT", "REPLACE"):
            self._note(line, template, number)
        return True

    def _note(self, line: Line, template: Template, number: int) -> None:
        assert self.table is not None
        self.ruleset.templates[number] = template
        if line.jump is not None:
            target = line.arguments[line.jump].text
            if target in self.table.chains:
                self.jumps[number] = target
            elif target in VERDICTS and template.unconditional:
                self.stops.add(number)

    def _carry_out(self, line: Line, text: str, start: int, number: int) -> bool:
        assert self.commands is not None
        bare = text.rstrip("\n")
        statement = Statement(line, number, lambda: self._rules(line, bare))
        complaint = self.commands.carry_out(statement)
        if complaint:
            self._report(complaint, Span(start, start + len(bare)))
        return not complaint

    def _rules(self, line: Line, text: str) -> list[Rule]:
        """The rules that a valid line makes."""
        texts = [argument.text for argument in line.arguments]
        return list(expanded(with_counters(rule_of(line, texts, self.dialect.family), text)))

    def _commit(self, number: int) -> None:
        """Ask what the kernel would refuse, and close the table."""
        assert self.table is not None
        self._test_rows()
        for chain in self.table.chains.values() if self.invalid else ():
            chain.references = [reference for reference in chain.references if line_of(reference) not in self.invalid]
        loading = load.Loading(
            self.dialect.family,
            self.ruleset.templates,
            self.jumps,
            self.stops,
            lambda line: self.ruleset.rules_on(line)[0],
        )
        for refusal in load.refusals(self.table, loading):
            self._refused(refusal.message, refusal.line)
        self.table.last_line = number
        self.table, self.commands = None, None

    # Findings

    def _problem(self, problem: Problem, number: int) -> None:
        self.invalid.add(number)
        end = problem.end
        start = problem.start
        if start == end == 0:
            start = self.source.line_starts[number - 1]
            end = start + len(self.source.line(number))
        label = Label(self.source, Span(start, end))
        self.findings.append(Finding(problem.slug, problem.message, (label,), hint=problem.hint))

    def _report(self, message: str, span: Span, hint: str = "") -> None:
        self.findings.append(Finding("syntax-error", message, (Label(self.source, span),), hint=hint))

    def _refused(self, message: str, number: int) -> None:
        start = self.source.line_starts[number - 1]
        span = Span(start, start + len(self.source.line(number)))
        hint = "iptables-restore takes the line, and fails at COMMIT: no rule of this table is loaded"
        self.findings.append(Finding("load-error", message, (Label(self.source, span),), hint=hint))


def _wrong_interface(template: Template, chain: str) -> bool:
    """-o with arriving packets or -i with leaving ones, which iptables refuses by the name of the chain."""
    return (template.outgoing and chain in ("PREROUTING", "INPUT")) or (
        template.incoming and chain in ("POSTROUTING", "OUTPUT")
    )


def _chunks(text: str) -> Iterator[tuple[int, list[str]]]:
    """Stretches of whole lines, each with the number of its first line."""
    position, number = 0, 1
    while position < len(text):
        end = text.find("\n", position + _CHUNK)
        end = len(text) if end < 0 else end + 1
        chunk = text[position:end].split("\n")
        rows = [line + "\n" for line in chunk[:-1]] + ([chunk[-1]] if chunk[-1] else [])
        yield number, rows
        position, number = end, number + len(rows)
