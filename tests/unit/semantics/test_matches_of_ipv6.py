"""What the matches ask of IPv6 packets: extension headers, addresses, and what is otherwise than for IPv4."""

from __future__ import annotations

import pytest

from rulec.model import Family
from tests.unit.semantics.asking import ICMPV6, Packet, holds, matched, place

NO_HEADERS: Packet = {"has_hop": 0, "has_dst": 0, "has_route": 0, "has_frag": 0, "has_auth": 0, "proto": 6}
HOP: Packet = {**NO_HEADERS, "has_hop": 1, "hop_len": 0}
DST: Packet = {**NO_HEADERS, "has_dst": 1, "dst_len": 1}
RT: Packet = {**NO_HEADERS, "has_route": 1, "rt_type": 0, "rt_left": 1, "rt_len": 2}
AH: Packet = {**NO_HEADERS, "has_auth": 1, "ah_spi": 500, "ah_len": 4, "ah_reserved": 0}
FIRST: Packet = {
    **NO_HEADERS, "has_frag": 1, "frag_id": 77, "frag_reserved": 0, "later_fragment": 0, "more_fragments": 1,
}  # fmt: skip
LAST: Packet = {**FIRST, "later_fragment": 1, "more_fragments": 0, "frag_reserved": 5}
MULTICAST: Packet = {"dst": "ff02::1", "dst_type": "MULTICAST"}
HOST: Packet = {"dst": "2001:db8::1", "dst_type": "LOCAL"}

Case = tuple[str, Packet, bool | None]

HEADERS: list[Case] = [
    ("-p ipv6-icmp --icmpv6-type 1/4", {**ICMPV6, "icmp_type": 1, "icmp_code": 4}, True),
    ("-p ipv6-icmp ! --icmpv6-type 1", {**ICMPV6, "icmp_type": 1}, False),
    ("-p ipv6-icmp --icmpv6-type 255", {**ICMPV6, "icmp_type": 1}, False),
    ("-p ipv6-icmp ! --icmpv6-type 1", {"proto": 58, "later_fragment": 1}, False),
    ("-m hl --hl-eq 255", {"ttl": 255}, True),
    ("-m hl ! --hl-eq 255", {"ttl": 255}, False),
    ("-m hl --hl-lt 5", {"ttl": 5}, False),
    ("-m hl --hl-gt 4", {"ttl": 5}, True),
    ("-m length --length 40:60", {"length": 60}, True),
    ("-m dscp --dscp 0x2e", {"tos": 0xBB}, True),
    ("-m iprange --src-range 2001:db8::1-2001:db8::ff", {"src": "2001:db8::100"}, False),
    ("-m hbh", HOP, True),
    ("-m hbh", DST, False),
    ("-m hbh --hbh-len 8", HOP, True),
    ("-m hbh ! --hbh-len 8", HOP, False),
    ("-m hbh ! --hbh-len 9", HOP, True),
    ("-m hbh ! --hbh-len 8", NO_HEADERS, False),
    ("-m hbh --hbh-len 16 --hbh-opts 1", HOP, False),
    ("-m hbh --hbh-opts 1", HOP, None),
    ("-m hbh --hbh-opts 1", NO_HEADERS, False),
    ("-m dst --dst-len 16", DST, True),
    ("-m dst --dst-len 0", DST, False),
    ("-m dst --dst-opts 1", DST, None),
    ("-m rt --rt-type 0 --rt-segsleft 1:3 --rt-len 24", RT, True),
    ("-m rt ! --rt-type 0", RT, False),
    ("-m rt --rt-type 300", RT, False),
    ("-m rt ! --rt-segsleft 1:3", RT, False),
    ("-m rt ! --rt-len 24", RT, False),
    ("-m rt ! --rt-type 2", NO_HEADERS, False),
    ("-m rt --rt-type 0 --rt-0-res", RT, None),
    ("-m rt --rt-type 0 --rt-0-addrs ::1 --rt-0-not-strict", RT, None),
    ("-m rt --rt-type 0 --rt-0-addrs ::1", NO_HEADERS, False),
    ("-m ah --ahspi 500 --ahlen 24 --ahres", AH, True),
    ("-m ah ! --ahspi 500", AH, False),
    ("-m ah ! --ahlen 24", AH, False),
    ("-m ah --ahlen 25", AH, False),
    ("-m ah --ahlen 0", AH, True),
    ("-m ah ! --ahlen 0", AH, True),
    ("-m ah --ahres", {**AH, "ah_reserved": 5}, False),
    ("-m ah ! --ahspi 1", NO_HEADERS, False),
    ("-m frag --fragid 77 --fragfirst --fragmore --fragres", FIRST, True),
    ("-m frag ! --fragid 77", FIRST, False),
    ("-m frag --fraglast", FIRST, False),
    ("-m frag --fraglast", LAST, True),
    ("-m frag --fragfirst", LAST, False),
    ("-m frag --fragres", LAST, False),
    ("-m frag ! --fragid 1", NO_HEADERS, False),
    ("-p mobility-header -m mh --mh-type 5", {"proto": 135, "later_fragment": 0, "mh_type": 5}, True),
    ("-p mobility-header -m mh ! --mh-type 5", {"proto": 135, "later_fragment": 0, "mh_type": 5}, False),
    ("-p mobility-header -m mh ! --mh-type 5", {"proto": 135, "later_fragment": 1}, False),
]

ALL_OF_THEM: list[Case] = [
    ("--header hop-by-hop", HOP, False),
    ("--header hop-by-hop,prot", HOP, True),
    ("! --header hop-by-hop,prot", HOP, False),
    ("! --header hop-by-hop", HOP, True),
    ("--header hop-by-hop --soft", HOP, True),
    ("! --header hop-by-hop --soft", HOP, False),
    ("--header hop,dst --soft", HOP, False),
    ("! --header hop,dst --soft", HOP, False),
    ("! --header hop,dst --soft", RT, True),
    ("--header route,prot", RT, True),
    ("--header frag,prot", FIRST, True),
    ("--header auth,prot", AH, True),
    ("--header auth,esp", {**AH, "proto": 50}, True),
    ("--header none", {**NO_HEADERS, "proto": 59}, True),
    ("--header prot --soft", {**NO_HEADERS, "proto": 59}, False),
    ("--header prot", NO_HEADERS, True),
]

ADDRESSES: list[Case] = [
    ("--dst-type LOCAL", HOST, True),
    ("--dst-type UNICAST", HOST, True),
    ("--dst-type UNICAST,LOCAL", HOST, True),
    ("--dst-type UNICAST,LOCAL", {**HOST, "dst_type": "UNICAST"}, False),
    ("--dst-type LOCAL,MULTICAST", HOST, False),
    ("! --dst-type LOCAL,MULTICAST", HOST, True),
    ("--dst-type ANYCAST,UNREACHABLE", {**HOST, "dst_type": "UNREACHABLE"}, True),
    ("--dst-type MULTICAST", MULTICAST, True),
    ("--dst-type UNICAST", MULTICAST, False),
    ("--src-type UNSPEC", {"src": "::"}, True),
    ("--src-type UNICAST", {"src": "::"}, False),
    ("--src-type UNICAST", {"src": "::1"}, True),
    ("--src-type UNICAST", {"src": "::192.0.2.1"}, True),
    ("--src-type UNICAST", {"src": "::ffff:0.0.0.0"}, False),
    ("--src-type UNICAST", {"src": "::ffff:255.255.255.255"}, False),
    ("! --src-type UNICAST --dst-type MULTICAST", {**MULTICAST, "src": "::"}, True),
    ("--src-type UNICAST,MULTICAST", {}, False),
    ("--dst-type LOCAL --limit-iface-in", HOST, None),
]


@pytest.mark.parametrize(("rule", "packet", "expected"), HEADERS)
def test_whether_a_rule_matches_a_packet(rule: str, packet: Packet, expected: bool | None) -> None:
    assert holds(rule, packet, Family.IPV6) is expected


@pytest.mark.parametrize(("options", "packet", "expected"), ALL_OF_THEM)
def test_which_extension_headers_match(options: str, packet: Packet, expected: bool) -> None:
    assert holds(f"-m ipv6header {options}", packet, Family.IPV6) is expected


@pytest.mark.parametrize(("options", "packet", "expected"), ADDRESSES)
def test_types_of_addresses_are_conjoined(options: str, packet: Packet, expected: bool | None) -> None:
    assert holds(f"-m addrtype {options}", packet, Family.IPV6) is expected


def test_the_length_of_a_fragment_is_never_looked_at() -> None:
    where = place(Family.IPV6)
    assert matched("-m frag --fraglen 5", where) == matched("-m frag ! --fraglen 5", where) == matched("-m frag", where)


def test_what_one_header_says_is_not_what_the_other_says() -> None:
    """A packet has an index of its authentication header, and another of what that one protects."""
    packet: Packet = {**AH, "proto": 50, "later_fragment": 0, "spi": 900}
    assert holds("-p esp -m ah --ahspi 500 -m esp --espspi 900", packet, Family.IPV6) is True
