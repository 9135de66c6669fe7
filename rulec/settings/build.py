"""Settings out of what several places say, the last of which counts most."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

from rulec.settings.model import Job, Selection, Settings
from rulec.settings.patterns import Pattern
from rulec.settings.read import Layer

_PLAIN = {
    "": ("force-exclude", "respect-gitignore"),
    "target": ("kernel", "family"),
    "lint": (
        "fixable",
        "unfixable",
        "unsafe-fixes",
        "fail-on",
        "undecided",
        "require-reason",
        "rule-markers",
        "memory",
    ),
}
"""The keys of which the last one counts."""


def build(layers: Iterable[Layer]) -> Settings:
    """The settings that several layers make."""
    settings = Settings()
    for layer in layers:
        settings = _with(settings, layer)
    return settings


def _with(settings: Settings, layer: Layer) -> Settings:
    values, lint = layer.values, layer.values.get("lint", {})
    checks = lint.get("checks", {})
    return settings._replace(
        files=(*settings.files, layer.source.name),
        selections=(*settings.selections, *_selection(lint)),
        exclude=(*settings.exclude, *(Pattern(text, layer.root) for text in values.get("exclude", ()))),
        opaque=(*settings.opaque, *values.get("target", {}).get("opaque", ())),
        severities={**settings.severities, **lint.get("severity", {})},
        per_file_ignores=(*settings.per_file_ignores, *_per_file(lint, layer.root)),
        options=_options(settings, checks),
        settled=_settled(settings, checks, layer),
        known={**settings.known, **dict(_known(lint))},
        baseline=_path(lint["baseline"], layer.root) if "baseline" in lint else settings.baseline,
        jobs=tuple(_job(one, layer.root) for one in values.get("compile", ())) or settings.jobs,
        diff_files=tuple(_path(text, layer.root) for text in values.get("diff", {}).get("files", ()))
        or settings.diff_files,
        **dict(_plain(values)),
    )


def _plain(values: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for table, keys in _PLAIN.items():
        here = values.get(table, {}) if table else values
        yield from ((key.replace("-", "_"), here[key]) for key in keys if key in here)


def _selection(lint: dict[str, Any]) -> Iterator[Selection]:
    if lint.keys() & {"select", "extend-select", "ignore"}:
        yield Selection(lint.get("select"), lint.get("extend-select", ()), lint.get("ignore", ()))


def _per_file(lint: dict[str, Any], root: str) -> Iterator[tuple[Pattern, tuple[str, ...]]]:
    for text, names in lint.get("per-file-ignores", {}).items():
        if names is not None:
            yield Pattern(text, root), names


def _options(settings: Settings, checks: dict[str, Any]) -> dict[str, dict[str, Any]]:
    both = settings.options.keys() | checks.keys()
    return {slug: {**settings.options.get(slug, {}), **(checks.get(slug) or {})} for slug in sorted(both)}


def _settled(settings: Settings, checks: dict[str, Any], layer: Layer) -> dict[str, str]:
    settled = dict(settings.settled)
    for slug, options in checks.items():
        if options and "ignorable" in options:
            settled.pop(slug, None)
            if not options["ignorable"]:
                settled[slug] = layer.place("lint", "checks", slug, "ignorable")
    return settled


def _known(lint: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for one in lint.get("ignore-finding", ()):
        if "fingerprint" in one:
            yield one["fingerprint"], one.get("reason", "")


def _job(one: dict[str, Any], root: str) -> Job:
    paths = (_path(one[key], root) if key in one else "" for key in ("policy", "output", "output-dir"))
    return Job(tuple(_path(text, root) for text in one.get("input", ())), *paths)


def _path(text: str, root: str) -> str:
    """A path of a configuration file, for use in the current folder."""
    path = os.path.join(root, text)
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative
