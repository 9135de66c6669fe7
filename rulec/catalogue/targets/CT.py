"""CT: say how connection tracking is to treat the packet, before it looks at it.

It stands in the table raw, which packets pass before they are tracked.
``--notrack`` leaves the packet out: it is UNTRACKED from then on, matches no
other state, and NAT passes it by; all other options are then ignored.  Without
``--notrack`` the rule has every packet of the family tracked, from the moment
it is loaded, even a bare ``-j CT``.  ``--notrack`` needs the module nf_conntrack
too, and has nothing tracked.  What one direction says does not hold for the
other: replies come through PREROUTING, our own packets through OUTPUT.

A zone keeps connections with equal addresses apart.  The kernel keeps one zone
a rule: of several zone options the last gives the number, and the directions
add up.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import IPV4, IPV6, Example, Extension, Given, Option, Setting, Tracking, Value
from rulec.catalogue.values.numbers import integer
from rulec.catalogue.values.text import choices, text
from rulec.model import Family
from rulec.model.protocols import TCP, UDP

EVENTS = ("new", "related", "destroy", "reply", "assured", "protoinfo", "helper", "mark", "natseqinfo", "secmark")

ZONES = {"--zone": "", "--zone-orig": "-orig", "--zone-reply": "-reply"}
"""The options that set the zone, and how a zone of one direction is printed."""

BY_MARK = "mark"

HELPERS: dict[str, tuple[int, ...]] = {
    "amanda": (UDP,), "ftp": (TCP,), "irc": (TCP,), "netbios-ns": (UDP,), "pptp": (TCP,), "Q.931": (TCP,),
    "RAS": (UDP,), "sane": (TCP,), "sip": (TCP, UDP), "snmp": (UDP,), "snmp_trap": (UDP,), "tftp": (UDP,),
}  # fmt: skip
"""The kernel's helpers and the protocols of each (nf_conntrack_*.c, tried on Linux 6.18)."""

DAEMON_HELPERS = frozenset(("dhcpv6", "mdns", "rpc", "slp", "ssdp", "tns"))
"""Helpers that conntrackd brings, which must run before the ruleset is loaded."""

IPV4_HELPERS = frozenset(("irc", "netbios-ns", "pptp", "snmp", "snmp_trap"))


def _read_zone(family: Family, word: str) -> int | str:
    return BY_MARK if word.lower() == BY_MARK else integer(word, 0, 65535)


ZONE = Value(("ZONE",), "the number of a zone, or mark", _read_zone)
"""A zone, or that the packet's mark is its number."""


def _save(given: Given) -> Iterator[str]:
    if "--notrack" in given:
        yield "--notrack"
    for option in ("--helper", "--timeout"):
        if given.get(option):
            yield from (option, given.get(option))
    for option in ("--ctevents", "--expevents"):
        if option in given:
            yield from (option, ",".join(given.get(option)))
    yield from _saved_zone(given)


def _saved_zone(given: Given) -> Iterator[str]:
    """The zone as the kernel holds it: one number, a flag for the mark, a flag for each direction."""
    number, by_mark = 0, False
    for use in given:
        if use.option in ZONES:
            by_mark |= use.value == BY_MARK
            number = 0 if use.value == BY_MARK else use.value
    if not by_mark and not number:
        return
    directions = [ending for name, ending in ZONES.items() if ending and name in given]
    yield "--zone" + (directions[0] if len(directions) == 1 else "")
    yield BY_MARK if by_mark else str(number)


def _kernel_check(given: Given, setting: Setting) -> None:
    if "--notrack" in given:
        return
    helper, timeout = given.get("--helper"), given.get("--timeout")
    if (helper or timeout) and (not setting.protocol or setting.protocol_negated):
        raise ValueError("a helper or a timeout policy needs -p in the same rule")
    if helper:
        _check_helper(helper, setting)


def _check_helper(name: str, setting: Setting) -> None:
    if name in DAEMON_HELPERS:
        return
    if name not in HELPERS:
        raise ValueError(f"neither the kernel nor conntrackd has a helper {name!r}")
    if setting.protocol not in HELPERS[name]:
        raise ValueError(f"the helper {name} is for another protocol")
    if name in IPV4_HELPERS and setting.family is Family.IPV6:
        raise ValueError(f"the helper {name} is for IPv4 alone")


def _tracking(given: Given) -> Tracking:
    return Tracking.LOADS if "--notrack" in given else Tracking.TRACKS


EXTENSION = Extension(
    name="CT",
    summary="say how connection tracking is to treat the packet, before it looks at it",
    modules=("xt_CT", "nf_conntrack"),
    tracking=Tracking.TRACKS,
    tracking_of=_tracking,
    tables=("raw",),
    options=(
        Option("--notrack"),
        Option("--helper", text(limit=15, show=str)),
        Option("--timeout", text(limit=31, show=str)),
        Option("--ctevents", choices(EVENTS, "an event of connection tracking", ignore_case=False)),
        Option("--expevents", choices(("new",), "an event of expectations", ignore_case=False)),
        Option("--zone-orig", ZONE),
        Option("--zone-reply", ZONE),
        Option("--zone", ZONE),
    ),
    save=_save,
    kernel_check=_kernel_check,
    valid=(
        Example("-j CT", table="raw", chain="PREROUTING"),
        Example("-j CT --notrack", table="raw", chain="OUTPUT"),
        Example("-p tcp -j CT --helper ftp", table="raw", chain="PREROUTING"),
        Example("-p udp -j CT --helper netbios-ns", table="raw", chain="OUTPUT", families=IPV4),
        Example("-j CT --notrack --timeout slow --helper none", table="raw", chain="PREROUTING",
                saved="-j CT --notrack --helper none --timeout slow"),
        Example("-j CT --ctevents secmark,new,new --expevents new", table="raw", chain="PREROUTING",
                saved="-j CT --ctevents new,secmark --expevents new"),
        Example("-j CT --zone 0x10", saved="-j CT --zone 16", table="raw", chain="PREROUTING"),
        Example("-j CT --zone 0", saved="-j CT", table="raw", chain="PREROUTING"),
        Example("-j CT --zone-orig MARK", saved="-j CT --zone-orig mark", table="raw", chain="PREROUTING"),
        Example("-j CT --zone-orig 1 --zone-reply 2", saved="-j CT --zone 2", table="raw", chain="PREROUTING"),
    ),
    invalid=(
        Example("-j CT --zone 65536", table="raw", chain="PREROUTING"),
        Example("-j CT --zone -1", table="raw", chain="PREROUTING"),
        Example("-j CT --ctevents New", table="raw", chain="PREROUTING"),
        Example("-j CT --expevents new,helper", table="raw", chain="PREROUTING"),
        Example("-j CT --notrack --notrack", table="raw", chain="PREROUTING"),
    ),
    refused=(
        Example("-j CT --notrack", table="mangle", chain="PREROUTING"),
        Example("-j CT --helper ftp", table="raw", chain="PREROUTING"),
        Example("-p udp -j CT --helper ftp", table="raw", chain="PREROUTING"),
        Example("! -p tcp -j CT --helper ftp", table="raw", chain="PREROUTING"),
        Example("-p tcp -j CT --helper tfp", table="raw", chain="PREROUTING"),
        Example("-p tcp -j CT --helper irc", table="raw", chain="PREROUTING", families=IPV6),
        Example("-j CT --timeout slow", table="raw", chain="PREROUTING"),
        "-j CT --notrack",
    ),
)  # fmt: skip
