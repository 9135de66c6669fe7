"""Why connection tracking is on: which rules switch it on, and which only load its module.

Loading one rule with such an extension is enough, wherever it stands: tracking is
switched on when a rule is loaded, not when a packet meets it, and for every packet
of the rule's family in the network namespace (measured on Linux 6.18: dead
chains, rules behind an unconditional ACCEPT and rules for interfaces that do not
exist all count; IPv4 rules never track IPv6).  A rule that is deleted again, or stands in
a table that the file holds once more, tracks nothing in the end; its module stays loaded.
Old kernels track as soon as a module is loaded, whoever loads it:
:mod:`rulec.kernel.generations` says which.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from typing import NamedTuple

from rulec.catalogue.extension import Given, Tracking
from rulec.kernel.generations import CURRENT, Kernel
from rulec.model import Family
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
    the lines of nat tables, whose module needs nf_conntrack even when empty, and
    ``nat_tracks`` says whether these have packets tracked by themselves.  ``lines``
    are those of the rules, and of the tables, because of which every packet is.
    ``family`` is that of the packets that are tracked: on kernels that cannot
    track IPv6, the module that an IPv6 rule loads tracks IPv4.  ``gone`` are in
    rules that are there no more when all is loaded: only their modules stay.
    """

    tracks: tuple[Cause, ...]
    loads: tuple[Cause, ...]
    nat_tables: tuple[int, ...]
    nat_tracks: bool
    lines: tuple[int, ...]
    family: Family
    gone: tuple[Cause, ...] = ()


def tracking_facts(ruleset: Ruleset, kernel: Kernel = CURRENT) -> TrackingFacts:
    """The causes of tracking in the ruleset as it stands after loading into a kernel."""
    left = {line for table in ruleset.tables.values() for line in table.lines()}
    causes = [cause for table in ruleset.tables.values() for cause in _causes(ruleset, table.name, table.lines())]
    gone = [cause for table in ruleset.blocks for cause in _causes(ruleset, table.name, _gone(ruleset, table, left))]
    loading_tracks = kernel.core in kernel.hooks
    causes = sorted([*causes, *gone] if loading_tracks else causes, key=lambda cause: cause.span)
    tracks = tuple(cause for cause in causes if loading_tracks or cause.tracking is Tracking.TRACKS)
    nat_tables = tuple(table.line for table in ruleset.tables.values() if table.name == "nat")
    nat_tracks = kernel.tracked_by_nat_table(ruleset.family) is not None
    return TrackingFacts(
        tracks,
        tuple(cause for cause in causes if not loading_tracks and cause.tracking is Tracking.LOADS),
        nat_tables,
        nat_tracks,
        tuple(sorted({cause.line for cause in tracks}.union(nat_tables if nat_tracks else ()))),
        ruleset.family if ruleset.family in kernel.tracked else kernel.tracked[0],
        () if loading_tracks else tuple(gone),
    )


def _gone(ruleset: Ruleset, table: Table, left: Set[int]) -> Iterable[int]:
    """The lines of a table whose rules are not there in the end."""
    return [line for line in sorted(ruleset.templates.keys() - left) if table.line < line < table.last_line]


def _causes(ruleset: Ruleset, table: str, lines: Iterable[int]) -> Iterator[Cause]:
    concerned: dict[Template, bool] = {}
    for line in lines:
        template = ruleset.templates[line]
        if template not in concerned:
            concerned[template] = any(
                owner.extension.tracking is not Tracking.NONE or owner.extension.tracking_of
                for owner in template.line.owners
            )
        if concerned[template]:
            yield from _causes_on(ruleset, table, line)


def _causes_on(ruleset: Ruleset, table: str, number: int) -> Iterator[Cause]:
    template, source = ruleset.templates[number], ruleset.source
    text, start = source.line(number), source.line_starts[number - 1]
    for index, owner in enumerate(template.line.owners):
        tracking = _tracking_of(ruleset, number, index) if owner.extension.tracking_of else owner.extension.tracking
        if tracking is not Tracking.NONE:
            span = Span(*(template.place(offset, text, start) for offset in (owner.start, owner.end)))
            yield Cause(tracking, owner.role, owner.name, table, number, span)


def _tracking_of(ruleset: Ruleset, number: int, index: int) -> Tracking:
    """What an extension has to do with tracking, by its options on a line."""
    line = ruleset.parse_line(number)
    texts = [argument.text for argument in line.arguments]
    owner = line.owners[index].extension
    assert owner.tracking_of is not None
    return owner.tracking_of(Given(ruleset.family, uses_of(line, index, texts, ruleset.family)))
