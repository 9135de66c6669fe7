"""Entries of the conntrack table live longer than the kernel lets them.

A flow that says nothing more keeps its entry until the timeout has run out.  The table
bears as many new flows a second as it has entries, divided by that timeout: twice the
time fills it with half of the flows, and then new ones are dropped.
"""

from collections.abc import Iterator

from rulec.analysis.host import HostFacts, number
from rulec.diagnostics import Finding, Severity
from rulec.kernel.settings import default_timeout
from rulec.lint.check import Check, Example


def find(host: HostFacts) -> Iterator[Finding]:
    """Report each timeout above the default, with what a full table bears where its size is said."""
    most = host.value("max")
    for name, line in host.settings():
        default, value = default_timeout(name, host.kernel), number(line.value.text)
        if default is None or value is None or value <= default:
            continue
        message = f"the kernel takes {default} seconds here"
        if most and most[0]:
            message += f"; with {value}, {_rate(most[0] / value)} such flows a second fill {most[0]} entries"
        yield Finding("long-timeout", message, (line.label(),), Severity.NOTE)


def _rate(flows: float) -> str:
    return f"{flows:.0f}" if flows >= 10 else f"{flows:.1f}"


CHECK = Check(
    slug="long-timeout",
    group="host",
    severity=Severity.NOTE,
    summary="entries of the conntrack table live longer than the kernel lets them",
    why=__doc__,
    find_on_host=find,
    example=Example(
        bad="net.netfilter.nf_conntrack_max = 65536\nnet.netfilter.nf_conntrack_udp_timeout = 600\n",
        good="net.netfilter.nf_conntrack_max = 65536\nnet.netfilter.nf_conntrack_udp_timeout = 10\n",
        name="sysctl.d/conntrack.conf",
    ),
)
