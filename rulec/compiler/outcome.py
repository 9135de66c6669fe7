"""What the steps of the compiler give: changes with their reasons, or a refusal."""

from __future__ import annotations

from dataclasses import dataclass, field

from rulec.compiler.flows import HotFlow
from rulec.diagnostics import Edit, Finding, Label
from rulec.policy import Entry
from rulec.source import Source, Span


class Declined(Exception):
    """A step cannot be justified: the message says why, the place is the rule that stands in the way."""

    def __init__(self, message: str, line: int = 0, hint: str = "") -> None:
        super().__init__(message)
        self.line = line
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Hot:
    """An entry of the policy and one of its flows."""

    entry: Entry
    flow: HotFlow


@dataclass(slots=True)
class Plan:
    """What is to be changed in the text of a ruleset, and what a user should be told."""

    widened: set[int] = field(default_factory=set)  # lines of which the state list gets UNTRACKED
    inserted: dict[int, list[str]] = field(default_factory=dict)  # rules to stand in front of a line
    raw: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)


def refusal(source: Source, span: Span, message: str, hint: str = "", others: tuple[Label, ...] = ()) -> Finding:
    """A refusal as a finding, at the rule or the key that stands in the way."""
    return Finding("refused", message, (Label(source, span), *others), hint=hint)
