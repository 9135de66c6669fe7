"""Programs of the machine, and how they are run."""

from __future__ import annotations

import os

PATH = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
"""Where they are looked for: those of root, too, which cron and plain users have not on theirs."""


def environment(**settings: str) -> dict[str, str]:
    """The variables that they get: words in English, since these are read."""
    return {**os.environ, "PATH": PATH, "LC_ALL": "C", **settings}
