"""The packets of a text, or what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.diagnostics import Finding, Label
from rulec.model import Family
from rulec.model.protocols import ICMP
from rulec.packetset.fields import ADDRESSES
from rulec.packetset.packet import Packet, PacketError, read_packet
from rulec.source import Source, Span

SLUG = "packet-error"
"""What every finding about the text of a packet is called."""


def read_packets(source: Source, family: Family, lines: bool = True) -> tuple[list[Packet], list[Finding]]:
    """The packets of a text, and what is wrong with it.

    With ``lines`` each line holds one, blank lines and those that begin with
    ``#`` none; otherwise the text is one packet.
    """
    packets, findings = [], []
    for start, text in _texts(source, lines):
        try:
            packets.append(_packet(text, family))
        except PacketError as error:
            first = min(start + error.offset, start + max(len(text) - 1, 0))
            span = Span(first, max(_end_of_word(source.text, first), first + 1))
            findings.append(Finding(SLUG, str(error), (Label(source, span),)))
    return packets, findings


def of_family(packet: Packet, family: Family) -> Packet | None:
    """The packet as one of the family; None where its addresses or its protocol are of the other."""
    if packet.bits == family.bits:
        return packet
    if packet.bits == Family.IPV6.bits or not ADDRESSES.isdisjoint(packet) or packet.get("proto") == ICMP:
        return None
    return Packet(family.bits, packet)


def _packet(text: str, family: Family) -> Packet:
    packet = of_family(read_packet(text), family)
    if packet is None:
        other = Family.IPV4 if family is Family.IPV6 else Family.IPV6
        raise PacketError(f"this packet is {other.label}, and the ruleset {family.label}", 0)
    return packet


def _texts(source: Source, lines: bool) -> Iterator[tuple[int, str]]:
    if not lines:
        yield 0, source.text
        return
    for number, start in enumerate(source.line_starts, 1):
        line = source.line(number)
        text = line.strip()
        if text and not text.startswith("#"):
            yield start + line.index(text), text


def _end_of_word(text: str, start: int) -> int:
    while start < len(text) and not text[start].isspace():
        start += 1
    return start
