"""A line of modprobe.d names a module by its old name.

ip_conntrack, ip_conntrack_ftp and ip_nat_ftp are aliases of modules that begin with nf_ today.
To load a module an alias will do.  But blacklists hold for the names of modules alone,
and install and options lines for an alias only when the module is asked for by just
that alias (libkmod-module.c), which neither iptables nor the kernel does.
"""

from collections.abc import Iterator

from rulec.analysis.host import HostFacts
from rulec.config.file import Kind
from rulec.diagnostics import Finding, Severity
from rulec.kernel.modules import plain
from rulec.lint.check import Check, Example
from rulec.lint.repairs import renamed


def find(host: HostFacts) -> Iterator[Finding]:
    """Report each such line, on kernels where the name is an alias."""
    if host.kernel.core == "ip_conntrack":
        return
    for verb in ("blacklist", "install", "options"):
        for line in host.said(verb, Kind.MODPROBE):
            name = plain(line.name.text)
            if name.startswith(("ip_conntrack", "ip_nat")):
                today = name.replace("ip_", "nf_", 1)
                message = f"the module is called {today}, and the line does not hold for it"
                yield Finding("alias-in-modprobe", message, (line.label(),), Severity.WARNING, fix=renamed(line, today))


CHECK = Check(
    slug="alias-in-modprobe",
    group="host",
    severity=Severity.WARNING,
    summary="a line of modprobe.d names a module by its old name",
    why=__doc__,
    find_on_host=find,
    example=Example(
        bad="options ip_conntrack hashsize=131072\n",
        good="options nf_conntrack hashsize=131072\n",
        name="modprobe.d/conntrack.conf",
    ),
)
