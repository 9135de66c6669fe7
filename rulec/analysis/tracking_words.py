"""Flows in a few words: ``tcp from 198.51.100.0/24 to port 22``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rulec.model.protocols import TCP, UDP
from rulec.packetset.packetset import PacketSet
from rulec.packetset.regions import Region, describe, intervals, regions

MOST_TOLD = 3
"""So many flows are told one by one."""

_SHOWN = 4
"""So many addresses or names of interfaces are listed."""

_MOST_PORTS = 100
_SHOWN_PORTS = 8
_LARGE = 20_000
"""Nodes beyond which a set is told by its ports alone."""

_NEARLY_ALL = 0.5
"""From what share of all addresses a port is open to anybody."""

_SINGLES = 16
"""Ranges of so many ports are looked at port by port."""

_FOREIGN = {32: "58", 128: "icmp"}
"""The ICMP of the other family, which nobody asks about."""

_PLACED = ("src", "dst", "dport", "iif", "oif")
_WORDS = {
    "src": "from {}",
    "dst": "to {}",
    "dport": "port {}",
    "sport": "from port {}",
    "iif": "in {}",
    "oif": "out {}",
}
_ALL = "all"
_EVERY_PORT = [(0, 65535)]

Range = tuple[int, int]
Parts = Callable[[], Sequence[PacketSet] | None]


def told(flows: PacketSet, within: PacketSet, fields: Sequence[str], parts: Parts) -> tuple[str, ...]:
    """Flows in words, a few; ``all`` where they are all of those within.

    As one product or a few; else as the rules have it, which ``parts`` gives; of
    a large set only the ports.
    """
    if flows.is_empty():
        return ()
    said, frame = flows.onto(fields), within.onto(fields)
    if said == frame:
        return (_ALL,)
    if said.function.node_count() > _LARGE:
        return _by_ports(said)
    found = regions(said, frame, MOST_TOLD)
    if all(region.exact for region in found):
        return tuple(map(_region, found))
    pieces = parts()
    if pieces is None:
        return _by_ports(said)
    return _largest([describe(part.onto(fields), frame) for part in sorted(pieces, key=lambda part: -part.size())])


def _largest(found: Sequence[Region]) -> tuple[str, ...]:
    texts = list(dict.fromkeys(map(_region, found)))
    more = len(texts) - MOST_TOLD
    return (*texts[:MOST_TOLD], *([f"and {more} more"] if more > 0 else []))


def _region(region: Region) -> str:
    texts = {name: values.text if name == "dport" else _short(values.text) for name, values in region.fields}
    protocol = _without_foreign(texts.pop("proto", _ALL), region.bits)
    return " ".join([protocol, *(_WORDS[name].format(texts[name]) for name in _PLACED if name in texts)])


def _short(text: str) -> str:
    """Of many addresses or names the first ones."""
    words = text.split(",")
    return text if len(words) <= _SHOWN else f"{','.join(words[: _SHOWN - 1])} and more"


def _without_foreign(protocol: str, bits: int) -> str:
    """``not icmp,58`` of IPv4 is ``not icmp``."""
    if not protocol.startswith("not "):
        return protocol
    names = [name for name in protocol.removeprefix("not ").split(",") if name != _FOREIGN[bits]]
    return f"not {','.join(names)}" if names else _ALL


def _by_ports(flows: PacketSet) -> tuple[str, ...]:
    """The ports that they go to, and whether there are other protocols among them."""
    found = [f"{name} port {listed(ranges)}".removesuffix(f" port {_ALL}") for name, _, ranges in _ported(flows)]
    others = flows - flows.space.field("proto").among((TCP, UDP))
    return (*found, *([] if others.is_empty() else ["other protocols"]))


def ports_of(flows: PacketSet) -> tuple[str, str]:
    """The ports that flows go to: those that nearly anybody may reach, and those that only some may."""
    open_ports: list[str] = []
    others: list[str] = []
    for name, packets, ranges in _ported(flows):
        split = [(_is_open(packets, one), one) for one in _single(ranges)]
        for found, wanted in ((open_ports, True), (others, False)):
            chosen = [one for is_open, one in split if is_open is wanted]
            if chosen:
                found.append(f"{name}/{listed(_joined(chosen))}")
    return " ".join(open_ports), " ".join(others)


def _ported(flows: PacketSet) -> Iterator[tuple[str, PacketSet, list[Range]]]:
    for name, number in (("tcp", TCP), ("udp", UDP)):
        packets = flows & flows.space.field("proto").equals(number)
        if not packets.is_empty():
            yield name, packets, intervals(packets, "dport", _MOST_PORTS + 1)


def listed(ranges: Sequence[Range]) -> str:
    """Ranges of ports as text; of many the first ones, and how many more there are."""
    if list(ranges) == _EVERY_PORT:
        return _ALL
    texts = [str(low) if low == high else f"{low}-{high}" for low, high in ranges]
    more = len(texts) - _SHOWN_PORTS
    count = f"more than {_MOST_PORTS - _SHOWN_PORTS}" if len(texts) > _MOST_PORTS else f"{more} more"
    return ",".join(texts[:_SHOWN_PORTS]) + (f" and {count}" if more > 0 else "")


def _single(ranges: Sequence[Range]) -> Iterator[Range]:
    for low, high in ranges:
        if high - low < _SINGLES:
            yield from ((port, port) for port in range(low, high + 1))
        else:
            yield low, high


def _is_open(packets: PacketSet, ports: Range) -> bool:
    some = packets & packets.space.field("dport").between(*ports)
    return bool(some.onto(["src"]).size() >= _NEARLY_ALL)


def _joined(ranges: Sequence[Range]) -> list[Range]:
    """Ranges that touch as one."""
    found: list[Range] = []
    for low, high in ranges:
        touches = found and found[-1][1] + 1 == low
        found.append((found.pop()[0] if touches else low, high))
    return found
