"""A full conntrack table takes much memory.

Every entry is a piece of kernel memory that cannot be swapped out: 256 octets on Linux
6.1 and later, 320 on 5.10, and as much for older ones; MASQUERADE and nf_conntrack_acct
add 128 octets each (measured).  The kernel does not look whether the memory is there: a
flood of new flows fills the table up to nf_conntrack_max, and 0 means no limit.
"""

from collections.abc import Iterator

from rulec.analysis.host import HostFacts
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example

_MUCH = 1 << 30


def find(host: HostFacts) -> Iterator[Finding]:
    """Report the setting where that is a gibibyte or more, or no limit at all."""
    most = host.value("max")
    if most is None:
        return
    entries, line = most
    octets = entries * host.kernel.entry
    if not entries:
        message = "0 is no limit: the table grows as long as there is memory"
    elif octets >= _MUCH:
        message = f"{entries} entries take {octets / _MUCH:.1f} GiB when the table is full, and more with MASQUERADE"
    else:
        return
    yield Finding("table-memory", message, (line.label(),), Severity.WARNING)


CHECK = Check(
    slug="table-memory",
    group="host",
    severity=Severity.WARNING,
    summary="a full conntrack table takes much memory",
    why=__doc__,
    find_on_host=find,
    example=Example(
        bad="net.netfilter.nf_conntrack_max = 16777216\n",
        good="net.netfilter.nf_conntrack_max = 1048576\n",
        name="sysctl.d/conntrack.conf",
    ),
)
