"""The rulesets that a command is given."""

from __future__ import annotations

import argparse
from typing import TextIO

from rulec import api
from rulec.errors import InputError
from rulec.syntax.ruleset import Ruleset


def ruleset(path: str, chosen: argparse.Namespace, stdin: TextIO) -> Ruleset:
    """The ruleset of a path; ``-`` is standard input."""
    family = None if chosen.family == "auto" else chosen.family
    if path == "-":
        return api.parse(_all_of(stdin), "<stdin>", family, chosen.opaque)
    return api.load(path, family, chosen.opaque)


def text(path: str, stdin: TextIO) -> tuple[str, str]:
    """The name and the content of a path; ``-`` is standard input."""
    return ("<stdin>", _all_of(stdin)) if path == "-" else (path, api.read_text(path))


def _all_of(stdin: TextIO) -> str:
    """What standard input holds, any bytes."""
    buffer = getattr(stdin, "buffer", None)
    try:
        return stdin.read() if buffer is None else str(buffer.read(), "utf-8", "surrogateescape")
    except OSError as error:
        raise InputError(f"<stdin>: {error.strerror or error}") from error
