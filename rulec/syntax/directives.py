"""What a file says to rulec in comments: extensions that its author knows and rulec does not.

``# rulec: opaque[geoip, TARPIT] from xtables-addons`` may stand anywhere before
the first rule; it counts for the whole file.
"""

from __future__ import annotations

import re

_OPAQUE = re.compile(r"^# ?rulec: opaque\[([^\]\n]*)\]", re.MULTILINE)


def opaque_names(text: str) -> frozenset[str]:
    """The matches and targets that the text names as opaque."""
    if "rulec: opaque[" not in text:
        return frozenset()
    names = (name.strip() for found in _OPAQUE.findall(text) for name in found.split(","))
    return frozenset(name for name in names if name)
