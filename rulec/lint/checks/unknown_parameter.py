"""A parameter of nf_conntrack does nothing.

The kernel ignores parameters that it does not know and loads the module all the same;
only its log says so (measured: `options nf_conntrack max=5000` changes nothing).  The
largest number of entries is a sysctl setting; as a parameter there is `hashsize`, and
the kernel then allows eight times as many entries.
"""

from collections.abc import Iterator

from rulec.analysis.host import HostFacts
from rulec.diagnostics import Finding, Severity
from rulec.kernel.modules import PARAMETERS
from rulec.lint.check import Check, Example


def find(host: HostFacts) -> Iterator[Finding]:
    """Report each of them."""
    for name, _, label in host.parameters("nf_conntrack"):
        if name not in PARAMETERS or (name == "enable_hooks" and not host.kernel.enable_hooks):
            yield Finding(
                "unknown-parameter",
                f"nf_conntrack has no parameter {name}, and ignores it",
                (label,),
                Severity.WARNING,
                hint="the setting is net.netfilter.nf_conntrack_max" if name == "max" else "",
            )


CHECK = Check(
    slug="unknown-parameter",
    group="host",
    severity=Severity.WARNING,
    summary="a parameter of nf_conntrack does nothing",
    why=__doc__,
    find_on_host=find,
    example=Example(
        bad="options nf_conntrack max=1000000\n",
        good="options nf_conntrack hashsize=131072\n",
        name="modprobe.d/conntrack.conf",
    ),
)
