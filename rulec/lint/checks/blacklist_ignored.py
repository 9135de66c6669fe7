"""A blacklist line does nothing.

`blacklist` keeps a module from being loaded by one of its aliases.  nf_conntrack
comes as something that other modules depend on, and tables are loaded by their
own names; for neither does modprobe look at blacklists.  Measured: with
`blacklist nf_conntrack` rules with -m state, MASQUERADE and NOTRACK load as ever.
The line that keeps connection tracking out is `install nf_conntrack /bin/false`.
"""

from collections.abc import Iterator

from rulec.analysis.host import HostFacts
from rulec.diagnostics import Finding, Severity
from rulec.kernel.modules import plain
from rulec.lint.check import Check, Example
from rulec.lint.repairs import rewritten

_TABLES = frozenset(("nf_nat", "iptable_nat", "ip6table_nat"))


def find(host: HostFacts) -> Iterator[Finding]:
    """Report each such line, unless another keeps connection tracking out."""
    if host.refused is not None:
        return
    core = host.kernel.core
    for line in host.said("blacklist"):
        name = plain(line.name.text)
        if name == core or name in _TABLES:
            yield Finding(
                "blacklist-ignored",
                f"{name} is loaded all the same: {_because(name)}",
                (line.label(),),
                Severity.WARNING,
                hint="" if name == core else f"install {core} /bin/false keeps all of connection tracking out",
                fix=rewritten(line, f"install {core} /bin/false") if name == core else None,
            )


def _because(name: str) -> str:
    if name in ("iptable_nat", "ip6table_nat"):
        return "the kernel asks for it by its own name"
    return "other modules depend on it, and modprobe does not look at blacklists for them"


CHECK = Check(
    slug="blacklist-ignored",
    group="host",
    severity=Severity.WARNING,
    summary="a blacklist line does nothing",
    why=__doc__,
    find_on_host=find,
    example=Example(
        bad="blacklist nf_conntrack\n",
        good="install nf_conntrack /bin/false\n",
        name="modprobe.d/conntrack.conf",
    ),
)
