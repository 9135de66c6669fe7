"""An install line says that a module is there, when it is not.

With `/bin/true` modprobe believes that connection tracking has been loaded, and goes
on to load what depends on it: the kernel refuses that, and its log fills with `Unknown
symbol`.  With `/bin/false` modprobe stops at once and says why.
"""

from collections.abc import Iterator

from rulec.analysis.host import HostFacts, refuses
from rulec.config.file import Kind
from rulec.diagnostics import Finding, Severity
from rulec.kernel.modules import needs_conntrack, plain
from rulec.lint.check import Check, Example
from rulec.lint.repairs import rewritten


def find(host: HostFacts) -> Iterator[Finding]:
    """Report each such line for a module on which others depend."""
    for line in host.said("install", Kind.MODPROBE):
        name = plain(line.name.text)
        if name == host.kernel.core and needs_conntrack(name) and refuses(line) and "false" not in line.value.text:
            yield Finding(
                "install-true",
                f"modprobe goes on as if {name} were there, and what needs it fails with Unknown symbol",
                (line.label(),),
                Severity.WARNING,
                fix=rewritten(line, f"install {name} /bin/false"),
            )


CHECK = Check(
    slug="install-true",
    group="host",
    severity=Severity.WARNING,
    summary="an install line says that a module is there, when it is not",
    why=__doc__,
    find_on_host=find,
    example=Example(
        bad="install nf_conntrack /bin/true\n",
        good="install nf_conntrack /bin/false\n",
        name="modprobe.d/conntrack.conf",
    ),
)
