"""Reading a whole ruleset: line after line, as iptables-restore does, but on past every error."""

from __future__ import annotations

import os
import re
from bisect import bisect_left
from itertools import accumulate

from rulec.catalogue.names import TARGETS
from rulec.catalogue.values.text import size
from rulec.diagnostics import Finding, Label, Severity
from rulec.model import BASE_CHAINS, BUILTIN_CHAINS, VERDICTS, Counters, Rule
from rulec.source import Source, Span
from rulec.syntax import lines, load
from rulec.syntax.commands import Commands, Statement
from rulec.syntax.items import Problem
from rulec.syntax.line import RULE_VERBS, Line
from rulec.syntax.lines import LineParser
from rulec.syntax.ruleset import Chain, Ruleset, Table, expanded, line_of, with_counters
from rulec.syntax.scan import Dialect
from rulec.syntax.shapes import LONGEST_LINE, MARK, Shapes, Template, cut
from rulec.syntax.values import FAILS_AT_COMMIT, rule_of
from rulec.syntax.words import LONGEST_LINE as LONGEST_READ

_CHUNK = 1 << 18
_VERDICTS = frozenset(VERDICTS)
_CHAIN_LINE = re.compile(r":([^ \t\n\r\0]{1,28}) (-|ACCEPT|DROP)(?: \[([0-9]{1,18}):([0-9]{1,18})\])?[ \t]*")


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
        self.announced: set[str] = set()
        self.ambiguous: set[str] = set()
        self.parser = LineParser(dialect, lambda name: name in self.chains, self.announced)
        self.shapes = Shapes(dialect.family)
        self.by_shape = os.environ.get("RULEC_SHAPES", "1") != "0"
        self.findings: list[Finding] = []
        self.table: Table | None = None
        self.commands: Commands | None = None
        self.chains: dict[str, Chain] = {}
        self.droppable = True
        self.jumps: dict[int, str] = {}
        self.stops: set[int] = set()
        self.words: dict[int, tuple[str, ...]] = {}
        self.unsettled: set[int] = set()
        self.opaque: set[str] = set()
        self.target_names = TARGETS | dialect.opaque
        self.like_targets: list[tuple[int, frozenset[str]]] = [(0, frozenset())]
        self.ruleset.parse_line = self._parse_line
        self.ended = False

    def run(self) -> None:
        """Read all lines."""
        first, start, text = 1, 0, self.source.text
        while start < len(text) and not self.ended:
            end = text.find("\n", start + _CHUNK) + 1 or len(text)
            first += self._read_chunk(first, start, text[start:end])
            start = end
        if self.table is not None and not self.ended:
            hint = "end the table with a line COMMIT"
            self._report("the table is not committed: COMMIT is missing", Span(len(text), len(text)), hint)
        self.ruleset.findings = tuple(sorted(self.findings, key=lambda finding: finding.place.span))

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
                if self.ended:
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
                if self.ended:
                    return

    def _take(self, template: Template, row: list[str], number: int) -> bool:
        """Take a line by its shape; False where the parser must look at it."""
        chain = self.chains.get(row[template.chain])
        if chain is None:
            return False
        for hole in template.lists:
            if "," in row[hole]:
                return False
        if template.interface and lines.wrong_interface(template.line, chain.name):
            return False
        if self.ambiguous and template.target in self.ambiguous:
            return False
        if template.jump >= 0 and not self._take_jump(template, row[template.jump], number):
            return False
        chain.references.append(number)
        self.ruleset.templates[number] = template
        if template.kernel_holes:
            self.words[number] = tuple([row[hole] for hole in template.kernel_holes])
        template.gather(row, number)
        return True

    def _take_chain(self, text: str, number: int) -> bool:
        """Take the declaration of a chain in its usual form."""
        found = _CHAIN_LINE.fullmatch(text)
        if found is None or self.commands is None or found[1] in self.target_names:
            return False
        counters = Counters(int(found[3]), int(found[4])) if found[3] else None
        complaint = self.commands.declare(found[1], found[2], counters, number)
        if complaint:
            start = self.source.line_starts[number - 1]
            self._report(complaint, Span(start, start + len(text)))
        return True

    def _take_jump(self, template: Template, target: str, number: int) -> bool:
        if target in _VERDICTS and not template.line.goto:
            if template.unconditional:
                self.stops.add(number)
            return target != "DROP" or self.droppable
        if target not in self.chains or target in BASE_CHAINS:
            return False
        self.jumps[number] = target
        return True

    def _test_rows(self) -> None:
        """Test the arguments of the lines taken by shape; the parser says what is wrong with the others."""
        for template in self.shapes.templates.values():
            if template.rows:
                for number in template.failed_rows():
                    self._parse_again(number)

    def _parse_line(self, number: int) -> Line:
        """A valid line once more: any name that is no target is a chain then, and some that are."""
        chains = self.like_targets[bisect_left(self.like_targets, (number,)) - 1][1]
        parser = LineParser(self.dialect, lambda name: name not in self.target_names or name in chains)
        text = self.source.text_of_line(number).partition("\0")[0]
        line, _ = parser.command(text, self.source.line_starts[number - 1])
        assert line is not None
        return line

    def _note_names(self, number: int) -> None:
        """Note which chains bear the name of a target behind this line."""
        chains = frozenset(self.chains.keys() & self.target_names)
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
            self._report(message, Span(start, start + len(bare.rstrip("\n"))))
        elif self.table is None:
            self._outside(bare, start, number)
        elif not bare.strip(" \t\n"):
            self._problem(lines.blanks(bare, start), number)
        elif bare.startswith("COMMIT"):
            self._commit(bare, start, number)
        elif bare[0] == ":":
            self._chain_line(bare, start, number)
        else:
            self._command_line(bare, start, number, shape)

    def _outside(self, text: str, start: int, number: int) -> None:
        if text[:1] != "*":
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
        self.chains = self.table.chains
        self.droppable = name != "nat"
        self.jumps, self.stops, self.words = {}, set(), {}
        self.commands = Commands(self.ruleset, self.table, self.jumps, self.announced)

    def _chain_line(self, text: str, start: int, number: int) -> None:
        assert self.commands is not None
        name, policy, counters, problem = lines.chain_line(text, start)
        if problem is not None:
            self._problem(problem, number)
            return
        complaint = self.commands.declare(name, policy, counters, number)
        if complaint:
            self._report(complaint, Span(start, start + len(text.rstrip("\n"))))
        if name in self.target_names:
            self.announced.add(name)
            self._note_names(number)

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
        if not self._carry_out(line, text, start, number):
            return
        if line.verb in ("NEW_CHAIN", "RENAME_CHAIN", "DELETE_CHAIN"):
            self._note_names(number)
        if self.by_shape and shape:
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
        if problem is None and lines.wrong_interface(line, line.operand(0) or ""):
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
            elif target in _VERDICTS and template.unconditional:
                self.stops.add(number)

    def _carry_out(self, line: Line, text: str, start: int, number: int) -> bool:
        assert self.commands is not None
        bare = text.rstrip("\n")
        if line.verb != "APPEND":
            self._settle()
        statement = Statement(line, number, lambda: self._rules(line, bare))
        complaint = self.commands.carry_out(statement)
        if complaint:
            self._report(complaint, Span(start, start + len(bare)))
        return not complaint

    def _rules(self, line: Line, text: str) -> list[Rule]:
        """The rules that a valid line makes."""
        texts = [argument.text for argument in line.arguments]
        return list(expanded(with_counters(rule_of(line, texts, self.dialect.family), text)))

    def _settle(self) -> None:
        """Take out what was taken by its shape and turned out to be invalid."""
        self._test_rows()
        for chain in self.chains.values() if self.unsettled else ():
            chain.references = [reference for reference in chain.references if line_of(reference) not in self.unsettled]
        self.unsettled = set()

    def _commit(self, text: str, start: int, number: int) -> None:
        """Ask what the kernel would refuse, and close the table."""
        assert self.table is not None
        problem = lines.commit_line(text, start)
        if problem is not None:
            self._problem(problem, number)
        self._settle()
        loading = load.Loading(self.dialect.family, self.ruleset.templates, self.jumps, self.stops, self.words)
        for refusal in load.refusals(self.table, loading):
            self._refused(refusal.message, refusal.line)
        self.table.last_line = number
        self.table, self.commands, self.chains = None, None, {}
        self._note_names(number)

    # Findings

    def _problem(self, problem: Problem, number: int) -> None:
        self.unsettled.add(number)
        span = Span(problem.start, problem.end)
        if problem.start == problem.end == 0:
            span = self._span(number)
        hint = lines.CRLF_HINT if self.source.text.startswith("\r\n", span.end - 1) else problem.hint
        self.findings.append(Finding(problem.slug, problem.message, (Label(self.source, span),), hint=hint))

    def _span(self, number: int) -> Span:
        """A whole line."""
        start = self.source.line_starts[number - 1]
        return Span(start, start + len(self.source.line(number)))

    def _report(self, message: str, span: Span, hint: str = "") -> None:
        if self.source.text.startswith("\r\n", span.end - 1):
            hint = lines.CRLF_HINT
        self.findings.append(Finding("syntax-error", message, (Label(self.source, span),), hint=hint))

    def _refused(self, message: str, number: int) -> None:
        label = Label(self.source, self._span(number))
        self.findings.append(Finding("load-error", message, (label,), hint=FAILS_AT_COMMIT))
