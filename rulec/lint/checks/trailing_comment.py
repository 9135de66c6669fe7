"""A comment stands behind a rule.

iptables-restore refuses what stands behind a rule or COMMIT, also a comment, and
nothing of the table is loaded.  Behind the name of a table or the counters of a chain
it reads over all words: there it is a warning, since the comment is lost with the
next `rulec fmt` or iptables-save (measured with 1.8.9, both back ends).
"""

import re
from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Label, Severity
from rulec.lint.check import Check, Example
from rulec.source import Span
from rulec.syntax.complaints import fix_of_comment

_BEHIND = re.compile(r"(?m)^(?:\*[ \t]*\w+|:[ \t]*\S+[ \t]+\S[^#\n]*)[ \t](#[^\n]*)$")


def find(facts: Facts) -> Iterator[Finding]:
    """Report comments behind a table or a chain; the reader reports those behind rules and COMMIT."""
    source = facts.ruleset.source
    for found in _BEHIND.finditer(source.text) if "#" in source.text else ():
        span = Span(found.start(1), found.end(1))
        message = "iptables-restore drops what stands here, and the comment with it"
        fix = fix_of_comment("trailing-comment", source, span)
        yield Finding("trailing-comment", message, (Label(source, span),), Severity.WARNING, fix=fix)


CHECK = Check(
    slug="trailing-comment",
    group="syntax",
    severity=Severity.ERROR,
    summary="a comment stands behind a rule",
    why=__doc__,
    find=find,
    example=Example(
        bad="*filter\n-A INPUT -j ACCEPT # the office\nCOMMIT\n",
        good="*filter\n# the office\n-A INPUT -j ACCEPT\nCOMMIT\n",
    ),
)
