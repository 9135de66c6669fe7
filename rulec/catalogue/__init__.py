"""The xtables extensions: how each is written, where it is valid, what it needs.

One file an extension, in ``matches/`` and ``targets/``; each is imported when a
ruleset first names it, so that a small file costs little.
"""

from __future__ import annotations

from functools import cache

from rulec.catalogue.extension import Extension
from rulec.catalogue.names import MATCH_ALIASES, MATCHES, TARGETS
from rulec.resources import lazy


@cache
def match(name: str) -> Extension | None:
    """The match of that name or alias, or None."""
    name = MATCH_ALIASES.get(name, name)
    return _load("matches", name) if name in MATCHES else None


@cache
def target(name: str) -> Extension | None:
    """The target extension of that name, or None; verdicts are none."""
    return _load("targets", name) if name in TARGETS else None


def _load(folder: str, name: str) -> Extension:
    extension: Extension = lazy(f"rulec.catalogue.{folder}.{name}").EXTENSION
    return extension
