"""Types and codes of ICMP and ICMPv6, by number or by iptables' names."""

from __future__ import annotations

from collections.abc import Mapping

from rulec.catalogue.extension import Value
from rulec.catalogue.values.numbers import integer
from rulec.model import Family

IcmpType = tuple[int, int, int]
"""Type, first code and last code."""

ANY_TYPE: IcmpType = (255, 0, 255)
"""Every ICMP packet: what ``any`` means for IPv4, and what the kernel makes of type 255."""


def _whole(**names: int) -> dict[str, IcmpType]:
    return {name.replace("_", "-"): (number, 0, 255) for name, number in names.items()}


def _codes(number: int, **names: int) -> dict[str, IcmpType]:
    return {name.replace("_", "-"): (number, code, code) for name, code in names.items()}


ICMP_NAMES: Mapping[str, IcmpType] = {
    "any": ANY_TYPE,
    **_whole(echo_reply=0, pong=0, destination_unreachable=3),
    **_codes(
        3, network_unreachable=0, host_unreachable=1, protocol_unreachable=2, port_unreachable=3,
        fragmentation_needed=4, source_route_failed=5, network_unknown=6, host_unknown=7, network_prohibited=9,
        host_prohibited=10, TOS_network_unreachable=11, TOS_host_unreachable=12, communication_prohibited=13,
        host_precedence_violation=14, precedence_cutoff=15,
    ),
    **_whole(source_quench=4, redirect=5),
    **_codes(5, network_redirect=0, host_redirect=1, TOS_network_redirect=2, TOS_host_redirect=3),
    **_whole(echo_request=8, ping=8, router_advertisement=9, router_solicitation=10, time_exceeded=11, ttl_exceeded=11),
    **_codes(11, ttl_zero_during_transit=0, ttl_zero_during_reassembly=1),
    **_whole(parameter_problem=12),
    **_codes(12, ip_header_bad=0, required_option_missing=1),
    **_whole(timestamp_request=13, timestamp_reply=14, address_mask_request=17, address_mask_reply=18),
}  # fmt: skip
"""The names of ``--icmp-type`` (``iptables -p icmp -h``)."""

ICMPV6_NAMES: Mapping[str, IcmpType] = {
    **_whole(destination_unreachable=1),
    **_codes(
        1, no_route=0, communication_prohibited=1, beyond_scope=2, address_unreachable=3, port_unreachable=4,
        failed_policy=5, reject_route=6,
    ),
    **_whole(packet_too_big=2, time_exceeded=3, ttl_exceeded=3),
    **_codes(3, ttl_zero_during_transit=0, ttl_zero_during_reassembly=1),
    **_whole(parameter_problem=4),
    **_codes(4, bad_header=0, unknown_header_type=1, unknown_option=2),
    **_whole(
        echo_request=128, ping=128, echo_reply=129, pong=129, router_solicitation=133, router_advertisement=134,
        neighbour_solicitation=135, neighbor_solicitation=135, neighbour_advertisement=136, neighbor_advertisement=136,
        redirect=137,
    ),
}  # fmt: skip
"""The names of ``--icmpv6-type`` (``ip6tables -p ipv6-icmp -h``)."""


def _octets(text: str) -> tuple[int, int]:
    """``3`` or ``3:5``."""
    first, colon, last = text.partition(":")
    low = integer(first, 0, 255)
    return low, integer(last, 0, 255) if colon else low


def _numbered(text: str) -> IcmpType:
    kind, slash, code = text.partition("/")
    first, last = _octets(kind)
    if first != last:
        raise ValueError(f"{kind} is a range, and a rule takes one type only")
    return (first, *_octets(code)) if slash else (first, 0, 255)


def _named(names: Mapping[str, IcmpType], text: str) -> IcmpType:
    """The type of a name, or of the one name that begins so."""
    found = [name for name in names if name.lower().startswith(text.lower())]
    if not found:
        raise ValueError(f"{text!r} is neither a number nor the name of a known type")
    if len(found) > 1:
        raise ValueError(f"{text!r} may mean {' or '.join(found)}")
    return names[found[0]]


def _show(value: IcmpType) -> str:
    kind, first, last = value
    return str(kind) if (first, last) == (0, 255) else f"{kind}/{first}"


def _read_icmp(family: Family, text: str) -> IcmpType:
    value = _numbered(text) if text.lstrip(" \t+")[:1].isdigit() else _named(ICMP_NAMES, text)
    return ANY_TYPE if value[0] == ANY_TYPE[0] else value


def _read_icmpv6(family: Family, text: str) -> IcmpType:
    return _numbered(text) if text.lstrip(" \t+")[:1].isdigit() else _named(ICMPV6_NAMES, text)


ICMP_TYPE = Value(
    ("ICMP_TYPE",),
    "an ICMP type, type/code or name",
    _read_icmp,
    lambda value: "any" if value == ANY_TYPE else _show(value),
)
"""Type and codes of ICMP for IPv4; iptables-save prints only the first of several codes."""

ICMPV6_TYPE = Value(("ICMP_TYPE",), "an ICMPv6 type, type/code or name", _read_icmpv6, _show)
"""Type and codes of ICMPv6; 255 is a type like others here."""
