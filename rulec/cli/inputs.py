"""The rulesets and the configuration files that a command is given."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any, TextIO

from rulec import api
from rulec.cli.outputs import complain
from rulec.errors import InputError
from rulec.syntax.ruleset import Ruleset


def ruleset(path: str, chosen: argparse.Namespace, stdin: TextIO) -> Ruleset:
    """The ruleset of a path; ``-`` is standard input."""
    return parsed(text(path, stdin), chosen)


def anything(paths: Iterable[str], chosen: argparse.Namespace, stdin: TextIO, stderr: TextIO) -> list[Any]:
    """The ruleset or the configuration file of each path, None for one that cannot be read, which is said."""
    found: list[Any] = []
    for path in paths:
        try:
            named = text(path, stdin)
        except InputError as error:
            complain(error, stderr)
            found.append(None)
        else:
            found.append(api.read_config(*named) or parsed(named, chosen))
    return found


def text(path: str, stdin: TextIO) -> tuple[str, str]:
    """The name and the content of a path; ``-`` is standard input."""
    return ("<stdin>", _all_of(stdin)) if path == "-" else (path, api.read_text(path))


def parsed(named: tuple[str, str], chosen: argparse.Namespace) -> Ruleset:
    """The ruleset of a name and its content."""
    name, content = named
    return api.parse(content, name, None if chosen.family == "auto" else chosen.family, chosen.opaque)


def _all_of(stdin: TextIO) -> str:
    """What standard input holds, any bytes."""
    buffer = getattr(stdin, "buffer", None)
    try:
        return stdin.read() if buffer is None else str(buffer.read(), "utf-8", "surrogateescape")
    except OSError as error:
        raise InputError(f"<stdin>: {error.strerror or error}") from error
