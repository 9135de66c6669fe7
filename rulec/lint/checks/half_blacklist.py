"""Only one of the two modules with state matches is kept out.

iptables takes xt_conntrack for `-m state`, and xt_state when that cannot be
loaded (measured with iptables 1.8.9).  As long as one of them is there, a rule with
`-m state` loads, and has every packet tracked.
"""

from collections.abc import Iterator

from rulec.analysis.host import HostFacts, refuses
from rulec.diagnostics import Finding, Severity
from rulec.kernel.modules import plain
from rulec.lint.check import Check, Example

_OTHER = {"xt_conntrack": "xt_state", "xt_state": "xt_conntrack"}


def find(host: HostFacts) -> Iterator[Finding]:
    """Report the line for the one."""
    lines = [line for verb in ("blacklist", "install") for line in host.said(verb)]
    kept_out = {plain(line.name.text): line for line in lines if line.verb == "blacklist" or refuses(line)}
    if host.refused is not None or not host.kernel.by_rules:
        return
    for name, other in _OTHER.items():
        if name in kept_out and other not in kept_out:
            yield Finding(
                "half-blacklist",
                f"-m state is loaded all the same, through {other}",
                (kept_out[name].label(),),
                Severity.WARNING,
                hint=f"name {other}, too",
            )


CHECK = Check(
    slug="half-blacklist",
    group="host",
    severity=Severity.WARNING,
    summary="only one of the modules with state matches is kept out",
    why=__doc__,
    find_on_host=find,
    example=Example(
        bad="blacklist xt_conntrack\n",
        good="blacklist xt_conntrack\nblacklist xt_state\n",
        name="modprobe.d/conntrack.conf",
    ),
)
