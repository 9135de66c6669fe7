"""The kernel generations that differ in connection tracking, each a value with its facts.

What is said of Linux 5.10, 6.1, 6.12 and 6.18 was measured.  All else is inferred: from
sources, from commits, and from what users of these distributions printed; what Red Hat
changed in its own kernels was not looked through.  Each value says it of itself, and
``docs/kernels.md`` of all.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from rulec.model import Family

BOTH = (Family.IPV4, Family.IPV6)


class Helpers(Enum):
    """When a connection gets a helper by its port alone, without a rule ``-j CT --helper``."""

    ALWAYS = "always"
    WHEN_ASKED = "when nf_conntrack_helper is 1"  # off by default since 4.7 (commit 3bb398d925ec)
    NEVER = "never"  # the setting is gone since 6.0 (commit b118509076b3)


class Kernel(NamedTuple):
    """One generation.

    ``version`` is the oldest Linux that is meant.  ``core`` is the module with the
    table of connections.  ``hooks`` are the modules that track every packet of a
    family as soon as they are loaded: up to 2.6.21 the core itself
    (ip_conntrack_standalone.c), up to 4.13 one for each family, since 4.14 none
    (commit 4d3a57f23dec).  ``tracked`` are the families that can be tracked.
    ``merged`` says whether the modules of the families are part of nf_conntrack
    (4.19, commit a0ae2562c6c4), None where a generation has both.  ``enable_hooks``
    says whether nf_conntrack has the parameter that tracks without rules (5.1,
    commit ba3fbe663635).  ``settings`` are the beginnings of the sysctl names.
    ``buckets`` is the most that the kernel takes by itself, ``entry`` the octets of
    one entry (slab).  ``measured`` are the kernels on which the facts were tried,
    ``inferred`` says from what the others come, and where rulec may be wrong.
    """

    name: str
    title: str
    version: tuple[int, ...]
    core: str
    hooks: dict[str, Family]
    tracked: tuple[Family, ...]
    merged: bool | None
    enable_hooks: bool
    helpers: Helpers
    settings: tuple[str, ...]
    buckets: int
    entry: int
    measured: tuple[str, ...]
    inferred: str

    def tracked_by_nat_table(self, family: Family) -> Family | None:
        """What is tracked as soon as there is a nat table of a family, with or without rules."""
        if self.core in self.hooks:
            return self.hooks[self.core]
        return self.hooks.get("iptable_nat" if family is Family.IPV4 else "ip6table_nat")

    @property
    def by_rules(self) -> bool:
        """Whether packets are tracked only because of rules, and not because a module is loaded."""
        return not self.hooks


OLD, NEW = "net.ipv4.netfilter.ip_conntrack_", "net.netfilter.nf_conntrack_"

CURRENT = Kernel(
    name="6.x",
    title="Linux 6",
    version=(6, 0),
    core="nf_conntrack",
    hooks={},
    tracked=BOTH,
    merged=True,
    enable_hooks=True,
    helpers=Helpers.NEVER,
    settings=(NEW,),
    buckets=262144,
    entry=256,
    measured=("6.1", "6.12", "6.18"),
    inferred="openvswitch tracks up to 6.11, as it did on 6.1 and no more on 6.12 (a patch of August 2024).",
)

_LINUX_5 = CURRENT._replace(
    name="5.x",
    title="Linux 5",
    version=(5, 0),
    helpers=Helpers.WHEN_ASKED,
    entry=320,
    measured=("5.10",),
    inferred="The buckets are those since 5.15 (commit d532bcd0b269); 5.10 takes 65536.",
)

_EL9 = _LINUX_5._replace(
    name="el9",
    title="RHEL 9 (Linux 5.14)",
    version=(5, 14),
    buckets=65536,
    measured=(),
    inferred="From Linux 5.10 and 6.1, which were measured and agree, but for the size of entries and of the table,"
    " which are those of 5.10; newer releases may have the patch that keeps openvswitch from tracking.",
)

_LINUX_4 = _EL9._replace(
    name="4.14",
    title="Linux 4.14 to 4.20",
    version=(4, 14),
    merged=None,
    enable_hooks=False,
    inferred="From commits: rules switch tracking on since 4d3a57f23dec (4.14).  Some did not yet, of which rulec says"
    " that they do: MASQUERADE for IPv6 before 4.15, `-m cluster` before 4.19, openvswitch before 4.18.",
)

_EL8 = _LINUX_4._replace(
    name="el8",
    title="RHEL 8 (Linux 4.18)",
    version=(4, 18),
    inferred="From commits for 4.18, and from lists of modules that users printed: 8.0 to 8.2 have a module for each"
    " family, 8.3 and later do not.",
)

_EL7 = _EL8._replace(
    name="el7",
    title="RHEL 7 (Linux 3.10)",
    version=(3, 10),
    # ip_conntrack is an alias of nf_conntrack_ipv4 until the families were merged (nf_conntrack_l3proto_ipv4.c)
    hooks={
        **dict.fromkeys(("ip_conntrack", "nf_conntrack_ipv4", "iptable_nat", "nf_nat_ipv4"), Family.IPV4),
        **dict.fromkeys(("nf_conntrack_ipv6", "ip6table_nat", "nf_nat_ipv6"), Family.IPV6),
    },
    merged=False,
    helpers=Helpers.ALWAYS,
    settings=(NEW, OLD),
    inferred="From its sources, and from lists of modules that users printed.  The modules of the families track as"
    " soon as they are loaded, and rules have them loaded.",
)

_EL6 = _EL7._replace(
    name="el6",
    title="RHEL 6 (Linux 2.6.32)",
    version=(2, 6, 32),
    hooks={
        **dict.fromkeys(("ip_conntrack", "nf_conntrack_ipv4", "iptable_nat", "nf_nat"), Family.IPV4),
        "nf_conntrack_ipv6": Family.IPV6,
    },
    buckets=16384,
    inferred="From the sources of Linux 2.6.32, and from lists of modules that users printed.",
)

_EL5 = _EL6._replace(
    name="el5",
    title="RHEL 5 (Linux 2.6.18)",
    version=(2, 6, 18),
    core="ip_conntrack",
    hooks={"ip_conntrack": Family.IPV4},
    tracked=(Family.IPV4,),
    settings=(OLD,),
    buckets=8192,
    entry=304,
    inferred="From the sources of Linux 2.6.18, and from lists of modules and of slabs that users printed.",
)

KERNELS = {kernel.name: kernel for kernel in (CURRENT, _LINUX_5, _LINUX_4, _EL5, _EL6, _EL7, _EL8, _EL9)}
"""All, by the name by which they are asked for."""
