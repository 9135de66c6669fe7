"""A match or target is used that iptables does not ship.

The file names it as known to its author (``# rulec: opaque[geoip]``), so it is
no error.  rulec keeps its words, and takes its answer as unknown: whatever
depends on it is neither sure to happen nor sure not to.
"""

from rulec.diagnostics import Severity
from rulec.lint.check import Check, Example

CHECK = Check(
    slug="unknown-extension",
    group="syntax",
    severity=Severity.WARNING,
    summary="the extension is kept, and taken as unknown",
    why=__doc__,
    example=Example(
        bad="# rulec: opaque[geoip]\n*filter\n-A INPUT -m geoip --src-cc XX -j DROP\nCOMMIT\n",
        good="*filter\n-A INPUT -s 192.0.2.0/24 -j DROP\nCOMMIT\n",
    ),
)
