"""An install line keeps out less than it seems.

modprobe loads what a module depends on before it looks at the install line of that
module.  So `install iptable_nat /bin/false` keeps the table out, but nf_nat and
nf_conntrack have been loaded by then (measured); and iptables-nft does not use
iptable_nat at all.
"""

from collections.abc import Iterator

from rulec.analysis.host import HostFacts, refuses
from rulec.config.file import Kind
from rulec.diagnostics import Finding, Severity
from rulec.kernel.modules import plain
from rulec.lint.check import Check, Example

_DEPENDENT = frozenset(("iptable_nat", "ip6table_nat", "nf_nat", "nft_chain_nat"))


def find(host: HostFacts) -> Iterator[Finding]:
    """Report each such line, unless another keeps connection tracking out."""
    for line in host.said("install", Kind.MODPROBE) if host.refused is None else ():
        name, core = plain(line.name.text), host.kernel.core
        if name in _DEPENDENT and refuses(line):
            yield Finding(
                "install-too-late",
                f"{core} is loaded before modprobe sees that {name} is not to be",
                (line.label(),),
                Severity.WARNING,
                hint=f"add the line install {core} /bin/false",
            )


CHECK = Check(
    slug="install-too-late",
    group="host",
    severity=Severity.WARNING,
    summary="an install line keeps out less than it seems",
    why=__doc__,
    find_on_host=find,
    example=Example(
        bad="install iptable_nat /bin/false\n",
        good="install iptable_nat /bin/false\ninstall nf_conntrack /bin/false\n",
        name="modprobe.d/conntrack.conf",
    ),
)
