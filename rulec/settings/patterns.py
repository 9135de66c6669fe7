"""Patterns of paths: ``lab/**``, ``*.bak``, ``hosts/*/rules.v6``.

A pattern without a slash is for names at any depth; others begin in the folder of the
file that holds them.  ``*`` and ``?`` stop at a slash, ``**`` does not.  What fits a
folder fits all that is in it.
"""

from __future__ import annotations

import os
import re
from functools import cache
from typing import NamedTuple


class Pattern(NamedTuple):
    """A pattern, and the folder in which it begins."""

    text: str
    root: str

    def fits(self, path: str) -> bool:
        """Whether a path, or a folder that it is in, is meant."""
        relative = os.path.relpath(os.path.abspath(path), self.root)
        parts = relative.replace(os.sep, "/").split("/")
        form = _regex(self.text.strip("/"))
        if "/" not in self.text.strip("/"):
            return any(form.fullmatch(part) for part in parts if part != "..")
        return any(form.fullmatch("/".join(parts[:end])) for end in range(1, len(parts) + 1))


_PIECES = r"\*\*/|\*\*|\*|\?|\[[^\]/]+\]|[^*?\[]+|\["


@cache
def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(map(_piece, re.findall(_PIECES, pattern))))


def _piece(piece: str) -> str:
    special = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if piece in special:
        return special[piece]
    if piece[0] == "[" and len(piece) > 1:
        inside = piece[1:-1].replace("\\", "\\\\")
        return f"[^/{inside[1:]}]" if inside[0] == "!" else f"[{inside}]"
    return re.escape(piece)
