"""Whether text is coloured: who asks for it, in the order in which they are heard."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from typing import TextIO


def coloured(wanted: str, stream: TextIO, form: str = "full", environment: Mapping[str, str] = os.environ) -> bool:
    """Whether what goes to a stream is coloured.

    An argument ``always`` or ``never`` comes first, then NO_COLOR (no-color.org),
    FORCE_COLOR and CLICOLOR_FORCE, and then whether a person sees it.
    """
    if wanted != "auto":
        return wanted == "always"
    if environment.get("NO_COLOR"):
        return False
    if any(environment.get(name, "0") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    if form == "full" and environment.get("GITHUB_ACTIONS") == "true":
        return not _is_file(stream)  # its log shows colours, and is no terminal
    return environment.get("TERM") != "dumb" and stream.isatty()


def _is_file(stream: TextIO) -> bool:
    with suppress(OSError):
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    return True
