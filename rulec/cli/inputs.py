"""The rulesets that a command is given."""

from __future__ import annotations

import argparse
from typing import TextIO

from rulec import api
from rulec.syntax.ruleset import Ruleset


def ruleset(path: str, chosen: argparse.Namespace, stdin: TextIO) -> Ruleset:
    """The ruleset of a path; ``-`` is standard input."""
    family = None if chosen.family == "auto" else chosen.family
    if path == "-":
        buffer = getattr(stdin, "buffer", None)
        text = stdin.read() if buffer is None else buffer.read().decode("utf-8", "surrogateescape")
        return api.parse(text, "<stdin>", family, chosen.opaque)
    return api.load(path, family, chosen.opaque)
