"""A line has no effect, since the program that reads it does not understand it.

modprobe goes on behind a line that begins with no command of its own, or has too few
words; sysctl goes on behind a line without a setting, and behind a value that the
kernel refuses.  Both say so once, mostly at boot where nobody reads it (measured
with kmod 30 and procps 4.0).
"""

import re
from collections.abc import Iterator

from rulec.analysis.host import HostFacts
from rulec.diagnostics import Finding, Label, Severity
from rulec.lint.check import Check, Example

_NUMBER = re.compile(r"[-+]?(0[xX][0-9a-fA-F]+|[0-9]+)")


def find(host: HostFacts) -> Iterator[Finding]:
    """Report each such line, and each value of a setting of connection tracking that is no number."""
    for file in host.files:
        for line in file.ignored:
            message = f"this says nothing in a file of {file.kind.value}, and is passed over"
            yield Finding("ignored-line", message, (Label(file.source, line.span),), Severity.WARNING)
    for _, statement in host.settings():
        if not _NUMBER.fullmatch(statement.value.text):
            message = "the kernel refuses this value: it is no number"
            yield Finding("ignored-line", message, (statement.label(),), Severity.WARNING)


CHECK = Check(
    slug="ignored-line",
    group="host",
    severity=Severity.WARNING,
    summary="a line has no effect, since the program that reads it does not understand it",
    why=__doc__,
    find_on_host=find,
    example=Example(
        bad="options nf_conntrack\n",
        good="options nf_conntrack hashsize=65536\n",
        name="modprobe.d/conntrack.conf",
    ),
)
