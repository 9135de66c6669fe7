"""The comment of a rule is longer than the kernel keeps.

It keeps 255 bytes, and iptables-restore cuts what is longer without a word (measured with
1.8.9, both back ends).  The end of the text is lost, and `iptables -D` with the whole
of it finds the rule by chance only.
"""

import re
from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.catalogue.values.text import size
from rulec.diagnostics import Finding, Label, Severity
from rulec.lint.check import Check, Example
from rulec.source import Span
from rulec.syntax.ruleset import Ruleset

_MOST = 255


def find(facts: Facts) -> Iterator[Finding]:
    """Report the comments of rules that are longer than the kernel keeps."""
    source = facts.ruleset.source
    least = _MOST + 1 if source.text.isascii() else _MOST // 4
    for found in re.finditer(rf"(?m)^[^\n]{{{least},}}", source.text):
        line = source.position(found.start())[0]
        if "--c" in found[0] and line in facts.ruleset.templates:
            yield from _too_long(facts.ruleset, line)


def _too_long(ruleset: Ruleset, line: int) -> Iterator[Finding]:
    if size(ruleset.source.line(line)) <= _MOST:
        return
    parsed = ruleset.parse_line(line)
    for plan in parsed.plans:
        if plan.option.name == "--comment":
            word = parsed.arguments[plan.arguments[0]]
            octets = size(word.text)
            if octets > _MOST:
                message = f"the comment has {octets} bytes, and the kernel keeps the first {_MOST}"
                label = Label(ruleset.source, Span(word.start, word.end))
                yield Finding("comment-too-long", message, (label,), Severity.WARNING)


CHECK = Check(
    slug="comment-too-long",
    group="syntax",
    severity=Severity.WARNING,
    summary="the comment of a rule is longer than the kernel keeps",
    why=__doc__,
    find=find,
    example=Example(
        bad=f"*filter\n-A INPUT -m comment --comment {'long' * 64} -j ACCEPT\nCOMMIT\n",
        good="*filter\n-A INPUT -m comment --comment short -j ACCEPT\nCOMMIT\n",
    ),
)
