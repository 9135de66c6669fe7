"""The files of a run, and what is to be asked of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

from rulec import api
from rulec.analysis.rules import OpenPort
from rulec.config.file import ConfigFile
from rulec.diagnostics import Severity
from rulec.errors import InputError
from rulec.lint.check import Check
from rulec.lint.checks import CHECKS
from rulec.lint.handling import Handling
from rulec.lint.run import names
from rulec.resources import lazy
from rulec.settings.kinds import Known
from rulec.settings.model import Settings
from rulec.source import Source
from rulec.syntax.ruleset import Ruleset

PORTS = "open-to-world"
_EVERYTHING = frozenset(check.slug for check in CHECKS)


class File(NamedTuple):
    """A file that was read: its path, what it is, the settings that hold for it, and the host that it is of."""

    path: str
    content: Ruleset | ConfigFile
    settings: Settings
    host: str = ""

    @property
    def source(self) -> Source:
        """Its text."""
        return self.content.source


@cache
def known() -> Known:
    """What a configuration file may name."""
    return Known(names(), {check.slug: check.options for check in CHECKS})


def read(path: str, name: str, text: str, settings: Settings, host: str = "") -> File:
    """A file with its text; ``name`` is what messages call it."""
    content = api.read_config(name, text)
    if content is None:
        family = None if settings.family == "auto" else settings.family
        content = api.parse(text, name, family, settings.opaque)
    return File(path, content, settings, host)


def checks_of(file: File) -> tuple[Check, ...]:
    """The checks that are run on a file."""
    return _selected(file.settings, file.settings.ignored_for(file.path if file.path != "-" else file.source.name))


@cache
def _slugs(name: str) -> frozenset[str]:
    return frozenset(check.slug for check in CHECKS if name in (check.slug, check.group))


def _of(names: Iterable[str]) -> frozenset[str]:
    return frozenset().union(*map(_slugs, names))


def _selected(settings: Settings, ignored: tuple[str, ...]) -> tuple[Check, ...]:
    slugs = _EVERYTHING
    for selection in settings.selections:
        chosen = slugs if selection.select is None else _of(selection.select)
        slugs = (chosen | _of(selection.extend)) - _of(selection.ignore)
    slugs -= _of(ignored)
    return tuple(check for check in CHECKS if check.slug in slugs)


def handling_of(file: File, ignores: bool = True) -> Handling:
    """How the findings of a file are handled."""
    settings = file.settings
    markers = {"dumps": None, "always": True, "never": False}[settings.rule_markers]
    known = settings.known if ignores else {}
    return Handling(
        _severities(settings.severities), ignores, markers, settings.settled, settings.require_reason, known
    )


def _severities(wanted: Mapping[str, str]) -> dict[str, Severity]:
    """The severities of single checks; what is said of a check counts more than what is said of its group."""
    groups = {name for name in wanted if name not in _slugs(name)}
    in_order = sorted(wanted, key=lambda name: name not in groups)
    return {slug: Severity(wanted[name]) for name in in_order for slug in sorted(_slugs(name))}


def open_ports(settings: Settings) -> str | None:
    """The ports that open-to-world asks about; None for the usual ones."""
    options = settings.options.get(PORTS, {})
    if "allowed-ports" not in options:
        return ",".join(options["ports"]) if "ports" in options else None
    asked = _ports(",".join(options["ports"]) if "ports" in options else None)
    allowed = _ports(",".join(options.get("allowed-ports", ())))
    return ",".join(f"{port.number}/{port.protocol}" for port in asked if port not in allowed)


def _ports(text: str | None) -> tuple[OpenPort, ...]:
    try:
        found: tuple[OpenPort, ...] = lazy("rulec.analysis.ports").open_ports(text)
    except ValueError as error:
        raise InputError(str(error)) from None
    return found


def wanted_fixes(file: File) -> frozenset[str]:
    """The checks whose fixes may be taken."""
    fixable = _of(file.settings.fixable) if file.settings.fixable else _EVERYTHING
    return fixable - _of(file.settings.unfixable)


REPAIRING: frozenset[str] = frozenset(check.slug for check in CHECKS if check.repairs)
"""The checks whose fixes let in what was meant to be let in."""


def report_file(report: Any) -> Ruleset | ConfigFile:
    """What a report is about."""
    content: Ruleset | ConfigFile = report.ruleset if hasattr(report, "ruleset") else report.file
    return content
