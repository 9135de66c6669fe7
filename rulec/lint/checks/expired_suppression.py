"""The date until which a suppression was meant is over.

`until=2027-03-01` is the last day on which it counts.  From the next day on what it
suppressed is reported again, so that an exception that was made for a while does
not stay forever.
"""

from rulec.diagnostics import Severity
from rulec.lint.check import Check, Example

CHECK = Check(
    slug="expired-suppression",
    group="suppression",
    severity=Severity.WARNING,
    summary="the date until which a suppression was meant is over",
    why=__doc__,
    example=Example(
        bad="*filter\n:INPUT DROP [0:0]\n# rulec: ignore[open-to-world] until=2020-12-31 the move\n"
        "-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n",
        good="*filter\n:INPUT DROP [0:0]\n# rulec: ignore[open-to-world] until=9999-12-31 the move\n"
        "-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n",
    ),
)
