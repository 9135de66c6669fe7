"""iptables-restore takes the line, and the kernel refuses it at COMMIT.

Some extensions exist in some tables, chains or protocols only, and chains may not
jump in a circle.  iptables-restore cannot know it, even with --test: the error
comes when the table is committed, names the line of the COMMIT, and nothing of
the table is loaded.
"""

from rulec.diagnostics import Severity
from rulec.lint.check import Check, Example

CHECK = Check(
    slug="load-error",
    group="load",
    severity=Severity.ERROR,
    summary="the kernel refuses the rule when its table is committed",
    why=__doc__,
    example=Example(
        bad="*filter\n-A INPUT -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
        good="*filter\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
    ),
)
