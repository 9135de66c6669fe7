"""A blacklist line makes programs hang.

Until Linux 4.18 the kernel asks modprobe for nf_conntrack_ipv4 by an alias, and
asks again as long as modprobe says that all went well.  For a blacklisted module
modprobe does nothing and says just that: `modprobe iptable_nat` then never comes
back, and cannot be killed.  With an install line the request fails, as it should.
"""

from collections.abc import Iterator

from rulec.analysis.host import HostFacts
from rulec.diagnostics import Finding, Severity
from rulec.kernel.modules import plain
from rulec.lint.check import Check, Example
from rulec.lint.repairs import rewritten


def find(host: HostFacts) -> Iterator[Finding]:
    """Report each such line."""
    for line in host.said("blacklist"):
        name = plain(line.name.text)
        if name in ("nf_conntrack_ipv4", "nf_conntrack_ipv6") and (3, 0) <= host.kernel.version <= (4, 18):
            yield Finding(
                "blacklist-hangs",
                f"the kernel asks for {name} for ever, and what loads a nat table hangs",
                (line.label(),),
                Severity.ERROR,
                fix=rewritten(line, f"install {name} /bin/false"),
            )


CHECK = Check(
    slug="blacklist-hangs",
    group="host",
    severity=Severity.ERROR,
    summary="a blacklist line makes programs hang",
    why=__doc__,
    find_on_host=find,
    example=Example(
        bad="blacklist nf_conntrack_ipv4\n",
        good="install nf_conntrack /bin/false\ninstall nf_conntrack_ipv4 /bin/false\n",
        name="modprobe.d/conntrack.conf",
        kernel="el7",
    ),
)
