"""A suppression suppresses nothing.

Nothing is found any more that it names, where it stands: the rule was changed, or
the comment was left behind when rules were moved.  It would silence a mistake that
is made there later.  To know, the checks that suppressions name are run, also those
that nobody selected.
"""

from rulec.diagnostics import Severity
from rulec.lint.check import Check, Example

CHECK = Check(
    slug="unused-suppression",
    group="suppression",
    severity=Severity.WARNING,
    summary="a suppression suppresses nothing",
    why=__doc__,
    example=Example(
        bad="*filter\n:INPUT DROP [0:0]\n# rulec: ignore[open-to-world] the bastion\n"
        "-A INPUT -s 192.0.2.0/24 -p tcp --dport 22 -j ACCEPT\nCOMMIT\n",
        good="*filter\n:INPUT DROP [0:0]\n# rulec: ignore[open-to-world] the bastion\n"
        "-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n",
    ),
)
