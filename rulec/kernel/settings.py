"""The sysctl settings of connection tracking, and how long entries live by default.

The names are those of Linux 6.18 and 5.10, as the kernel lists them.  It is inferred
that el5 to el7 know them with the prefixes of :mod:`rulec.kernel.generations`.
"""

from __future__ import annotations

import re

from rulec.kernel.generations import NEW, OLD, Helpers, Kernel

TIMEOUTS = {
    "generic_timeout": 600, "gre_timeout": 30, "gre_timeout_stream": 180, "icmp_timeout": 30, "icmpv6_timeout": 30,
    "tcp_timeout_close": 10, "tcp_timeout_close_wait": 60, "tcp_timeout_established": 432000,
    "tcp_timeout_fin_wait": 120, "tcp_timeout_last_ack": 30, "tcp_timeout_max_retrans": 300,
    "tcp_timeout_syn_recv": 60, "tcp_timeout_syn_sent": 120, "tcp_timeout_time_wait": 120,
    "tcp_timeout_unacknowledged": 300, "udp_timeout": 30, "udp_timeout_stream": 120,
}  # fmt: skip
"""Seconds that an entry lives without a packet, by the setting behind the prefix (Linux 6.18)."""

LONGER_BEFORE_5 = {"udp_timeout_stream": 180}
"""What was otherwise before Linux 5.0 (changed in December 2018)."""

SETTINGS = frozenset(TIMEOUTS) | frozenset(
    "acct buckets checksum count events expect_max frag6_high_thresh frag6_low_thresh frag6_timeout helper"
    " log_invalid max sctp_timeout_closed sctp_timeout_cookie_echoed sctp_timeout_cookie_wait"
    " sctp_timeout_established sctp_timeout_heartbeat_acked sctp_timeout_heartbeat_sent"
    " sctp_timeout_shutdown_ack_sent sctp_timeout_shutdown_recd sctp_timeout_shutdown_sent tcp_be_liberal"
    " tcp_ignore_invalid_rst tcp_loose tcp_max_retrans timestamp udplite_timeout udplite_timeout_stream"
    " dccp_loose dccp_timeout_closereq dccp_timeout_closing dccp_timeout_open dccp_timeout_partopen"
    " dccp_timeout_request dccp_timeout_respond dccp_timeout_timewait events_retry_timeout tcp_timeout_syn_sent2"
    " tcp_no_window_check skip_filter".split()
)
"""All that some kernel had behind the prefix."""

OTHER_NAMES = ("net.nf_conntrack_max", "net.ipv4.ip_conntrack_max")
"""More names of the largest number of entries; the second is that of el5 to el7."""

_MEANT = re.compile(r"conntrack|(?:nf|ip)_ct_|\b(?:ip_)?(?:tcp|udp|icmp|generic)_timeout")


def dotted(name: str) -> str:
    """A setting's name with dots: sysctl takes slashes, too."""
    return name.replace("/", ".") if "/" in name.partition(".")[0] else name


def concerns_tracking(name: str) -> bool:
    """Whether whoever wrote the name means connection tracking."""
    return name.startswith("net.") and not name.startswith("net.ipv4.vs.") and _MEANT.search(name) is not None


def setting(name: str) -> str:
    """The part of a name behind the prefix, such as ``max``; empty where it is no setting of any kernel."""
    if name in OTHER_NAMES:
        return "max"
    rest = next((name.removeprefix(prefix) for prefix in (NEW, OLD) if name.startswith(prefix)), "")
    return rest if rest in SETTINGS else ""


def exists(name: str, kernel: Kernel) -> bool:
    """Whether the kernel has the setting, once connection tracking is loaded."""
    if name in OTHER_NAMES:
        return (NEW, OLD)[OTHER_NAMES.index(name)] in kernel.settings
    found = setting(name)
    return bool(found) and any(name.startswith(prefix) for prefix in kernel.settings) and found not in _gone(kernel)


def right_name(name: str, kernel: Kernel) -> str:
    """The name that was meant and that the kernel has; empty where none is close."""
    last = re.sub(r"^(?:nf|ip)_(?:conntrack|ct)_|^(?:nf|ip)_", "", name.rsplit(".", 1)[-1])
    return kernel.settings[0] + last if last in SETTINGS and last not in _gone(kernel) else ""


def default_timeout(name: str, kernel: Kernel) -> int | None:
    """The seconds that the kernel takes by itself for a timeout, which is named without its prefix."""
    if kernel.version < (5, 0) and name in LONGER_BEFORE_5:
        return LONGER_BEFORE_5[name]
    return TIMEOUTS.get(name)


def _gone(kernel: Kernel) -> frozenset[str]:
    """Settings that later kernels have lost, or earlier ones did not have yet (commit 72110dfaa907, in 3.5)."""
    has_helper = kernel.helpers is not Helpers.NEVER and kernel.version >= (3, 5)
    return frozenset() if has_helper else frozenset(("helper",))
