"""A restart of the firewall takes back what sysctl has set.

With `IPTABLES_MODULES_UNLOAD="yes"` the init script unloads connection tracking when it
stops or restarts, and loads it anew: nf_conntrack_max and all other settings of the
module are the kernel's defaults again, until sysctl runs the next time (measured: unloading
resets them).  "no" leaves the module where it is.
"""

from collections.abc import Iterator

from rulec.analysis.host import HostFacts
from rulec.config.file import Kind
from rulec.diagnostics import Edit, Finding, Fix, Label, Safety, Severity
from rulec.lint.check import Check, Example


def find(host: HostFacts) -> Iterator[Finding]:
    """Report the variable, with the first setting that is lost."""
    lost = next((line for _, line in host.settings()), None)
    variables = {line.name.text for line in host.said("set", Kind.IPTABLES) if line.value.text}
    if lost is None or any(name.endswith("SYSCTL_LOAD_LIST") for name in variables):
        return
    for line in host.said("set", Kind.IPTABLES):
        if line.name.text in ("IPTABLES_MODULES_UNLOAD", "IP6TABLES_MODULES_UNLOAD") and line.value.text == "yes":
            labels = (line.label(), Label(lost.source, lost.span, "lost at a restart"))
            fix = Fix("say no", (Edit(line.value.span, "no"),), Safety.UNSAFE)
            message = f"a restart unloads {host.kernel.core}, and its settings are the defaults again"
            yield Finding("settings-lost", message, labels, Severity.WARNING, fix=fix)


CHECK = Check(
    slug="settings-lost",
    group="host",
    severity=Severity.WARNING,
    summary="a restart of the firewall takes back what sysctl has set",
    why=__doc__,
    find_on_host=find,
    example=Example(
        bad='IPTABLES_MODULES_UNLOAD="yes"\n',
        good='IPTABLES_MODULES_UNLOAD="no"\n',
        name="sysconfig/iptables-config",
        beside="net.netfilter.nf_conntrack_max = 262144\n",
        kernel="el7",
    ),
)
