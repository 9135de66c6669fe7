"""The conntrack table has far more entries than buckets.

The kernel looks for the flow of every packet in one bucket, and walks through all
entries there; each entry lies in two buckets.  It takes up to eight entries a bucket
by itself (`hashsize=N` allows 8 x N), and since Linux 5.15 one.  The buckets do not
grow with nf_conntrack_max, nor the other way round (measured).
"""

from collections.abc import Iterator

from rulec.analysis.host import HostFacts, number
from rulec.diagnostics import Finding, Label, Severity
from rulec.lint.check import Check, Example

_MOST = 8


def find(host: HostFacts) -> Iterator[Finding]:
    """Report the largest number of entries, where the buckets are said to be too few or must be by default."""
    most = host.value("max")
    if most is None:
        return
    entries, line = most
    buckets, labels = _buckets(host)
    if entries > _MOST * buckets:
        said = f"in {buckets} buckets" if labels else f"in at most {buckets} buckets by default"
        yield Finding(
            "long-hash-chains",
            f"{entries} entries {said} make chains of {2 * entries // buckets} in a full table",
            (line.label(), *labels),
            Severity.WARNING,
            hint=f"set the buckets, too: options {host.kernel.core} hashsize={-(-entries // 4)} in modprobe.d",
        )


def _buckets(host: HostFacts) -> tuple[int, tuple[Label, ...]]:
    """How many buckets there are, and where that is said: sysctl comes behind the loading of modules."""
    setting = host.value("buckets")
    if setting and setting[0]:
        return setting[0], (setting[1].label("the buckets"),)
    parameter = host.parameter(host.kernel.core, "hashsize")
    size = number(parameter[0]) if parameter else None
    if parameter and size:
        return size, (parameter[1]._replace(text="the buckets"),)
    return host.kernel.buckets, ()


CHECK = Check(
    slug="long-hash-chains",
    group="host",
    severity=Severity.WARNING,
    summary="the conntrack table has far more entries than buckets",
    why=__doc__,
    find_on_host=find,
    example=Example(
        bad="net.netfilter.nf_conntrack_buckets = 16384\nnet.netfilter.nf_conntrack_max = 1048576\n",
        good="net.netfilter.nf_conntrack_buckets = 262144\nnet.netfilter.nf_conntrack_max = 1048576\n",
        name="sysctl.d/conntrack.conf",
    ),
)
