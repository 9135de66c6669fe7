"""Why connection tracking is on: which rules switch it on, and which only load its module.

Loading one rule with such an extension is enough, wherever it stands: tracking is
switched on when a rule is loaded, not when a packet meets it, and for every packet
of the rule's family in the network namespace (measured on Linux 6.18: dead
chains, rules behind an unconditional ACCEPT and rules for interfaces that do not
exist all count; IPv4 rules never track IPv6).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rulec.catalogue.extension import Given, Tracking
from rulec.source import Span
from rulec.syntax.ruleset import Ruleset, Table
from rulec.syntax.shapes import Template
from rulec.syntax.values import uses_of


class Cause(NamedTuple):
    """Something that needs connection tracking: the extension, the rule's line and the words."""

    tracking: Tracking
    role: str
    name: str
    table: str
    line: int
    span: Span


class TrackingFacts(NamedTuple):
    """What a ruleset asks of connection tracking.

    ``tracks`` and ``loads`` are in the order of the lines; ``nat_tables`` are
    the lines of nat tables, whose module needs nf_conntrack even when empty.
    """

    tracks: tuple[Cause, ...]
    loads: tuple[Cause, ...]
    nat_tables: tuple[int, ...]

    @property
    def lines(self) -> tuple[int, ...]:
        """The lines of the rules because of which every packet is tracked."""
        return tuple(sorted({cause.line for cause in self.tracks}))


def tracking_facts(ruleset: Ruleset) -> TrackingFacts:
    """The causes of tracking in the ruleset as it stands after loading."""
    causes = [cause for table in ruleset.tables.values() for cause in _causes(ruleset, table)]
    causes.sort(key=lambda cause: cause.span)
    return TrackingFacts(
        tuple(cause for cause in causes if cause.tracking is Tracking.TRACKS),
        tuple(cause for cause in causes if cause.tracking is Tracking.LOADS),
        tuple(table.line for table in ruleset.tables.values() if table.name == "nat"),
    )


def _causes(ruleset: Ruleset, table: Table) -> Iterator[Cause]:
    concerned: dict[Template, bool] = {}
    for line in table.lines():
        template = ruleset.templates[line]
        if template not in concerned:
            concerned[template] = any(
                owner.extension.tracking is not Tracking.NONE or owner.extension.tracking_of
                for owner in template.line.owners
            )
        if concerned[template]:
            yield from _causes_on(ruleset, table, line)


def _causes_on(ruleset: Ruleset, table: Table, number: int) -> Iterator[Cause]:
    line = ruleset.parse_line(number)
    texts = [argument.text for argument in line.arguments]
    for index, owner in enumerate(line.owners):
        extension = owner.extension
        tracking = extension.tracking
        if extension.tracking_of is not None:
            tracking = extension.tracking_of(Given(ruleset.family, uses_of(line, index, texts, ruleset.family)))
        if tracking is not Tracking.NONE:
            yield Cause(tracking, owner.role, owner.name, table.name, number, Span(owner.start, owner.end))
