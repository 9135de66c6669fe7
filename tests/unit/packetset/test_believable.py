"""The packet that is shown for a set: one that a person would believe."""

from __future__ import annotations

import pytest

from rulec.packetset.believable import sample
from rulec.packetset.fields import ADDRESS_TYPES, fields
from rulec.packetset.packet import as_set, read_packet
from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import Space

MACS = ["00:16:3e:00:00:01", "00:16:3e:00:00:07"]
SPACES = {bits: Space(fields(bits, ["eth0", "ppp+", "docker0"], macs=MACS)) for bits in (32, 128)}
SPACE = SPACES[32]


def packets(text: str, bits: int = 32) -> PacketSet:
    return as_set(read_packet(f"any {'*' if bits == 32 else '[*]'} > * {text}"), SPACES[bits])


def network(name: str, address: int, length: int) -> PacketSet:
    return SPACE.field(name).masked(address, (1 << 32) - (1 << 32 - length))


ARRIVING = ~packets("iif=")
LEAVING = ~packets("oif=")
LOCAL = SPACE.field("dst_type").among(map(ADDRESS_TYPES.index, ("LOCAL", "BROADCAST", "MULTICAST")))
INPUT = ARRIVING & LOCAL
FORWARD = ARRIVING & LEAVING - LOCAL


def numbers(name: str, low: int, high: int) -> PacketSet:
    return SPACE.field(name).between(low, high)


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (SPACE.everything, "tcp 198.51.100.7:40000 > 192.0.2.1:80 syn"),
        (INPUT, "tcp 198.51.100.7:40000 > 192.0.2.1:80 syn in eth0"),
        (FORWARD, "tcp 198.51.100.7:40000 > 192.0.2.1:80 syn in eth0 out ppp0"),
        (LEAVING & packets("iif="), "tcp 198.51.100.7:40000 > 192.0.2.1:80 syn out eth0 iif="),
        (INPUT & packets("state NEW"), "tcp 198.51.100.7:40000 > 192.0.2.1:80 syn in eth0 state NEW"),
        (INPUT - packets("state NEW"), "tcp 198.51.100.7:40000 > 192.0.2.1:80 ack in eth0 state ESTABLISHED"),
        (packets("reply"), "tcp 198.51.100.7:40000 > 192.0.2.1:80 ack reply"),
        (packets("state RELATED"), "icmp 198.51.100.7 > 192.0.2.1 port-unreachable state RELATED"),
        (packets("state INVALID"), "tcp 198.51.100.7:40000 > 192.0.2.1:80 ack state INVALID"),
        (packets("state UNTRACKED"), "tcp 198.51.100.7:40000 > 192.0.2.1:80 syn state UNTRACKED"),
        (packets("") & numbers("proto", 17, 17), "udp 198.51.100.7:40000 > 192.0.2.1:53"),
        (packets("") & numbers("proto", 1, 1), "icmp 198.51.100.7 > 192.0.2.1 echo-request"),
        (
            numbers("proto", 1, 1) & packets("state ESTABLISHED"),
            "icmp 198.51.100.7 > 192.0.2.1 echo-reply state ESTABLISHED",
        ),
        (SPACE.everything - SPACE.field("proto").among([1, 6, 17]), "proto 47 198.51.100.7 > 192.0.2.1"),
        (packets("fin,syn"), "tcp 198.51.100.7:40000 > 192.0.2.1:80 fin,syn"),
        (
            ~packets("syn") & numbers("proto", 6, 6) & packets("state NEW"),
            "tcp 198.51.100.7:40000 > 192.0.2.1:80 ack state NEW",
        ),
        (packets("fragment"), "tcp 198.51.100.7 > 192.0.2.1 fragment"),
        (packets("mark 5"), "tcp 198.51.100.7:40000 > 192.0.2.1:80 syn mark 0x5"),
        (~packets("mark 0"), "tcp 198.51.100.7:40000 > 192.0.2.1:80 syn mark 0x1"),
        (numbers("ttl", 100, 255), "tcp 198.51.100.7:40000 > 192.0.2.1:80 syn ttl 100"),
        (packets("mac 00:16:3e:00:00:01"), "tcp 198.51.100.7:40000 > 192.0.2.1:80 syn mac 00:16:3e:00:00:01"),
        (packets("mac 02:00:00:00:00:01"), "tcp 198.51.100.7:40000 > 192.0.2.1:80 syn has_mac=1"),
        (packets("uid 7"), "tcp 198.51.100.7:40000 > 192.0.2.1:80 syn uid 7"),
        (INPUT & packets("in lo"), "tcp 127.0.0.1:40000 > 127.0.0.1:80 syn in lo"),
        (INPUT & packets("in ppp+"), "tcp 198.51.100.7:40000 > 192.0.2.1:80 syn in ppp0"),
        (INPUT - packets("in eth0"), "tcp 198.51.100.7:40000 > 192.0.2.1:80 syn in ppp0"),
        (network("src", 0x0A000000, 8), "tcp 10.0.0.2:40000 > 192.0.2.1:80 syn"),
        (network("src", 0x0A000000, 30), "tcp 10.0.0.2:40000 > 192.0.2.1:80 syn"),
        (network("dst", 0x0A000000, 30), "tcp 198.51.100.7:40000 > 10.0.0.1:80 syn"),
        (network("src", 0x7F000000, 8) | network("src", 0xC0A80100, 24), "tcp 192.168.1.2:40000 > 192.0.2.1:80 syn"),
        (~network("src", 0xC6336400, 24), "tcp 203.0.113.7:40000 > 192.0.2.1:80 syn"),
        (~network("dst", 0xC0000201, 32), "tcp 198.51.100.7:40000 > 192.0.2.3:80 syn"),
        (network("src", 0x7F000000, 8), "tcp 127.0.0.2:40000 > 192.0.2.1:80 syn"),
        (numbers("dport", 1000, 2000), "tcp 198.51.100.7:40000 > 192.0.2.1:1080 syn"),
        (numbers("dport", 1081, 1092), "tcp 198.51.100.7:40000 > 192.0.2.1:1081 syn"),
        (~numbers("dport", 80, 80), "tcp 198.51.100.7:40000 > 192.0.2.1:443 syn"),
        (numbers("sport", 53, 53), "tcp 198.51.100.7:53 > 192.0.2.1:80 syn"),
        (numbers("sport", 0, 2000), "tcp 198.51.100.7:1024 > 192.0.2.1:80 syn"),
        (
            packets("about (udp 192.0.2.1 > *)"),
            "tcp 198.51.100.7:40000 > 192.0.2.1:80 syn about (udp 192.0.2.1 > *)",
        ),
        (packets("orig_dport=8080"), "tcp 198.51.100.7:40000 > 192.0.2.1:80 syn orig_dport=8080"),
        (packets("orig_dport=80"), "tcp 198.51.100.7:40000 > 192.0.2.1:80 syn"),
        (SPACE.unknown("a match") & INPUT, "tcp 198.51.100.7:40000 > 192.0.2.1:80 syn in eth0"),
    ],
)
def test_samples(wanted: PacketSet, text: str) -> None:
    found = sample(wanted)
    assert str(found) == text
    assert found is not None
    assert as_set(found, SPACE).meets(wanted)


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        ("", "tcp [2001:db8::7]:40000 > [2001:db8::1]:80 syn"),
        ("in eth0 state NEW", "tcp [2001:db8::7]:40000 > [2001:db8::1]:80 syn in eth0 state NEW"),
        ("echo-request", "icmpv6 2001:db8::7 > 2001:db8::1 echo-request"),
        ("state RELATED", "icmpv6 2001:db8::7 > 2001:db8::1 port-unreachable state RELATED"),
        ("in lo", "tcp [::1]:40000 > [::1]:80 syn in lo"),
        ("has_hop=1", "tcp [2001:db8::7]:40000 > [2001:db8::1]:80 syn has_hop=1"),
    ],
)
def test_samples_of_ipv6(wanted: str, text: str) -> None:
    assert str(sample(packets(wanted, 128))) == text


def test_what_is_never_tracked_has_no_state_of_a_connection() -> None:
    """Also where the set asks for one, of what it might be if it were tracked."""
    discovery = packets("neighbour-solicitation", 128)
    assert str(sample(discovery - packets("state NEW reply", 128))).endswith("neighbour-solicitation state UNTRACKED")
    attached = sample(discovery & packets("state NEW prior=connection", 128))
    assert str(attached).endswith("neighbour-solicitation state NEW prior=connection")


def test_networks_of_ipv6() -> None:
    wanted = SPACES[128].field("src").masked(0x20014CA0 << 96, 0xFFFFFFFF << 96)
    assert str(sample(wanted)) == "tcp [2001:4ca0::7]:40000 > [2001:db8::1]:80 syn"


def test_an_empty_set_has_no_sample() -> None:
    assert sample(SPACE.nothing) is None


@pytest.mark.parametrize(
    ("patterns", "text"),
    [
        ((), "in eth0 out eth1"),
        (("lo",), "in eth0 out eth1"),
        (("lo", "eth0"), "in eth0 out eth1"),
        (("ppp+",), "in ppp0 out eth0"),
    ],
    ids=str,
)
def test_a_forwarded_packet_leaves_elsewhere_and_not_by_the_loopback(patterns: tuple[str, ...], text: str) -> None:
    space = Space(fields(32, patterns))
    wanted = ~space.field("iif").equals(0) - space.field("oif").equals(0)
    found = sample(wanted)
    assert str(found) == f"tcp 198.51.100.7:40000 > 192.0.2.1:80 syn {text}"
    assert found is not None
    assert as_set(found, space).meets(wanted)


def test_what_leaves_the_host_leaves_by_an_ordinary_interface() -> None:
    space = Space(fields(32))
    wanted = space.field("iif").equals(0) - space.field("oif").equals(0)
    assert str(sample(wanted)) == "tcp 198.51.100.7:40000 > 192.0.2.1:80 syn out eth0 iif="


def test_an_interface_is_said_only_where_the_set_asks_for_it() -> None:
    """Of two that depend on each other, both are."""
    either = packets("in eth0") ^ packets("out eth0")
    found = sample(either)
    assert found is not None
    assert {"iif", "oif"} <= found.keys()
    assert as_set(found, SPACE) <= either
