"""A setting does not exist yet when it is set.

The settings of connection tracking are there only while nf_conntrack is loaded
(measured).  sysctl runs early at boot, and mostly the module comes later, with the
first rule that needs it: the line then fails, and the table keeps its default size.
A line `nf_conntrack` in modules-load.d loads it before.
"""

from collections.abc import Iterator

from rulec.analysis.host import HostFacts
from rulec.config.file import Kind
from rulec.diagnostics import Confidence, Finding, Severity
from rulec.kernel.modules import needs_conntrack
from rulec.lint.check import Check, Example


def find(host: HostFacts) -> Iterator[Finding]:
    """Report the first such setting of each file, where no list of modules-load.d loads the module."""
    if any(needs_conntrack(module.name.text, host.kernel) for module in host.said("load", Kind.MODULES)):
        return
    done, has_systemd = set(), host.kernel.version >= (3, 0)
    for _, line in host.settings():
        if line.source.name not in done:
            done.add(line.source.name)
            yield Finding(
                "setting-too-early",
                f"there is no such setting until {host.kernel.core} is loaded",
                (line.label(),),
                Severity.NOTE,
                Confidence.LIKELY,
                hint=f"a line {host.kernel.core} in a file of modules-load.d loads it before" if has_systemd else "",
            )


CHECK = Check(
    slug="setting-too-early",
    group="host",
    severity=Severity.NOTE,
    summary="a setting does not exist yet when it is set",
    why=__doc__,
    find_on_host=find,
    example=Example(
        bad="net.netfilter.nf_conntrack_max = 1048576\n",
        good="net.ipv4.ip_forward = 1\n",
        name="sysctl.d/conntrack.conf",
    ),
)
