"""A packet that was named becomes a trial, or a reason why it cannot."""

from __future__ import annotations

import pytest

from rulec.host.trial import ANSWERER, ASKER, Expected, Kind, Left, Trial
from rulec.host.witnesses import from_witness
from rulec.model.protocols import ICMPV6, TCP, UDP
from tests.unit.host.values import number, policy

ACK, SYN_ACK = 0x10, 0x12


def trial(text: str) -> Trial:
    found = from_witness(text, policy(), Expected.MORE)
    assert isinstance(found, Trial), found
    return found


@pytest.mark.parametrize(
    ("text", "path", "kinds"),
    [
        (
            "tcp 198.51.100.7:40000 > 192.0.2.1:80 syn in eth0 state NEW",
            "input",
            [Kind.BEGIN, Kind.ANSWER, Kind.CONFIRM],
        ),
        ("tcp 198.51.100.7:40000 > 192.0.2.1:80 ack in eth0 state UNTRACKED", "input", [Kind.STRAY]),
        ("udp 192.0.2.1:53 > 198.51.100.7:40000 out eth0", "output", [Kind.STRAY]),
        ("udp 192.0.2.1:53 > 198.51.100.7:40000 in eth0 out eth1", "forward", [Kind.STRAY]),
        ("udp 192.0.2.1:53 > 198.51.100.7:40000 to unicast", "forward", [Kind.STRAY]),
        ("tcp 127.0.0.1:40000 > 127.0.0.1:80 syn in lo", "loopback", [Kind.BEGIN, Kind.ANSWER, Kind.CONFIRM]),
        ("icmp 198.51.100.7 > 192.0.2.1 echo-reply in eth0", "input", [Kind.STRAY]),
        ("icmpv6 2001:db8::7 > 2001:db8::1 echo-request in eth0", "input", [Kind.STRAY]),
    ],
)
def test_what_is_sent(text: str, path: str, kinds: list[Kind]) -> None:
    found = trial(text)
    assert (found.flow.path, [step.kind for step in found.steps]) == (path, kinds)


def test_flags_and_types_are_those_of_the_packet() -> None:
    assert trial("tcp 198.51.100.7:40000 > 192.0.2.1:80 syn,ack in eth0").steps[0].number == SYN_ACK
    assert trial("icmp 198.51.100.7 > 192.0.2.1 echo-reply in eth0").steps[0].number == 0
    assert trial("icmpv6 2001:db8::7 > 2001:db8::1 echo-reply in eth0").flow.protocol == ICMPV6


def test_a_packet_of_a_connection_comes_behind_its_handshake() -> None:
    found = trial("tcp 192.0.2.1:80 > 198.51.100.7:40000 ack out eth0 state ESTABLISHED reply")
    assert (found.flow.path, found.flow.answerer_port) == ("input", 80)
    assert (found.steps[-1].kind, found.steps[-1].by) == (Kind.DATA, ANSWERER)


def test_an_error_comes_behind_what_it_is_about() -> None:
    text = "icmp 198.51.100.9 > 192.0.2.1 fragmentation-needed in eth0 about (tcp 192.0.2.1:80 > 198.51.100.7:40000)"
    found = trial(text)
    assert (found.flow.protocol, found.flow.asker, found.flow.answerer_port) == (TCP, number("198.51.100.7"), 80)
    assert found.flow.path == "input"
    assert (found.steps[0].kind, found.steps[-1].kind, found.steps[-1].by) == (Kind.BEGIN, Kind.ERROR, ASKER)
    assert (found.steps[-1].number, found.steps[-1].code) == (3, 4)


def test_an_error_about_no_known_flow_comes_alone() -> None:
    text = "icmp 198.51.100.7 > 192.0.2.1 port-unreachable in eth0 out eth1 state INVALID about (tcp * > *:80)"
    found = trial(text)
    assert [(step.kind, step.by, step.number, step.code) for step in found.steps] == [(Kind.ERROR, ASKER, 3, 3)]
    assert (found.flow.path, found.flow.asker_port, found.flow.answerer_port) == ("forward", 80, 40000)


def test_an_error_may_come_from_this_host() -> None:
    text = "icmp 198.51.100.7 > 192.0.2.1 port-unreachable out eth0 about (udp 10.2.0.2:53 > *:40000)"
    found = trial(text)
    assert (found.flow.path, found.flow.asker, found.flow.answerer_port) == ("output", number("198.51.100.7"), 53)
    assert (found.steps[-1].kind, found.steps[-1].by) == (Kind.ERROR, ASKER)


def test_what_is_not_said_is_made_up() -> None:
    found = trial("udp * > *")
    assert (found.flow.protocol, found.flow.asker_link) == (UDP, "eth0")
    about_answers = trial("icmp 198.51.100.7 > 192.0.2.1 port-unreachable in eth0 about (tcp *:80 > *)")
    assert (about_answers.flow.path, about_answers.flow.asker_port, about_answers.flow.answerer_port) == (
        "input",
        40000,
        80,
    )


def test_a_hot_one_may_be_untracked() -> None:
    assert trial("tcp 198.51.100.7:40000 > 192.0.2.1:80 ack in eth0").left is Left.FEWER
    assert trial("tcp 198.51.100.7:40000 > 192.0.2.1:22 ack in eth0").left is Left.SAME


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("sctp 198.51.100.7:40000 > 192.0.2.1:80 in eth0", "only TCP, UDP and ICMP"),
        ("udp 198.51.100.7 > 192.0.2.1 fragment in eth0", "part of a packet"),
        ("udp 198.51.100.7:5353 > 224.0.0.251:5353 in eth0", "224.0.0.251 cannot be had"),
        ("udp 198.51.100.7:53 > 192.0.2.1:40000 in eth0 to broadcast", "to one host"),
        ("udp 192.0.2.1:1 > 192.0.2.1:2 in eth0", "both ends"),
    ],
)
def test_what_cannot_be_tried(text: str, reason: str) -> None:
    found = from_witness(text, policy(), Expected.SAME)
    assert isinstance(found, str)
    assert found.startswith(text)
    assert reason in found


def test_echoes_can_be_told_apart() -> None:
    texts = ("icmp 198.51.100.7 > 192.0.2.1 echo-request in eth0", "icmp 198.51.100.7 > 192.0.2.1 echo-reply in eth0")
    assert len({trial(text).flow.asker_port for text in texts}) == 2


def test_an_error_about_a_routed_flow_goes_through() -> None:
    entry = "{name: web, role: forward, protocol: udp, ports: [53], servers: [10.1.2.3]}"
    routed = policy(f"version: 1\nmode: notrack\nhot:\n  - {entry}\n")
    text = "icmp 192.0.2.1 > 198.51.100.7 port-unreachable out eth0 about (udp 198.51.100.7:40000 > 10.1.2.3:53)"
    found = from_witness(text, routed, Expected.MORE)
    assert not isinstance(found, str)
    assert found.flow.path == "forward"
