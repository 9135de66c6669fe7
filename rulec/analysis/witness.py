"""A few packets instead of very many, and one of them, written down."""

from __future__ import annotations

from typing import Any

from rulec.model.protocols import TCP
from rulec.packetset.believable import sample
from rulec.packetset.packet import Packet
from rulec.packetset.packetset import PacketSet

ORDINARY: dict[int, dict[str, Any]] = {
    32: {"src": 0xC6336407, "dst": 0xC0000201, "proto": TCP, "sport": 40000, "dport": 80},
    128: {"src": 0x20010DB8 << 96 | 7, "dst": 0x20010DB8 << 96 | 1, "proto": TCP, "sport": 40000, "dport": 80},
}
"""Where a packet comes from and goes to, as long as nothing else is asked for; by the bits of an address."""


def fewer(packets: PacketSet, any_protocol: bool = False) -> PacketSet:
    """Those with the same ends, as far as these are looked at: any will do, and few make short work."""
    if packets.is_empty():
        return packets
    wanted = ORDINARY[packets.space.fields["src"].bits]
    return packets.some({name: wanted[name] for name in wanted if name != "proto" or not any_protocol})


def witness(packets: PacketSet, path: str) -> str:
    """One of some packets, written down; what is for this host, or from it, has no second interface."""
    other = {"input": "oif", "arriving": "oif", "output": "iif"}.get(path, "")
    without = packets & packets.space.field(other).equals(0) if other else packets
    chosen = sample(packets if without.is_empty() else without)
    if chosen is None or chosen.get(other) != "":
        return str(chosen or "")
    return str(Packet(chosen.bits, {name: value for name, value in chosen.items() if name != other}))
