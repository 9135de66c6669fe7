"""Differences of several files as one text, one JSON document, one page of Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rulec.report.diff_markdown import plain
from rulec.report.json import SCHEMA_VERSION
from rulec.report.text import printable
from rulec.resources import lazy


def together(shown: Sequence[tuple[str, Sequence[str]]], form: str, version: str) -> Iterator[str]:
    """Differences that were rendered in a form, each with the name of its file; one alone stays as it is."""
    if len(shown) == 1:
        yield from shown[0][1]
    elif form == "json":
        yield _document(shown, version)
    else:
        for number, (name, lines) in enumerate(shown):
            yield from [""] * bool(number)
            yield from [f"### <code>{plain(name)}</code>", ""] if form == "markdown" else [f"{printable(name)}:"]
            yield from lines


def _document(shown: Sequence[tuple[str, Sequence[str]]], version: str) -> str:
    json = lazy("json")
    diffs = [json.loads("\n".join(lines)) for _, lines in shown]
    content = {"schema_version": SCHEMA_VERSION, "tool": {"name": "rulec", "version": version}, "diffs": diffs}
    text: str = json.dumps(content, indent=2, ensure_ascii=True)
    return text
