"""A module has every packet tracked, without any rule.

Up to Linux 4.13 it is enough that a module of connection tracking is loaded: a host
without a single stateful rule fills its table because of one name in a list.  The
init script of RHEL 5 loads ip_conntrack_netbios_ns by default, and that loads
ip_conntrack.  Since Linux 5.1 the parameter `enable_hooks=1` of nf_conntrack does the
same.  So does openvswitch, without any bridge, up to Linux 6.11 (measured: it does on
5.10 and 6.1, and does not on 6.12).
"""

from collections.abc import Iterator

from rulec.analysis.host import HostFacts
from rulec.diagnostics import Finding, Severity
from rulec.kernel.modules import is_switch, tracked_on_loading
from rulec.lint.check import Check, Example
from rulec.lint.repairs import unlisted


def find(host: HostFacts) -> Iterator[Finding]:
    """Report each module in a list, unless a ruleset has the same packets tracked; and the parameter."""
    for module in host.loads():
        families = [it for it in tracked_on_loading(module.name.text, host.kernel) if not host.needed(it)]
        if families:
            packets = " and ".join(family.label for family in families)
            where = "up to Linux 6.11" if is_switch(module.name.text) else f"on {host.kernel.title}"
            yield Finding(
                "module-tracks",
                f"loading {module.name.text} has every {packets} packet tracked {where}",
                (module.label(),),
                Severity.WARNING,
                fix=unlisted(module),
            )
    if host.always:
        message = "enable_hooks has every packet tracked as soon as anything loads nf_conntrack"
        yield Finding("module-tracks", message, (host.always,), Severity.WARNING)


CHECK = Check(
    slug="module-tracks",
    group="host",
    severity=Severity.WARNING,
    summary="a module has every packet tracked, without any rule",
    why=__doc__,
    find_on_host=find,
    example=Example(
        bad='IPTABLES_MODULES="ip_conntrack_netbios_ns"\n',
        good='IPTABLES_MODULES=""\n',
        name="sysconfig/iptables-config",
        beside="*filter\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n",
        kernel="el5",
    ),
)
