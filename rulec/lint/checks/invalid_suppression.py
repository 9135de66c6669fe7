"""A comment that is meant for rulec does not say what it should.

It is written `# rulec: ignore[open-to-world] until=2027-03-01 reason`; ignore is for
the next line, file-ignore for the whole file (before its first line that is no
comment), and what stands between disable[...] and enable[...] has the lines in
between.  Each names checks or groups: there is no way to suppress everything by
accident.  What iptables-restore refuses cannot be suppressed, nor what the
configuration file says must not be.  A comment that is not understood suppresses nothing.
"""

from rulec.diagnostics import Severity
from rulec.lint.check import Check, Example

CHECK = Check(
    slug="invalid-suppression",
    group="suppression",
    severity=Severity.WARNING,
    summary="a comment that is meant for rulec does not say what it should",
    why=__doc__,
    example=Example(
        bad="*filter\n:INPUT DROP [0:0]\n# rulec: ignore\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n",
        good="*filter\n:INPUT DROP [0:0]\n# rulec: ignore[open-to-world] the bastion\n"
        "-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n",
    ),
)
