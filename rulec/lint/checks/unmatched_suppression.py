"""A suppression has no line that it is about, or no end.

What `# rulec: disable[...]` begins ends with `# rulec: enable[...]` of the same
names in the same table; without it the suppression would go on over rules that
are added later, of which nobody thought.  It ends at the COMMIT all the same.
"""

from rulec.diagnostics import Severity
from rulec.lint.check import Check, Example

CHECK = Check(
    slug="unmatched-suppression",
    group="suppression",
    severity=Severity.WARNING,
    summary="a suppression has no line that it is about, or no end",
    why=__doc__,
    example=Example(
        bad="*filter\n:INPUT DROP [0:0]\n# rulec: disable[open-to-world]\n"
        "-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n",
        good="*filter\n:INPUT DROP [0:0]\n# rulec: disable[open-to-world]\n"
        "-A INPUT -p tcp --dport 22 -j ACCEPT\n"
        "# rulec: enable[open-to-world]\nCOMMIT\n",
    ),
)
