"""What the steps of the compiler give: changes with their reasons, or a refusal."""

from __future__ import annotations

from typing import NamedTuple

from rulec.diagnostics import Finding, Label
from rulec.errors import RulecError
from rulec.model import Rule
from rulec.source import Source, Span


class Declined(RulecError):
    """A step cannot be justified: the message says why, the place is the rule that stands in the way.

    ``witness`` is a packet that would fare otherwise, where there is one.
    """

    def __init__(self, message: str, line: int = 0, hint: str = "", witness: str = "") -> None:
        super().__init__(message)
        self.line = line
        self.hint = hint
        self.witness = witness


class Added(NamedTuple):
    """New rules in front of a line, and what a comment above them says."""

    line: int
    told: str
    rules: tuple[str | Rule, ...]


class Plan:
    """What is to be changed in the text of a ruleset: states that are listed, rules that are added."""

    def __init__(self) -> None:
        self.widened: set[int] = set()
        """Lines of which the list of states gets UNTRACKED."""
        self.narrowed: set[int] = set()
        """Lines of which the list loses it."""
        self.added: list[Added] = []
        self.declared: list[tuple[str, str]] = []
        """New chains, each with its table."""

    def __bool__(self) -> bool:
        return bool(self.widened or self.narrowed or self.added)

    def join(self, other: Plan) -> None:
        """Do what another plan says as well."""
        self.widened |= other.widened
        self.narrowed |= other.narrowed
        self.added += other.added
        self.declared += other.declared

    def add(self, line: int, told: str, rules: tuple[str | Rule, ...]) -> None:
        """Put rules in front of a line, each once."""
        known = {rule for added in self.added if added.line == line for rule in added.rules}
        left = tuple(rule for rule in dict.fromkeys(rules) if rule not in known)
        same = next((index for index, added in enumerate(self.added) if added[:2] == (line, told)), None)
        if same is not None:
            self.added[same] = Added(line, told, (*self.added[same].rules, *left))
        elif left:
            self.added.append(Added(line, told, left))


def refusal(
    source: Source, span: Span, message: str, hint: str = "", others: tuple[Label, ...] = (), witness: str = ""
) -> Finding:
    """A refusal as a finding, at the rule or the key that stands in the way."""
    return Finding("refused", message, (Label(source, span), *others), hint=hint, witness=witness)


def line_span(source: Source, line: int) -> Span:
    """Where a line stands."""
    start = source.line_starts[max(line, 1) - 1]
    return Span(start, start + len(source.line(max(line, 1))))
