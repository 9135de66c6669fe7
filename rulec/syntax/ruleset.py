"""A ruleset that was read: its text, its tables, and what is wrong with it.

Rules are not kept as objects: a chain holds references to lines, and a rule is
made when somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from rulec.catalogue.values.addresses import Addressed, pairs
from rulec.diagnostics import Finding, Severity
from rulec.model import BUILTIN_CHAINS, Counters, Family, Rule, Use
from rulec.source import Source
from rulec.syntax.line import Line
from rulec.syntax.scan import Dialect
from rulec.syntax.shapes import Template, arguments_of

_ENDS = ("--source", "--destination")
_ONE_NETWORK = 2
"""How many numbers make a network: address and mask."""


class Reference(NamedTuple):
    """Where a rule comes from: its line, from 1, and which of the rules that the line makes."""

    line: int
    part: int = 0


def line_of(reference: int | Reference) -> int:
    """The line that a reference is to."""
    return reference if isinstance(reference, int) else reference.line


class PlacedRule(NamedTuple):
    """A rule and the line that it stands on."""

    rule: Rule
    line: int


class Chain:
    """A chain as it stands after loading.

    ``policy`` is the default verdict of a base chain, empty for others and
    where the file leaves it alone.  ``line`` declares it, 0 for none.
    """

    __slots__ = ("name", "line", "policy", "counters", "references")

    def __init__(self, name: str, line: int = 0) -> None:
        self.name = name
        self.line = line
        self.policy = ""
        self.counters: Counters | None = None
        self.references: list[int | Reference] = []


class Table:
    """A table as it stands after its COMMIT: base chains in hook order, then the others by name."""

    __slots__ = ("name", "line", "chains", "last_line")

    def __init__(self, name: str, line: int, chains: dict[str, Chain]) -> None:
        self.name = name
        self.line = line
        self.chains = chains
        self.last_line = 0

    @property
    def builtin(self) -> tuple[str, ...]:
        """The names of its base chains; a table that does not exist has all, so that its lines are no errors too."""
        return BUILTIN_CHAINS.get(self.name, BUILTIN_CHAINS["mangle"])

    def lines(self) -> list[int]:
        """The lines of its rules, each once, in the order of the text."""
        found = {line_of(reference) for chain in self.chains.values() for reference in chain.references}
        return sorted(found)

    def in_order(self) -> list[Chain]:
        """The chains as iptables-save lists them."""
        base = [self.chains[name] for name in self.builtin if name in self.chains]
        return base + [self.chains[name] for name in sorted(self.chains, key=_bytes) if name not in self.builtin]


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


class Ruleset:
    """What :func:`rulec.parse` gives: the text, tables by occurrence, findings by line."""

    def __init__(self, source: Source, dialect: Dialect) -> None:
        self.source = source
        self.dialect = dialect
        self.blocks: list[Table] = []
        self.findings: tuple[Finding, ...] = ()
        self.templates: dict[int, Template] = {}
        self._known: dict[str, tuple[Rule, ...]] | None = None  # what lines say that several texts have in common
        self.renamed: dict[int, str] = {}  # lines whose rule jumps to a chain that was renamed later, and its name
        self.parse_line: Callable[[int], Line]  # a valid line once more, with the places of its words
        self.parse_as: Callable[[int, str], Line | None]  # another text in its place, None if it is invalid

    @property
    def family(self) -> Family:
        """The address family."""
        return self.dialect.family

    @property
    def is_piece(self) -> bool:
        """Whether it is loaded into chains that are there already, so that it does not tell what packets meet."""
        return bool(self.dialect.given)

    @property
    def valid(self) -> bool:
        """Whether iptables-restore and the kernel take it all."""
        return not any(finding.severity is Severity.ERROR for finding in self.findings)

    @property
    def tables(self) -> dict[str, Table]:
        """The tables by name; of one that the file holds twice the last, which flushes the others."""
        return {table.name: table for table in self.blocks}

    def rules(self, chain: Chain) -> Iterator[PlacedRule]:
        """The rules of a chain, in order."""
        for reference in chain.references:
            line, part = (reference, 0) if isinstance(reference, int) else reference
            rule = self.rules_on(line)[part]
            yield PlacedRule(rule if rule.chain == chain.name else rule._replace(chain=chain.name), line)

    def lines_before(self, chain: Chain, line: int) -> Iterator[int]:
        """The lines of the rules of a chain up to one line."""
        for reference in chain.references:
            if line_of(reference) == line:
                return
            yield line_of(reference)

    def rules_on(self, line: int) -> list[Rule]:
        """The rules that one line makes: several where it lists addresses."""
        if self._known is None or line in self.renamed:
            return self._read_on(line)
        text = self.source.line(line)
        if text not in self._known:
            self._known[text] = tuple(self._read_on(line))
        return list(self._known[text])

    def share_rules(self, other: Ruleset) -> None:
        """From here on make the rules of a line but once that stands in another ruleset, too."""
        if self.dialect == other.dialect:
            self._known = other._known = self._known or other._known or {}

    def _read_on(self, line: int) -> list[Rule]:
        template = self.templates[line]
        row = arguments_of(self.source.line(line)) if template.holes else ()
        rule = template.rule(row)
        if rule.target is not None and line in self.renamed:
            rule = rule._replace(target=rule.target._replace(name=self.renamed[line]))
        return list(expanded(with_counters(rule, self.source.line(line))))


def with_counters(rule: Rule, line: str) -> Rule:
    """The rule with the counters of ``-c``, or else those in front of its line."""
    use = rule.option("--set-counters")
    if use is not None:
        return rule._replace(counters=Counters(*use.value))
    if not line.startswith("["):
        return rule
    packets, _, octets = line[1 : line.index("]")].partition(":")
    if not (packets.isdecimal() and octets.isdecimal()):
        return rule
    return rule._replace(counters=counters(packets, octets))


def counters(packets: str, octets: str) -> Counters:
    """Two decimal numbers as strtoull(3) reads them: one that is too large becomes the largest."""
    return Counters(*(min(int(text[:4000]), 2**64 - 1) for text in (packets, octets)))


def expanded(rule: Rule) -> Iterator[Rule]:
    """One rule for each pair of source and destination, as ``-s a,b -d c,d`` makes four."""
    if not any(use.option in _ENDS and len(use.value) > _ONE_NETWORK for use in rule.base):
        yield rule
        return
    sources, destinations = (_choices(rule.option(name)) for name in _ENDS)
    for source in sources:
        for destination in destinations:
            chosen = {use.option: use for use in (source, destination) if use is not None}
            yield rule._replace(base=tuple(chosen.get(use.option, use) for use in rule.base))


def _choices(use: Use | None) -> list[Use | None]:
    if use is None:
        return [None]
    return [use._replace(value=Addressed(use.value.family, pair)) for pair in pairs(use.value)]
