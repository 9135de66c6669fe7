"""There is no module of that name.

Linux 4.19 (RHEL 8.3) made nf_conntrack_ipv4 and nf_conntrack_ipv6 part of nf_conntrack,
and xt_NOTRACK went into xt_CT.  A list with such a name fails to load it; a line of
modprobe.d for it does nothing, and what it was to keep out comes in.  The old names
ip_conntrack and ip_conntrack_ftp still work: they are aliases.
"""

from collections.abc import Iterator

from rulec.analysis.host import HostFacts
from rulec.diagnostics import Finding, Severity
from rulec.kernel.modules import is_absent
from rulec.lint.check import Check, Example


def find(host: HostFacts) -> Iterator[Finding]:
    """Report each such name."""
    for verb in ("load", "blacklist", "install", "options"):
        for line in host.said(verb):
            why = is_absent(line.name.text, host.kernel)
            if why and not (verb in ("install", "blacklist") and host.refused is not None):
                effect = "it cannot be loaded" if verb == "load" else "the line does nothing"
                yield Finding(
                    "no-such-module",
                    f"{host.kernel.title} has no module {line.name.text}, so {effect}: {why}",
                    (line.label(),),
                    Severity.WARNING,
                )


CHECK = Check(
    slug="no-such-module",
    group="host",
    severity=Severity.WARNING,
    summary="there is no module of that name",
    why=__doc__,
    find_on_host=find,
    example=Example(
        bad="nf_conntrack_ipv4\n",
        good="nf_conntrack\n",
        name="modules-load.d/conntrack.conf",
    ),
)
