"""A sysctl line sets nothing.

No kernel has a setting of that name, or this one has it under another: `ip_conntrack`
became `nf_conntrack`, and moved from net.ipv4.netfilter to net.netfilter.  sysctl says
so and goes on, mostly at boot where nobody reads it; the table keeps its default size.
"""

from collections.abc import Iterator

from rulec.analysis.host import HostFacts
from rulec.config.file import Kind
from rulec.diagnostics import Finding, Severity
from rulec.kernel.settings import concerns_tracking, dotted, exists, right_name, setting
from rulec.lint.check import Check, Example
from rulec.lint.repairs import renamed


def find(host: HostFacts) -> Iterator[Finding]:
    """Report each name of connection tracking that the kernel does not have."""
    for line in host.said("set", Kind.SYSCTL):
        name = dotted(line.name.text)
        if concerns_tracking(name) and not exists(name, host.kernel):
            right = right_name(name, host.kernel)
            message = (
                f"{host.kernel.title} has no setting {name}" if setting(name) else f"no kernel has a setting {name}"
            )
            fix = renamed(line, right) if right else None
            yield Finding("unknown-setting", message, (line.label(),), Severity.WARNING, fix=fix)


CHECK = Check(
    slug="unknown-setting",
    group="host",
    severity=Severity.WARNING,
    summary="a sysctl line sets nothing",
    why=__doc__,
    find_on_host=find,
    example=Example(
        bad="net.ipv4.netfilter.ip_conntrack_max = 1000000\n",
        good="net.netfilter.nf_conntrack_max = 1000000\n",
        name="sysctl.d/conntrack.conf",
    ),
)
