"""The rules of the raw table that leave hot flows untracked, in both directions.

Requests are untracked in PREROUTING, answers in OUTPUT, each in front of whatever
the chains hold.  Loopback is left out on both sides, because a packet keeps over
lo the state that it got in OUTPUT: half of each local connection would be
tracked.  ``--dst-type LOCAL`` keeps forwarded flows to the same ports tracked.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.compiler.flows import PortRange
from rulec.model.protocols import NAMES

_PLACES = 15  # ports of one multiport list; a range takes two places
_TARGETS = {"ct": "CT --notrack", "notrack": "NOTRACK"}


def rules(protocol: int, ports: tuple[PortRange, ...], dialect: str) -> Iterator[str]:
    """The rules for some ports of one protocol, both directions by turns."""
    name, target = NAMES[protocol], _TARGETS[dialect]
    for chunk in _chunks(ports):
        yield f"-A PREROUTING ! -i lo -p {name} {_match(name, 'd', chunk)} -m addrtype --dst-type LOCAL -j {target}"
        yield f"-A OUTPUT ! -o lo -p {name} {_match(name, 's', chunk)} -j {target}"


def _match(protocol: str, side: str, ports: tuple[PortRange, ...]) -> str:
    if len(ports) == 1:
        return f"-m {protocol} --{side}port {_range(ports[0])}"
    return f"-m multiport --{side}ports {','.join(map(_range, ports))}"


def _range(ports: PortRange) -> str:
    return str(ports[0]) if ports[0] == ports[1] else f"{ports[0]}:{ports[1]}"


def _chunks(ports: tuple[PortRange, ...]) -> Iterator[tuple[PortRange, ...]]:
    """As many ports as fit into one multiport list at a time."""
    chunk: list[PortRange] = []
    for each in ports:
        if sum(1 if low == high else 2 for low, high in (*chunk, each)) > _PLACES:
            yield tuple(chunk)
            chunk = []
        chunk.append(each)
    yield tuple(chunk)
