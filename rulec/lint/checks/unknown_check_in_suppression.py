"""A suppression names no check or group that rulec has.

It suppresses nothing by that name, and what it was meant for is reported, or will
be.  `docs/checks.md` lists all names; a slug never changes its meaning.
"""

from rulec.diagnostics import Severity
from rulec.lint.check import Check, Example

CHECK = Check(
    slug="unknown-check-in-suppression",
    group="suppression",
    severity=Severity.WARNING,
    summary="a suppression names no check or group that rulec has",
    why=__doc__,
    example=Example(
        bad="*filter\n:INPUT DROP [0:0]\n# rulec: ignore[open-to-wold]\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n",
        good="*filter\n:INPUT DROP [0:0]\n# rulec: ignore[open-to-world]\n"
        "-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n",
    ),
)
