"""What a set is, in words: the values of each field, and parts where these do not say it all."""

from __future__ import annotations

import pytest

from rulec.packetset.fields import fields
from rulec.packetset.packet import as_set, read_packet
from rulec.packetset.packetset import PacketSet
from rulec.packetset.regions import MOST_RANGES, describe, intervals, regions
from rulec.packetset.space import Space

MACS = [f"02:00:00:00:00:{number:02}" for number in range(1, 13)]
SPACE = Space(fields(32, ["eth0", "ppp+"], macs=MACS))


def packets(text: str) -> PacketSet:
    return as_set(read_packet(text), SPACE)


def network(name: str, address: int, length: int) -> PacketSet:
    return SPACE.field(name).masked(address, (1 << 32) - (1 << 32 - length))


def ports(*ranges: tuple[int, int]) -> PacketSet:
    return SPACE.union(SPACE.field("dport").between(*each) for each in ranges)


TCP, UDP = packets("tcp * > *"), packets("udp * > *")
TEN = network("src", 0x0A000000, 8)
ARRIVING = ~packets("any * > * iif=")
TO_OPEN = SPACE.field("tcp_flags").masked(2, 0x17)
MANY = ports(*((7 * number, 7 * number) for number in range(120)))


@pytest.mark.parametrize(
    ("wanted", "texts"),
    [
        (SPACE.everything, ["any * > *"]),
        (SPACE.nothing, []),
        (
            packets("tcp * > 192.0.2.1 in eth0 state NEW") & TEN & ports((22, 22), (80, 90)),
            ["tcp 10.0.0.0/8 > 192.0.2.1 dport 22,80-90 in eth0 state NEW"],
        ),
        (TCP - TEN, ["tcp not 10.0.0.0/8 > *"]),
        (~TCP, ["not tcp * > *"]),
        (packets("icmp * > *") | packets("proto 47 * > *"), ["icmp,47 * > *"]),
        (packets("proto 47 * > *"), ["proto 47 * > *"]),
        (SPACE.field("src").between(0x0A000001, 0x0A000009), ["any 10.0.0.1-10.0.0.9 > *"]),
        (SPACE.field("src").masked(5, 0xFF), ["any 0.0.0.5/0.0.0.255 > *"]),
        (TCP & TO_OPEN, ["tcp * > * flags syn not fin,rst,ack"]),
        (packets("tcp * > * syn"), ["tcp * > * flags syn"]),
        (SPACE.field("mark").masked(1, 0xF), ["any * > * mark 0x1/0xf"]),
        (packets("any * > * mark 0x1"), ["any * > * mark 0x1"]),
        (packets("any * > * to local pkttype multicast"), ["any * > * to LOCAL pkttype multicast"]),
        (ARRIVING, ["any * > * in any"]),
        (ARRIVING - packets("any * > * in ppp+"), ["any * > * in any but ppp+"]),
        (~packets("any * > * in ppp+"), ["any * > * in not ppp+"]),
        (packets("any * > * in zzz"), ["any * > * in others"]),
        (packets("any * > * iif="), ["any * > * in none"]),
        (packets(f"any * > * mac={MACS[1]}"), [f"any * > * mac {MACS[1]}"]),
        (~packets(f"any * > * mac={MACS[1]}"), [f"any * > * mac not {MACS[1]}"]),
        (packets("any * > * mac=02:00:00:00:00:99"), [f"any * > * mac not {','.join(MACS[:8])} and 4 more"]),
        (TCP & MANY, ["tcp * > * dport 0,7,14,21,28,35,42,49 and 93 more"]),
        (TCP & ports((22, 22)) | UDP & ports((53, 53)), ["tcp * > * dport 22", "udp * > * dport 53"]),
        (TCP & (ports((22, 22)) & TEN | ports((25, 25))), ["tcp * > * dport 25", "tcp 10.0.0.0/8 > * dport 22"]),
        (TCP & (ports((22, 22)) | TEN), ["tcp 10.0.0.0/8 > * dport not 22", "tcp * > * dport 22"]),
        (SPACE.unknown("a match") & TCP, ["some of tcp * > *"]),
    ],
)
def test_regions(wanted: PacketSet, texts: list[str]) -> None:
    assert [str(region) for region in regions(wanted)] == texts


def test_only_what_sets_packets_apart_is_said() -> None:
    assert str(describe(ARRIVING & TCP, ARRIVING)) == "tcp * > *"
    assert str(describe(ARRIVING & TCP)) == "tcp * > * in any"


def test_there_are_no_more_parts_than_wanted() -> None:
    """Rather one that is not exact."""
    wanted = SPACE.union(packets(f"tcp 10.0.0.{number} > *:{number}") for number in range(1, 8, 2))
    assert len(regions(wanted)) == 4
    assert [str(each) for each in regions(wanted, most=3)] == [
        "some of tcp 10.0.0.1,10.0.0.3,10.0.0.5,10.0.0.7 > * dport 1,3,5,7"
    ]


def test_an_exact_region_is_the_product_of_its_values() -> None:
    region = describe(TCP & TEN & ports((22, 22), (80, 90)))
    assert region.exact
    assert dict(region.fields)["dport"].ranges == ((22, 22), (80, 90))
    assert not describe(TCP & (ports((22, 22)) | TEN)).exact


def test_many_ranges_cost_no_more_than_the_limit() -> None:
    """The odd addresses are two thousand million ranges."""
    odd = SPACE.field("src").masked(1, 1)
    assert intervals(odd, "src", 3) == [(1, 1), (3, 3), (5, 5)]
    assert len(intervals(odd, "src")) == MOST_RANGES
