"""One packet: its text, what is wrong with a text, and the set that it stands for."""

from __future__ import annotations

import pytest

from rulec.packetset.fields import FLAGS, TRACKED_STATES, fields
from rulec.packetset.packet import Packet, PacketError, as_set, read_packet
from rulec.packetset.space import Space

WEB = {"proto": 6, "src": 0xC6336407, "sport": 40000, "dst": 0xC0000201, "dport": 80}
PING = {"proto": 1, "src": 0xC6336407, "dst": 0xC0000201}
NEW = TRACKED_STATES.index("NEW")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "tcp 198.51.100.7:40000 > 192.0.2.1:80 syn in eth0 state NEW",
            {**WEB, "tcp_flags": FLAGS["SYN"], "iif": "eth0", "ctstate": NEW},
        ),
        ("tcp 198.51.100.7:40000 > 192.0.2.1:80 syn,ack", {**WEB, "tcp_flags": FLAGS["SYN"] | FLAGS["ACK"]}),
        ("tcp 198.51.100.7:40000 > 192.0.2.1:80 none out ppp0", {**WEB, "tcp_flags": 0, "oif": "ppp0"}),
        ("icmp 198.51.100.7 > 192.0.2.1 echo-request", {**PING, "icmp_type": 8, "icmp_code": 0}),
        ("icmp 198.51.100.7 > 192.0.2.1 fragmentation-needed", {**PING, "icmp_type": 3, "icmp_code": 4}),
        ("icmp 198.51.100.7 > 192.0.2.1 destination-unreachable", {**PING, "icmp_type": 3}),
        ("icmp 198.51.100.7 > 192.0.2.1 type 8", {**PING, "icmp_type": 8}),
        ("icmp 198.51.100.7 > 192.0.2.1 type 77/4", {**PING, "icmp_type": 77, "icmp_code": 4}),
        ("proto 47 * > 192.0.2.1", {"proto": 47, "dst": 0xC0000201}),
        ("any * > *", {}),
        ("any *:1 > *:2", {"sport": 1, "dport": 2}),
        ("any * > * state UNTRACKED", {"prior": 2}),
        ("any * > * state NEW prior=untracked", {"ctstate": NEW, "prior": 2}),
        (
            "any * > * reply snat dnat later fragment",
            {"ctdir": 1, "snat": 1, "dnat": 1, "first": 0, "later_fragment": 1},
        ),
        ("any * > * ctdir=ORIGINAL snat=0", {"ctdir": 0, "snat": 0}),
        ("any * > * to LOCAL from UNICAST", {"dst_type": 2, "src_type": 1}),
        ("any * > * pkttype multicast mark 0x1 connmark 0x2", {"pkttype": 2, "mark": 1, "connmark": 2}),
        ("any * > * ttl 64 tos 0x10 length 60", {"ttl": 64, "tos": 16, "length": 60}),
        ("any * > * status SEEN_REPLY,ASSURED", {"ctstatus": 6}),
        ("any * > * status NONE", {"ctstatus": 0}),
        ("any * > * mac 00:16:3e:00:00:01", {"mac": "00:16:3e:00:00:01", "has_mac": 1}),
        ("any * > * mac=00:16:3e:00:00:01", {"mac": "00:16:3e:00:00:01"}),
        ("any * > * uid 1000 gid 5", {"uid": 1000, "gid": 5, "has_socket": 1}),
        ("any * > * chunk 1 spi 256 mss 1460", {"sctp_chunk": 1, "spi": 256, "mss": 1460, "has_mss": 1}),
        ("any * > * iif= physin=eth1", {"iif": "", "physin": "eth1"}),
        ("any * > * has_mac=0 orig_src=10.0.0.1", {"orig_src": 0x0A000001, "has_mac": 0}),
        (
            "any * > * about (udp 192.0.2.1:53 > *)",
            {"inner_proto": 17, "inner_src": 0xC0000201, "inner_sport": 53},
        ),
    ],
)
def test_text(text: str, said: dict[str, int | str]) -> None:
    assert read_packet(text) == Packet(32, said)
    assert str(Packet(32, said)).lower() == text.lower()


DISCOVERY = {"proto": 58, "src": 1, "dst": 2, "icmp_type": 135, "icmp_code": 0}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("neighbour-solicitation state UNTRACKED", {}),
        ("neighbour-solicitation state NEW", {"ctstate": NEW}),
        ("neighbour-solicitation prior=untracked", {"prior": 2}),
        ("echo-request state UNTRACKED", {"icmp_type": 128, "prior": 2}),
    ],
)
def test_what_is_never_tracked_is_untracked_whatever_was_before(words: str, said: dict[str, int]) -> None:
    text = f"icmpv6 ::1 > ::2 {words}"
    assert str(Packet(128, {**DISCOVERY, **said})) == text
    assert read_packet(text) == Packet(128, {**DISCOVERY, **said})
    assert read_packet("icmpv6 ::1 > ::2 " + " ".join(reversed(words.split(" ", 1)))) == Packet(
        128, {**DISCOVERY, **said}
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tcp [2001:db8::7]:40000 > [2001:db8::1]:80 syn", {"proto": 6, "sport": 40000, "dport": 80, "tcp_flags": 2}),
        ("icmpv6 2001:db8::7 > 2001:db8::1 echo-request", {"proto": 58, "icmp_type": 128, "icmp_code": 0}),
        ("proto 1 2001:db8::7 > 2001:db8::1", {"proto": 1}),
    ],
)
def test_text_of_ipv6(text: str, said: dict[str, int | str]) -> None:
    ends: dict[str, int | str] = {"src": (0x20010DB8 << 96) + 7, "dst": (0x20010DB8 << 96) + 1}
    packet = Packet(128, {**ends, **said})
    assert read_packet(text) == packet
    assert str(packet) == text


def test_open_addresses_of_ipv6() -> None:
    assert str(Packet(128, {"dport": 80})) == "any [*] > [*]:80"
    assert read_packet("any * > [*]:80") == Packet(128, {"dport": 80})
    assert read_packet("any 2001:db8::1 > *").bits == 128


@pytest.mark.parametrize(
    ("other", "text"),
    [
        ("ICMP 198.51.100.7 > 192.0.2.1 ping", "icmp 198.51.100.7 > 192.0.2.1 echo-request"),
        ("gre * > *", "proto 47 * > *"),
        ("icmp [*] > [*]", "icmpv6 [*] > [*]"),
        ("any * > * state new in eth0", "any * > * in eth0 state NEW"),
        ("any * > * dscp ef", "any * > * tos 0xb8"),
        ("any * > * dscp 0x2e", "any * > * tos 0xb8"),
        ("any * > * mark 16 mark 0x10", "any * > * mark 0x10"),
        ("any * > * about(tcp * > *)", "any * > * about (tcp * > *)"),
    ],
)
def test_other_ways_to_say_it(other: str, text: str) -> None:
    assert str(read_packet(other)) == text


@pytest.mark.parametrize(
    ("text", "at", "message"),
    [
        ("", "", "the text ends where a protocol, such as tcp, or any should stand"),
        ("tpc * > *", "tpc", "'tpc' is no protocol; did you mean tcp?"),
        ("tcp * - *", "-", "expected > between the two addresses, and not '-'"),
        ("tcp * >", "", "the text ends where the address that it goes to, or * should stand"),
        ("tcp *:99999 > *", "*:9", "'99999' is no number from 0 to 65535"),
        ("tcp 1.2.3 > *", "1.2", "'1.2.3' is no IPv4 address"),
        ("tcp 1.2.3.4 > 2001:db8::1", "1.2", "'1.2.3.4' is no IPv6 address"),
        ("icmpv6 1.2.3.4 > *", "icmpv6", "icmpv6 goes with IPv6 addresses, and these are IPv4"),
        ("tcp * > * sny", "sny", "'sny' says nothing about a packet; did you mean syn?"),
        ("tcp * > * syn,akc", "syn", "'syn,akc' says nothing about a packet"),
        ("tcp * > * syn ack", "ack", "'ack' says otherwise than the words before it"),
        (
            "tcp * > * state NWE",
            "NWE",
            "'NWE' is none of NEW, ESTABLISHED, RELATED, INVALID, UNTRACKED; did you mean NEW?",
        ),
        ("tcp * > * state", "", "the text ends where the value of state should stand"),
        ("tcp * > * mark 0xzz", "0xzz", "'0xzz' is no number from 0 to 4294967295"),
        ("tcp * > * mac 1:2", "1:2", "'1:2' is no MAC address such as 00:16:3e:00:00:01"),
        (
            "tcp * > * in abcdefghijklmnop",
            "abc",
            "'abcdefghijklmnop' has more than 15 characters, and no interface does",
        ),
        ("tcp * > * orgi_src=1", "orgi", "a packet has no field 'orgi_src'; did you mean orig_src?"),
        ("tcp * > * about tcp", "about", "expected about (tcp 192.0.2.1:80 > 198.51.100.7:40000)"),
        ("tcp * > * about (tcp * > * syn)", "syn", "expected ) behind the addresses"),
        ("tcp * > * about (tcp * >)", ")", "the text ends where the address that it goes to, or * should stand"),
    ],
)
def test_errors_say_what_and_where(text: str, at: str, message: str) -> None:
    with pytest.raises(PacketError) as error:
        read_packet(text)
    assert str(error.value).startswith(message)
    assert error.value.offset == (text.index(at) if at else len(text))


def test_an_equal_packet_says_its_fields_in_any_order() -> None:
    one, other = Packet(32, {"proto": 6, "dport": 80}), Packet(32, {"dport": 80, "proto": 6})
    assert one == other
    assert hash(one) == hash(other)
    assert one != Packet(128, {"proto": 6, "dport": 80})
    assert repr(one) == "<Packet tcp * > *:80>"


def test_a_packet_stands_for_all_that_have_its_values() -> None:
    space = Space(fields(32, ["eth0", "ppp+"]))
    found = as_set(read_packet("tcp * > *:80 in ppp7 to xresolve"), space)
    names = space.fields["iif"].names
    assert names is not None
    web = space.field("proto").equals(6) & space.field("dport").equals(80)
    there = space.field("iif").among(names.matching("ppp+")) & space.field("dst_type").between(11, 15)
    assert found == web & there
    assert as_set(read_packet("any * > *"), space).is_everything()
