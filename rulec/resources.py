"""Our own data files, and modules that are imported when somebody needs them.

In a wheel the grammar and the ready policies lie in ``rulec/_data``; in a
checkout beside the package.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

VERSION = "0.1.0"
_DOCS = ""  # where docs/ can be read by everybody, with a slash at the end; empty as long as it is nowhere

_PACKAGE = os.path.dirname(os.path.abspath(__file__))


def path(*parts: str) -> str:
    """Where a data file is, such as ``path("grammar", "line.lark")``."""
    packed = os.path.join(_PACKAGE, "_data", *parts)
    return packed if os.path.exists(packed) else os.path.join(os.path.dirname(_PACKAGE), *parts)


def text(*parts: str) -> str:
    """The content of a data file."""
    with open(path(*parts), encoding="utf-8") as file:
        return file.read()


def lazy(module: str) -> Any:
    """A module, imported now: for what is slow to import and seldom needed."""
    return import_module(module)


def docs_url(page: str = "", anchor: str = "") -> str:
    """Where a page of docs/ can be read; empty where nobody has said where that is.

    ``RULEC_DOCS_URL`` names a copy of one's own.
    """
    home = os.environ.get("RULEC_DOCS_URL") or _DOCS
    return f"{home.rstrip('/')}/{page}{'#' * bool(anchor)}{anchor}" if home else ""
