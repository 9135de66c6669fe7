"""The configuration that keeps connection tracking off: only where no rule would fail for it.

``install nf_conntrack /bin/false`` is the one line that keeps it out, whoever asks; ``blacklist`` does not,
since nf_conntrack comes as a dependency (measured on Linux 5.10, 6.1 and 6.12 with kmod 30).  A ruleset that
needs the module then does not load, and a host whose policy was DROP is open.
"""

from __future__ import annotations

from rulec.kernel.generations import Kernel

IPTABLES_CONFIG = "sysconfig/iptables-config"
MODPROBE = "modprobe.d/no-conntrack.conf"


def refused_modules(kernel: Kernel) -> tuple[str, ...]:
    """The modules that must not be loaded: the core, and on kernels that have one for each family, those."""
    families = ("nf_conntrack_ipv4", "nf_conntrack_ipv6") if not kernel.merged and kernel.core == "nf_conntrack" else ()
    return (kernel.core, *families)


def files(kernel: Kernel) -> tuple[tuple[str, str], ...]:
    """What goes below /etc; iptables-config is of Red Hat's init script."""
    why = "# All of connection tracking needs this; what cannot load it fails with a message.\n"
    lines = "".join(f"install {name} /bin/false\n" for name in refused_modules(kernel))
    found = ((MODPROBE, why + lines),)
    if kernel.name.startswith("el"):
        config = '# No module is loaded beside those that the rules need.\nIPTABLES_MODULES=""\n'
        return (*found, (IPTABLES_CONFIG, config))
    return found
