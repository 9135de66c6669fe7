"""What the configuration says, put together."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from rulec.settings.patterns import Pattern

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Selection(NamedTuple):
    """Which checks one place asks for: those selected in place of all before, more of them, less those ignored."""

    select: tuple[str, ...] | None = None
    extend: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


class Job(NamedTuple):
    """Something to compile: rulesets, a policy, and where the result goes; all paths are ready for use."""

    inputs: tuple[str, ...]
    policy: str
    output: str = ""
    output_dir: str = ""


class Settings(NamedTuple):
    """What holds for a file.

    ``files`` are the configuration files, the one that extends the others last.
    ``severities`` are by check or group, ``options`` by check; ``settled`` are checks
    that no comment suppresses, each with the place that says so; ``known`` are
    fingerprints of findings that are not reported, with the reason.
    """

    files: tuple[str, ...] = ()
    selections: tuple[Selection, ...] = ()
    exclude: tuple[Pattern, ...] = ()
    force_exclude: bool = False
    respect_gitignore: bool = True
    kernel: str = "6.x"
    family: str = "auto"
    opaque: tuple[str, ...] = ()
    fixable: tuple[str, ...] = ()
    unfixable: tuple[str, ...] = ()
    unsafe_fixes: bool = False
    fail_on: str = "warning"
    undecided: str = "report"
    baseline: str = ""
    require_reason: bool = False
    rule_markers: str = "dumps"
    memory: int | None = None
    severities: Mapping[str, str] = _NOTHING
    per_file_ignores: tuple[tuple[Pattern, tuple[str, ...]], ...] = ()
    options: Mapping[str, Mapping[str, Any]] = _NOTHING
    settled: Mapping[str, str] = _NOTHING
    known: Mapping[str, str] = _NOTHING
    jobs: tuple[Job, ...] = ()
    diff_files: tuple[str, ...] = ()

    def ignored_for(self, path: str) -> tuple[str, ...]:
        """The checks and groups that are not for a file."""
        return tuple(name for pattern, names in self.per_file_ignores if pattern.fits(path) for name in names)

    def excludes(self, path: str) -> bool:
        """Whether a file is not to be read."""
        return any(pattern.fits(path) for pattern in self.exclude)
