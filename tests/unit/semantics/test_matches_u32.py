"""u32: which fields are read, and that nothing is claimed of other bytes."""

from __future__ import annotations

import pytest

from rulec.model import Family
from tests.unit.semantics.asking import ICMP, ICMPV6, TCP, UDP, Packet, holds, matched, place, space

WHOLE: Packet = {"later_fragment": 0, "more_fragments": 0}
EMBEDDED: Packet = {
    "inner_proto": 6, "inner_src": "10.0.0.2", "inner_dst": "10.0.0.1", "inner_sport": 80, "inner_dport": 4000,
}  # fmt: skip
EMBEDDED_V6: Packet = {**EMBEDDED, "inner_src": "2001:db8::2", "inner_dst": "2001:db8::1"}
ABOUT_WEB = "0>>22&0x3C@14&0xFF=6&&0>>22&0x3C@8>>22&0x3C@8>>16=80"
ABOUT_DNS = "0>>22&0x3C@14&0xFF=17&&0>>22&0x3C@8>>22&0x3C@8&0xFFFF=53"
ABOUT_WEB_V6 = "51&0xFF=6&&88>>16=80"

Case = tuple[str, Packet, bool | None]

IPV4: list[Case] = [
    ("0>>28=4", {}, True),
    ("0>>24&0xF=5", {}, None),
    ("0>>16&0xFF=0x10", {"tos": 0x10}, True),
    ("0&0xFFFF=0:60", {"length": 61}, False),
    ("2>>16=60", {"length": 60}, True),
    ("4&0x3FFF=0", WHOLE, True),
    ("4&0x1FFF=0", {"later_fragment": 0}, True),
    ("4&0x1FFF=0", {"later_fragment": 1}, False),
    ("4&0x1FFF=7", {"later_fragment": 1}, None),
    ("4&0x2000=0x2000", {"more_fragments": 1}, True),
    ("4&0x4000=0x4000", {}, None),
    ("5&0xFF=1:5", {"ttl": 5}, True),
    ("8>>24=1:5", {"ttl": 6}, False),
    ("6&0xFF=6,17", {"proto": 17}, True),
    ("6&0xFF=6,17", {"proto": 1}, False),
    ("12=0x0a000001", {"src": "10.0.0.1"}, True),
    ("16&0xFFFFFF00=0x0a000000", {"dst": "10.0.0.1"}, True),
    ("16<<24=0x01000000", {"dst": "10.0.0.1"}, True),
    ("0&0@16=0x0a000001", {"dst": "10.0.0.1"}, True),
    ("10>>16=0", {}, None),
    ("0=0:0xffffffff", {}, True),
    ("24=0:0xffffffff", {"length": 27}, False),
    ("24=0:0xffffffff", {"length": 28}, True),
    ("24=0:0xffffffff", {"length": 65535}, True),
    ("0>>22&0x3C@0>>16=80", {**TCP, "sport": 80}, True),
    ("0>>22&0x3C@0&0xFFFF=53", {**UDP, "dport": 54}, False),
    ("0>>22&0x3C@12>>16&0x02=2", {**TCP, "tcp_flags": 0x12}, True),
    ("0>>22&0x3C@0>>24=3,8", {**ICMP, "icmp_type": 8}, True),
    ("0>>22&0x3C@0>>16=0x0304", {**ICMP, "icmp_type": 3, "icmp_code": 3}, False),
    ("0>>22&0x3C@0=500", {"proto": 50, "later_fragment": 0, "spi": 500}, True),
    ("0>>22&0x3C@4=500", {"proto": 51, "later_fragment": 0, "ah_spi": 500}, True),
    ("0>>22&0x3C@12>>24=1", {"proto": 132, "later_fragment": 0, "sctp_chunk": 1}, True),
    ("0>>22&0x3C@8>>25&0xF=2", {"proto": 33, "later_fragment": 0, "dccp_type": 2}, True),
    ("0>>22&0x3C@0>>16=80", {"proto": 6, "later_fragment": 1}, None),
    ("0>>22&0x3C@0>>16=80", {"proto": 47, "later_fragment": 0}, None),
    ("0>>22&0x3C@4=1", TCP, None),
    ("0>>22&0x3C@20=0:0xffffffff", TCP, None),
    ("0>>22&0x3C@12>>26&0x3C@0=0", TCP, None),
    ("0>>22&0x3F@0>>16=80", {**TCP, "sport": 80}, None),
    ("12@0=0", {}, None),
    ("0>>32=0", {}, None),
]

ERRORS: list[Case] = [
    (ABOUT_WEB, EMBEDDED, True),
    (ABOUT_WEB, {**EMBEDDED, "inner_sport": 81}, False),
    (ABOUT_WEB, {**EMBEDDED, "inner_proto": 17}, False),
    (ABOUT_DNS, {**EMBEDDED, "inner_proto": 17, "inner_dport": 53}, True),
    (ABOUT_DNS, {**EMBEDDED, "inner_proto": 17, "inner_dport": 54}, False),
    ("0>>22&0x3C@20=0x0a000002&&0>>22&0x3C@24=0x0a000001", EMBEDDED, True),
    ("0>>22&0x3C@8>>22&0x3C@8>>16=80", {**EMBEDDED, "inner_proto": 1}, None),
    ("0>>22&0x3C@8>>28=4", EMBEDDED, True),
    ("0>>22&0x3C@12=1", EMBEDDED, None),
]

IPV6: list[Case] = [
    ("0>>28=6", {}, True),
    ("0>>20&0xFF=0x10", {"tos": 0x10}, True),
    ("0&0xFFFFF=0", {}, None),
    ("4>>16=20:28", {"length": 64}, True),
    ("4>>16=20:28", {"length": 69}, False),
    ("7>>24=5", {"ttl": 5}, True),
    ("8=0x20010db8", {"src": "2001:db8::1"}, True),
    ("36=1", {"dst": "2001:db8::1"}, True),
    ("3&0xFF=58", ICMPV6, True),
    ("3&0xFF=58", {**ICMPV6, "has_dst": 1}, None),
    ("40>>24=128", {**ICMPV6, "icmp_type": 128}, True),
    ("40>>24=128", {**ICMPV6, "has_frag": 1}, None),
    ("40>>16=80", {**ICMPV6, "proto": 6, "sport": 80}, True),
    ("60=0:0xffffffff", {**ICMPV6, "proto": 6, "length": 63}, False),
    ("0>>22&0x3C@0=1", {}, None),
]

ERRORS_V6: list[Case] = [
    (ABOUT_WEB_V6, EMBEDDED_V6, True),
    (ABOUT_WEB_V6, {**EMBEDDED_V6, "inner_sport": 81}, False),
    (ABOUT_WEB_V6, {**EMBEDDED_V6, "inner_proto": 17}, False),
    ("51&0xFF=6&&88&0xFFFF=4000", EMBEDDED_V6, True),
    ("56=0x20010db8&&84=1", EMBEDDED_V6, True),
]


def _opposite(expected: bool | None) -> bool | None:
    return None if expected is None else not expected


@pytest.mark.parametrize(("tests", "packet", "expected"), IPV4)
def test_what_stands_in_ipv4_packets(tests: str, packet: Packet, expected: bool | None) -> None:
    """With a ``!`` it is the opposite."""
    assert holds(f"-m u32 --u32 {tests}", packet) is expected
    assert holds(f"-m u32 ! --u32 {tests}", packet) is _opposite(expected)


@pytest.mark.parametrize(("tests", "packet", "expected"), IPV6)
def test_what_stands_in_ipv6_packets(tests: str, packet: Packet, expected: bool | None) -> None:
    """With a ``!`` it is the opposite."""
    assert holds(f"-m u32 --u32 {tests}", packet, Family.IPV6) is expected
    assert holds(f"-m u32 ! --u32 {tests}", packet, Family.IPV6) is _opposite(expected)


@pytest.mark.parametrize("kind", [3, 4, 5, 11, 12])
@pytest.mark.parametrize(("tests", "packet", "expected"), ERRORS)
def test_what_an_icmp_error_is_about(tests: str, packet: Packet, expected: bool | None, kind: int) -> None:
    assert holds(f"-p icmp -m u32 --u32 {tests}", {**ICMP, "icmp_type": kind, **packet}) is expected


@pytest.mark.parametrize("kind", [1, 2, 3, 4])
@pytest.mark.parametrize(("tests", "packet", "expected"), ERRORS_V6)
def test_what_an_icmpv6_error_is_about(tests: str, packet: Packet, expected: bool | None, kind: int) -> None:
    rule = f"-p ipv6-icmp -m u32 --u32 {tests}"
    assert holds(rule, {**ICMPV6, "icmp_type": kind, **packet}, Family.IPV6) is expected


def test_only_errors_embed_a_packet() -> None:
    for test in ABOUT_WEB.split("&&"):
        assert holds(f"-m u32 --u32 {test}", {**ICMP, "icmp_type": 8, **EMBEDDED}) is None
    for test in ABOUT_WEB_V6.split("&&"):
        assert holds(f"-m u32 --u32 {test}", {**ICMPV6, "icmp_type": 128, **EMBEDDED_V6}, Family.IPV6) is None


@pytest.mark.parametrize(
    ("rule", "family", "fields"),
    [
        (f"-p icmp --icmp-type 3 -m u32 --u32 {ABOUT_WEB}", Family.IPV4, {"proto": 1, "icmp_type": 3}),
        (f"-p ipv6-icmp --icmpv6-type 1 -m u32 --u32 {ABOUT_WEB_V6}", Family.IPV6, {**ICMPV6, "icmp_type": 1}),
    ],
)
def test_rules_for_errors_about_a_port_are_exact(rule: str, family: Family, fields: Packet) -> None:
    """They match those errors, and of packets without extension headers no others."""
    everything = space(family)
    expected = everything.everything - everything.flag("later_fragment")
    for name, value in {**fields, "inner_proto": 6, "inner_sport": 80}.items():
        expected &= everything.field(name).equals(int(value))
    plain = everything.everything
    for name in ("has_hop", "has_dst", "has_route", "has_frag", "has_auth") if family is Family.IPV6 else ():
        plain -= everything.flag(name)
    found = matched(rule, place(family))
    assert found.surely() & plain == found.possibly() & plain == expected


def test_the_same_bytes_have_the_same_value_in_two_rules() -> None:
    where = place()
    small, large = (matched(f"-m u32 --u32 {tests}", where) for tests in ("2&0xFFFF=0:9", "2&0xFFFF=10:0xFFFF"))
    assert small == ~large
