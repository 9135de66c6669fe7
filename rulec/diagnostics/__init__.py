"""What rulec has to say about a text: findings, labels, edits and fixes.

A finding stores half-open character offsets; lines and columns are computed
from them.  The first label is the place itself, the others name what else takes
part ("shadowed by this one").
"""

from __future__ import annotations

from enum import Enum
from typing import Literal, NamedTuple

from rulec.source import Source, Span


class Severity(str, Enum):
    """How bad it is."""

    ERROR = "error"  # the ruleset does not load, or packets go wrong
    WARNING = "warning"  # it is not what it seems
    NOTE = "note"  # good to know

    @property
    def rank(self) -> int:
        """Higher is worse."""
        return {"note": 0, "warning": 1, "error": 2}[self.value]


class Confidence(str, Enum):
    """How sure we are."""

    PROVED = "proved"  # follows from what the tools or the packet sets say
    LIKELY = "likely"  # a pattern


class Safety(str, Enum):
    """Whether a fix keeps the meaning."""

    SAFE = "safe"
    UNSAFE = "unsafe"


class Label(NamedTuple):
    """A place in a text and what to say there."""

    source: Source
    span: Span
    text: str = ""

    @property
    def line(self) -> int:
        """The line on which it begins, from 1."""
        return self.source.position(self.span.start)[0]

    @property
    def column(self) -> int:
        """The column at which it begins, from 1."""
        return self.source.position(self.span.start)[1]


class Edit(NamedTuple):
    """Replace a stretch of the text."""

    span: Span
    text: str


class Fix(NamedTuple):
    """Edits that belong together."""

    title: str
    edits: tuple[Edit, ...]
    safety: Safety = Safety.SAFE


class Finding(NamedTuple):
    """One thing that is wrong, or worth knowing, at one place."""

    slug: str
    message: str
    labels: tuple[Label, ...]
    severity: Severity = Severity.ERROR
    confidence: Confidence = Confidence.PROVED
    hint: str = ""
    witness: str = ""
    fix: Fix | None = None

    @property
    def place(self) -> Label:
        """The primary label."""
        return self.labels[0]

    @property
    def line(self) -> int:
        """First line, from 1."""
        return self.place.line

    @property
    def column(self) -> int:
        """First column, from 1."""
        return self.place.column

    @property
    def end_line(self) -> int:
        """Line of the end, which is the column after the last character."""
        return self.place.source.position(self.place.span.end)[0]

    @property
    def end_column(self) -> int:
        """Column after the last character, from 1."""
        return self.place.source.position(self.place.span.end)[1]

    def __str__(self) -> str:
        return f"{self.place.source.name}:{self.line}:{self.column}: {self.severity.value}[{self.slug}]: {self.message}"


class Suppressed(NamedTuple):
    """A finding that somebody has decided not to hear of: by a comment in the file, or elsewhere."""

    finding: Finding
    kind: Literal["inSource", "external"]
    reason: str = ""
