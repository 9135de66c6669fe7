"""A ruleset needs connection tracking, which cannot be loaded.

A state match, NOTRACK, CT or a nat table does not load without nf_conntrack, even
where it tracks nothing.  iptables-restore then fails, with the whole table: of a file
with the policy DROP and one such rule nothing is loaded, the policy stays ACCEPT, and
the host is **open** (measured; iptables-legacy names the line of COMMIT, not that of
the rule).  A raw or nat table in front takes the filter table down with it; behind
it, only what follows is missing.
"""

from collections.abc import Iterator

from rulec.analysis.host import HostFacts
from rulec.diagnostics import Finding, Label, Severity
from rulec.lint.check import Check, Example


def find(host: HostFacts) -> Iterator[Finding]:
    """Report the line that keeps connection tracking out, with the first place of each ruleset that needs it."""
    line = host.refused
    if line is None:
        return
    for need in host.needs:
        source = need.ruleset.source
        tool = " with iptables-nft" if need.only_nft else ""
        effect = "and leaves the host open" if need.opens else f"from the table {need.table} on"
        yield Finding(
            "needs-conntrack",
            f"{source.name} does not load{tool} without {host.kernel.core}, {effect}",
            (line.label(), Label(source, need.span, f"{need.words} needs it")),
            Severity.ERROR,
            hint="take connection tracking out of the ruleset first, or let the module be loaded",
        )


CHECK = Check(
    slug="needs-conntrack",
    group="host",
    severity=Severity.ERROR,
    summary="a ruleset needs connection tracking, which cannot be loaded",
    why=__doc__,
    find_on_host=find,
    example=Example(
        bad="install nf_conntrack /bin/false\n",
        good="options nf_conntrack hashsize=65536\n",
        name="modprobe.d/conntrack.conf",
        beside="*raw\n-A PREROUTING -p udp --dport 53 -j NOTRACK\nCOMMIT\n",
    ),
)
