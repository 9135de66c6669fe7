"""Reading one configuration file: what it says, and what is wrong with it, each mistake at its place."""

from __future__ import annotations

import os
import re
from typing import Any, NamedTuple

from rulec.diagnostics import Finding, Label
from rulec.resources import lazy
from rulec.settings.kinds import Known, Path
from rulec.settings.locate import Places, locate
from rulec.settings.shape import FILE, Shape
from rulec.source import Source, Span

SLUG = "configuration-error"
"""What every finding about a configuration file is called."""

_AT = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_TOOL: Path = ("tool", "rulec")


class Layer(NamedTuple):
    """What one file says: the keys that are right, the file, and the folder where its paths begin."""

    values: dict[str, Any]
    source: Source
    root: str
    places: Places
    prefix: Path = ()

    def place(self, *path: str | int) -> str:
        """Where a key stands, as ``rulec.toml:7``."""
        line, _ = self.source.position(self.places.key((*self.prefix, *path)).start)
        return f"{self.source.name}:{line}"


def read(source: Source, known: Known, root: str = "") -> tuple[Layer | None, list[Finding]]:
    """The settings of a TOML text, or None where there are none, and what is wrong with it.

    Of a ``pyproject.toml`` the table ``tool.rulec`` counts.
    """
    root = root or os.path.dirname(os.path.abspath(source.name))
    try:
        data = lazy("tomllib").loads(source.text)
    except ValueError as error:
        return None, [_not_toml(source, str(error))]
    prefix = _TOOL if os.path.basename(source.name) == "pyproject.toml" else ()
    for part in prefix:
        if not isinstance(data, dict) or part not in data:
            return None, []
        data = data[str(part)]
    places, shape = locate(source.text), Shape(known)
    values = shape.table(FILE, data, prefix)
    findings = [_finding(source, places.value(path), message) for path, message in shape.problems]
    findings += [_finding(source, places.key(path), message) for path, message in shape.unknown]
    return Layer(values, source, root, places, prefix), sorted(findings, key=lambda one: one.place.span)


def read_option(text: str, known: Known) -> tuple[Layer | None, list[Finding]]:
    """The setting of ``--config KEY=VALUE``; a value that is no TOML is taken as text."""
    key, _, value = text.partition("=")
    try:
        lazy("tomllib").loads(f"x = {value}")
    except ValueError:
        text = f"{key}={lazy('json').dumps(value.strip())}"
    return read(Source("--config", text), known, os.getcwd())


def _not_toml(source: Source, message: str) -> Finding:
    found = _AT.search(message)
    at = len(source.text)
    if found and found[1]:
        at = min(source.line_starts[int(found[1]) - 1] + int(found[2]) - 1, at)
    return _finding(source, Span(at, at), f"this is no TOML: {_AT.sub('', message)}")


def _finding(source: Source, span: Span, message: str) -> Finding:
    return Finding(SLUG, message, (Label(source, span),))
