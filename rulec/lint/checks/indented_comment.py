"""A comment does not begin in the first column.

iptables-restore knows a comment by the `#` in the first column alone; with a blank in
front the line is read as a rule, and refused (measured with 1.8.9, both back ends).
Nothing of the table is loaded then.
"""

from rulec.diagnostics import Severity
from rulec.lint.check import Check, Example

CHECK = Check(
    slug="indented-comment",
    group="syntax",
    severity=Severity.ERROR,
    summary="a comment does not begin in the first column",
    why=__doc__,
    example=Example(
        bad="*filter\n  # the office\n-A INPUT -j ACCEPT\nCOMMIT\n",
        good="*filter\n# the office\n-A INPUT -j ACCEPT\nCOMMIT\n",
    ),
)
