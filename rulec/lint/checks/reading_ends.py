"""A line with -h or -V ends the reading.

iptables-restore prints its help or version there, exits with success, and has
loaded neither this table nor anything behind it.  Such lines come from shell
scripts that were turned into rulesets.
"""

from rulec.diagnostics import Severity
from rulec.lint.check import Check, Example

CHECK = Check(
    slug="reading-ends",
    group="syntax",
    severity=Severity.WARNING,
    summary="iptables-restore stops here and says that all is well",
    why=__doc__,
    example=Example(
        bad="*filter\n-A INPUT -j ACCEPT\n-h\nCOMMIT\n",
        good="*filter\n-A INPUT -j ACCEPT\nCOMMIT\n",
    ),
)
