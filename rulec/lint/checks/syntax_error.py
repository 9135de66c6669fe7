"""iptables-restore does not take the line.

One such line is enough: nothing of its table is loaded, tables before it stay
loaded, and at boot a host is left with the rules that it had, often none.  The
finding stands at the very word, and reading goes on behind it, so that all
errors of a file are known at once.
"""

from rulec.diagnostics import Severity
from rulec.lint.check import Check, Example

CHECK = Check(
    slug="syntax-error",
    group="syntax",
    severity=Severity.ERROR,
    summary="iptables-restore does not take the line",
    why=__doc__,
    example=Example(
        bad="*filter\n-A INPUT --dport 22 -p tcp -j ACCEPT\nCOMMIT\n",
        good="*filter\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n",
    ),
)
