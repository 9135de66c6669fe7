"""What is sent in a trial, in words."""

from __future__ import annotations

from rulec.host.trial import ANSWERER, ASKER, Flow, Kind, Step
from rulec.model import Family
from rulec.model.protocols import TCP, UDP
from rulec.packetset.fields import FLAGS

_EXCEEDED = "ttl-zero-during-transit"
_ERRORS = {
    Family.IPV4: {
        (3, 4): "fragmentation-needed",
        (3, 1): "host-unreachable",
        (11, 0): _EXCEEDED,
        (12, 0): "ip-header-bad",
    },
    Family.IPV6: {(2, 0): "packet-too-big", (1, 0): "no-route", (3, 0): _EXCEEDED, (4, 0): "bad-header"},
}


def words(step: Step, flow: Flow) -> str:
    """What a step sends is called."""
    if step.kind is Kind.ERROR:
        victim = ANSWERER if step.by == ASKER else ASKER
        return f"the ICMP error {_error(step, flow)} to the {victim}"
    if step.kind is Kind.STRAY and flow.protocol == TCP:
        return f"a lone segment {show_flags(step.number)}"
    if step.kind is Kind.DATA:
        return f"{step.size} octets from the {step.by}"
    return {
        Kind.BEGIN: {TCP: "the SYN", UDP: "the request"}.get(flow.protocol, "the echo request"),
        Kind.ANSWER: {TCP: "the SYN,ACK", UDP: "the answer"}.get(flow.protocol, "the echo reply"),
        Kind.CONFIRM: "the ACK of the handshake",
    }.get(step.kind, "a lone packet")


def show_flags(flags: int) -> str:
    """The flags of a segment, as people write them."""
    return ",".join(name for name, bit in FLAGS.items() if flags & bit) or "without flags"


def _error(step: Step, flow: Flow) -> str:
    return _ERRORS[flow.family].get((step.number, step.code), f"type {step.number}/{step.code}")
