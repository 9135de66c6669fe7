"""What the matches ask of the headers of a packet, and of what the host knows about it."""

from __future__ import annotations

import pytest

from rulec.model import Family
from rulec.semantics.place import Memory, Values
from tests.unit.semantics.asking import ICMP, TCP, UDP, Packet, holds, matched, place, space

SCTP: Packet = {"proto": 132, "later_fragment": 0}
DCCP: Packet = {"proto": 33, "later_fragment": 0}
MAC: Packet = {"has_mac": 1, "mac": "00:16:3e:00:00:01"}

Case = tuple[str, Packet, bool | None]

PORTS: list[Case] = [
    ("-p tcp --dport 80", {**TCP, "dport": 80}, True),
    ("-p tcp ! --dport 80", {**TCP, "dport": 80}, False),
    ("-p tcp ! --dport 80", {**TCP, "dport": 81}, True),
    ("-p tcp --sport 1024:", {**TCP, "sport": 1023}, False),
    ("-p udp --dport 53", {**UDP, "dport": 53}, True),
    ("-p udp --dport 53", {**TCP, "dport": 53}, False),
    ("-p udp ! --dport 53", {**TCP, "dport": 54}, False),
    ("-p udp ! --sport 53 --dport 53", {**UDP, "sport": 54, "dport": 53}, True),
    ("-p udp --dport 20:10", {**UDP, "dport": 15}, False),
    ("-p udp ! --dport 20:10", {**UDP, "dport": 15}, True),
    ("-p tcp -m multiport --dports 22,80,8000:8080", {**TCP, "dport": 8001}, True),
    ("-p tcp -m multiport --dports 22,80,8000:8080", {**TCP, "sport": 22, "dport": 23}, False),
    ("-p tcp -m multiport ! --dports 22,80", {**TCP, "dport": 80}, False),
    ("-p tcp -m multiport ! --dports 22,80", {**TCP, "dport": 81}, True),
    ("-p udp -m multiport --ports 53,99", {**UDP, "sport": 99, "dport": 1}, True),
    ("-p udp -m multiport ! --ports 53,99", {**UDP, "sport": 99, "dport": 1}, False),
    ("-p udp -m multiport ! --ports 53,99", {**UDP, "sport": 1, "dport": 2}, True),
    ("-p udplite -m multiport --sports 5", {"proto": 136, "later_fragment": 0, "sport": 5}, True),
    ("-p sctp --dport 3868", {**SCTP, "dport": 3868}, True),
    ("-p dccp ! --dport 90:1", {**DCCP, "dport": 80}, True),
]

HEADERS: list[Case] = [
    ("-p tcp --syn", {**TCP, "tcp_flags": 2}, True),
    ("-p tcp ! --syn", {**TCP, "tcp_flags": 18}, True),
    ("-p tcp --syn", {**TCP, "tcp_flags": 0xC2}, True),
    ("-p tcp --tcp-flags SYN,ACK ALL", {**TCP, "tcp_flags": 63}, False),
    ("-p tcp -m tcp --tcp-option 5", TCP, None),
    ("-p icmp --icmp-type 8", {**ICMP, "icmp_type": 8}, True),
    ("-p icmp ! --icmp-type 3/4", {**ICMP, "icmp_type": 3, "icmp_code": 1}, True),
    ("-p icmp --icmp-type 3/2:9", {**ICMP, "icmp_type": 3, "icmp_code": 9}, True),
    ("-p icmp --icmp-type 3/2:9", {**ICMP, "icmp_type": 3, "icmp_code": 10}, False),
    ("-p icmp --icmp-type any", ICMP, True),
    ("-p icmp ! --icmp-type any", ICMP, False),
    ("-p tcp -m tcpmss --mss 1400:1500", {**TCP, "has_mss": 1, "mss": 1460}, True),
    ("-p tcp -m tcpmss ! --mss 1400:1500", {**TCP, "has_mss": 1, "mss": 1460}, False),
    ("-p tcp -m tcpmss --mss 0:65535", {**TCP, "has_mss": 0}, False),
    ("-p tcp -m tcpmss ! --mss 0:65535", {**TCP, "has_mss": 0}, True),
    ("-p tcp -m ecn --ecn-tcp-ece", {**TCP, "tcp_flags": 64}, True),
    ("-p tcp -m ecn ! --ecn-tcp-cwr", {**TCP, "tcp_flags": 64}, True),
    ("-p tcp -m ecn --ecn-tcp-cwr", {**TCP, "tcp_flags": 64}, False),
    ("-m ecn --ecn-ip-ect 3", {"tos": 0xFF}, True),
    ("-m ecn ! --ecn-ip-ect 3", {"tos": 0xFE}, True),
    ("-p dccp --dccp-types REQUEST,DATA", {**DCCP, "dccp_type": 2}, True),
    ("-p dccp ! --dccp-types REQUEST,DATA", {**DCCP, "dccp_type": 2}, False),
    ("-p dccp --dccp-types INVALID", {**DCCP, "dccp_type": 9}, False),
    ("-p dccp --dccp-types INVALID", {**DCCP, "dccp_type": 10}, True),
    ("-p dccp --dccp-types INVALID", {**DCCP, "dccp_type": 15}, True),
    ("-p dccp --dccp-option 7", DCCP, None),
    ("-p esp -m esp --espspi 500", {"proto": 50, "later_fragment": 0, "spi": 500}, True),
    ("-p esp -m esp ! --espspi 0:500", {"proto": 50, "later_fragment": 0, "spi": 500}, False),
    ("-p esp -m esp --espspi 9:3", {"proto": 50}, False),
    ("-p ah -m ah --ahspi 500", {"proto": 51, "later_fragment": 0, "ah_spi": 500}, True),
    ("-p ah -m ah ! --ahspi 500", {"proto": 51, "later_fragment": 0, "ah_spi": 500}, False),
    ("-p ah -m ah ! --ahspi 0:", {"proto": 51}, False),
]

CHUNKS: list[Case] = [
    ("any INIT,DATA", {"sctp_chunk": 1}, True),
    ("any INIT,DATA", {"sctp_chunk": 3, "sctp_more": 0}, False),
    ("any INIT,DATA", {"sctp_chunk": 3, "sctp_more": 1}, None),
    ("any DATA:B", {"sctp_chunk": 0, "sctp_more": 0}, None),
    ("any ASCONF", {"sctp_chunk": 193}, True),
    ("any NONE", {"sctp_more": 1}, False),
    ("any ALL", {}, True),
    ("only SACK", {"sctp_chunk": 3, "sctp_more": 0}, True),
    ("only SACK", {"sctp_chunk": 3, "sctp_more": 1}, None),
    ("only SACK", {"sctp_chunk": 1, "sctp_more": 1}, False),
    ("only ALL", {"sctp_more": 0}, True),
    ("only NONE", {}, False),
    ("all INIT", {"sctp_chunk": 1}, True),
    ("all INIT", {"sctp_chunk": 0, "sctp_more": 0}, False),
    ("all INIT,DATA", {"sctp_chunk": 1, "sctp_more": 0}, False),
    ("all INIT,DATA", {"sctp_chunk": 1, "sctp_more": 1}, None),
    ("all ALL", {"sctp_more": 0}, False),
    ("all NONE", {}, True),
]

OTHERS: list[Case] = [
    ("-m comment --comment why", {}, True),
    ("-m mark --mark 1", {"mark": 1}, True),
    ("-m mark ! --mark 1/0xf", {"mark": 0x11}, False),
    ("-m mark --mark 0/0", {"mark": 7}, True),
    ("-m mark --mark 1/0", {}, False),
    ("-m mark ! --mark 1/0", {}, True),
    ("-m tos --tos 0x10", {"tos": 0x10}, True),
    ("-m tos --tos 0x10", {"tos": 0x11}, False),
    ("-m tos --tos minimize-delay", {"tos": 0xD0}, True),
    ("-m tos ! --tos 0xff/0", {}, True),
    ("-m dscp --dscp-class EF", {"tos": 0xBB}, True),
    ("-m dscp ! --dscp 0x2e", {"tos": 0xBB}, False),
    ("-m ttl --ttl-eq 64", {"ttl": 64}, True),
    ("-m ttl ! --ttl-eq 64", {"ttl": 64}, False),
    ("-m ttl --ttl-lt 5", {"ttl": 5}, False),
    ("-m ttl --ttl-lt 5", {"ttl": 4}, True),
    ("-m ttl --ttl-lt 0", {}, False),
    ("-m ttl --ttl-gt 5", {"ttl": 5}, False),
    ("-m ttl --ttl-gt 255", {}, False),
    ("-m length --length 0:60", {"length": 60}, True),
    ("-m length ! --length 5:3", {"length": 4}, True),
    ("-m iprange --src-range 10.0.0.5-10.0.1.2", {"src": "10.0.0.255"}, True),
    ("-m iprange ! --src-range 10.0.0.5-10.0.1.2 --dst-range 10.0.0.1", {"src": "10.0.1.3", "dst": "10.0.0.1"}, True),
    ("-m iprange --dst-range 10.0.0.9-10.0.0.1", {"dst": "10.0.0.5"}, False),
    ("-m mac --mac-source 00:16:3e:00:00:01", MAC, True),
    ("-m mac ! --mac-source 00:16:3e:00:00:01", MAC, False),
    ("-m mac ! --mac-source 00:16:3e:00:00:02", MAC, True),
    ("-m mac ! --mac-source 00:16:3e:00:00:02", {**MAC, "has_mac": 0}, False),
    ("-m addrtype --dst-type LOCAL,BROADCAST", {"dst_type": "BROADCAST"}, True),
    ("-m addrtype ! --dst-type LOCAL", {"dst_type": "BROADCAST"}, True),
    ("-m addrtype --src-type LOCAL ! --dst-type LOCAL", {"src_type": "LOCAL", "dst_type": "LOCAL"}, False),
    ("-m addrtype --dst-type LOCAL --limit-iface-in", {"dst_type": "LOCAL"}, None),
    ("-m pkttype --pkt-type broadcast", {"pkttype": "broadcast"}, True),
    ("-m pkttype ! --pkt-type unicast", {"pkttype": "unicast"}, False),
    ("-m set --match-set test src", {}, None),
    ("-m set ! --match-set test src", {}, None),
]


@pytest.mark.parametrize(("rule", "packet", "expected"), [*PORTS, *HEADERS, *OTHERS])
def test_whether_a_rule_matches_a_packet(rule: str, packet: Packet, expected: bool | None) -> None:
    assert holds(rule, packet) is expected


@pytest.mark.parametrize(("chunks", "packet", "expected"), CHUNKS)
def test_which_chunks_match(chunks: str, packet: Packet, expected: bool | None) -> None:
    """With a ``!`` it is the opposite."""
    assert holds(f"-p sctp --chunk-types {chunks}", {**SCTP, **packet}) is expected
    assert holds(f"-p sctp ! --chunk-types {chunks}", {**SCTP, **packet}) is (
        None if expected is None else not expected
    )


@pytest.mark.parametrize(
    "rule",
    [
        "-p tcp -m tcp",
        "-p tcp ! --dport 80",
        "-p tcp ! --syn",
        "-p tcp -m tcp ! --tcp-option 5",
        "-p udp -m udp ! --dport 20:10",
        "-p tcp -m multiport ! --dports 80",
        "-p icmp --icmp-type any",
        "-p icmp ! --icmp-type 8",
        "-p sctp ! --chunk-types any INIT",
        "-p dccp ! --dccp-types DATA",
        "-p esp -m esp",
        "-p ah -m ah ! --ahspi 1",
    ],
)
def test_later_fragments_have_no_header_and_never_match(rule: str) -> None:
    assert holds(rule, {"later_fragment": 1}) is False


@pytest.mark.parametrize(
    "rule", ["-m ecn ! --ecn-tcp-ece", "-m ecn --ecn-tcp-cwr", "-m tcpmss --mss 1", "-m tcpmss ! --mss 1"]
)
def test_matches_that_take_a_later_fragment_for_a_header_find_anything_there(rule: str) -> None:
    assert holds(f"-p tcp {rule}", {"proto": 6, "later_fragment": 1}) is None


@pytest.mark.parametrize(
    "match",
    [
        "-p tcp -m tcp {}--tcp-option 5",
        "-p tcp -m ecn {}--ecn-tcp-ece",
        "-p tcp -m tcpmss {}--mss 1",
        "-p dccp -m dccp {}--dccp-option 7",
        "-p sctp -m sctp {}--chunk-types any DATA:B",
        "-m addrtype {}--src-type LOCAL --limit-iface-in",
        "-m set {}--match-set test src --bytes-gt 5",
        "-m u32 {}--u32 2&0xFFFF=1",
    ],
)
def test_what_is_unknown_is_the_opposite_of_its_negation(match: str) -> None:
    where = place()
    plain, negated = matched(match.format(""), where), matched(match.format("! "), where)
    protocol = matched(match.partition("-m ")[0], where)
    assert not plain.meets(negated)
    assert plain | negated >= protocol & where.has_header


@pytest.mark.parametrize("at", ["output OUTPUT", "output POSTROUTING"])
def test_all_that_the_host_sends_is_unicast(at: str) -> None:
    assert holds("-m pkttype --pkt-type unicast", {"pkttype": "multicast"}, at=at) is True
    assert holds("-m pkttype ! --pkt-type unicast", {"pkttype": "multicast"}, at=at) is False


# ── owners ───────────────────────────────────────────────────────────────────────────────────────

NO_SOCKET: Packet = {"has_socket": 0}
NO_PROCESS: Packet = {"has_socket": 1, "uid": 2**32 - 1, "gid": 2**32 - 1}
ROOT: Packet = {"has_socket": 1, "uid": 0, "gid": 0}


@pytest.mark.parametrize(
    ("options", "no_socket", "no_process", "root"),
    [
        ("--socket-exists", False, True, True),
        ("! --socket-exists", True, False, False),
        ("--uid-owner 0", False, False, True),
        ("! --uid-owner 0", True, True, False),
        ("--uid-owner 0-4294967294", False, False, True),
        ("--gid-owner 5-9", False, False, False),
        ("! --gid-owner 5-9", True, True, True),
        ("! --uid-owner 0 ! --socket-exists", True, False, False),
        ("! --uid-owner 7 --socket-exists", False, True, True),
        ("--gid-owner 0 --suppl-groups", False, False, True),
        ("--gid-owner 7 --suppl-groups", False, False, None),
        ("! --gid-owner 7 --suppl-groups", False, True, None),
        ("--uid-owner alice", False, None, None),
    ],
)
def test_who_owns_a_packet(options: str, no_socket: bool, no_process: bool | None, root: bool | None) -> None:
    rule = f"-m owner {options}"
    found = [holds(rule, packet, at="output OUTPUT") for packet in (NO_SOCKET, NO_PROCESS, ROOT)]
    assert found == [no_socket, no_process, root]


def test_nobody_owns_what_is_forwarded() -> None:
    assert holds("-m owner ! --socket-exists", ROOT, at="forward POSTROUTING") is True


# ── bridges ──────────────────────────────────────────────────────────────────────────────────────

ROUTED: Packet = {"physin": "", "physout": ""}
FROM_BRIDGE: Packet = {"physin": "eth0", "physout": ""}
BRIDGED: Packet = {"physin": "eth0", "physout": "eth1"}


@pytest.mark.parametrize(
    ("options", "routed", "from_bridge", "bridged"),
    [
        ("--physdev-is-in", False, True, True),
        ("! --physdev-is-in", True, False, False),
        ("--physdev-is-out", False, False, True),
        ("! --physdev-is-bridged", True, True, False),
        ("--physdev-in eth+", False, True, True),
        ("! --physdev-in eth0", True, False, False),
        ("! --physdev-in eth1", True, True, True),
        ('--physdev-in ""', False, True, True),
        ("--physdev-out eth1", False, False, True),
        ("! --physdev-out eth1", True, False, False),
        ("! --physdev-out eth0", True, False, True),
    ],
)
def test_ports_of_a_bridge(options: str, routed: bool, from_bridge: bool, bridged: bool) -> None:
    rule = f"-m physdev {options}"
    found = [holds(rule, packet, at="forward FORWARD") for packet in (ROUTED, FROM_BRIDGE, BRIDGED)]
    assert found == [routed, from_bridge, bridged]


def test_by_which_port_a_packet_leaves_is_not_known_before_forward() -> None:
    assert holds("-m physdev --physdev-is-out", BRIDGED) is False


# ── sets ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_negated_set_is_the_complement() -> None:
    where = place()
    assert matched("-m set ! --match-set test src,dst", where) == ~matched("-m set --match-set test src,dst", where)


@pytest.mark.parametrize("other", ["test dst", "test src,dst", "another src", "test src --return-nomatch"])
def test_another_question_to_a_set_has_another_answer(other: str) -> None:
    where = place()
    assert matched("-m set --match-set test src", where) != matched(f"-m set --match-set {other}", where)


def test_whether_counters_are_updated_does_not_change_the_answer() -> None:
    where = place()
    plain = matched("-m set --match-set test src", where)
    assert plain == matched("-m set --match-set test src ! --update-counters", where)


def test_a_question_about_counters_has_a_new_answer_each_time() -> None:
    rule = "-m set --match-set test src --packets-gt 5"
    assert matched(rule, place(visit=1)) != matched(rule, place(visit=2))


def test_a_set_gives_the_same_answer_for_packets_that_have_not_changed() -> None:
    """Of those that had the mark 1 already, setting it has changed none."""
    rule, memory, packets = "-m set --match-set test src", Memory(), space(Family.IPV4)
    before = matched(rule, place(memory=memory))
    after = matched(rule, place(memory=memory, values=Values({"mark": packets.constant(32, 1)})))
    unchanged = packets.field("mark").equals(1)
    assert before != after
    assert before & unchanged == after & unchanged


def test_a_set_that_was_changed_gives_another_answer() -> None:
    rule, memory, packets = "-m set --match-set test src", Memory(), space(Family.IPV4)
    changed = Values({"set test": packets.unknown_number("change", 8)})
    assert matched(rule, place(memory=memory)) != matched(rule, place(memory=memory, values=changed))
