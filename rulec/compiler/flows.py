"""What a rule of INPUT says to the requests of a hot flow, as far as can be told rule by rule.

A request is a packet from elsewhere to one of the hot ports of this host: it comes
in by an interface other than lo and its destination is LOCAL.  Only conditions
that all packets of a flow share are understood (protocol, addresses, ports,
interface, type of address, comments) and one plain match on the state; any other
condition is named, and whoever asks must decline.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from rulec.catalogue.values.addresses import Addressed
from rulec.model import Match, Rule, Use

PortRange = tuple[int, int]


@dataclass(frozen=True, slots=True)
class HotFlow:
    """The requests to some ports of this host by one protocol."""

    protocol: int
    ports: tuple[PortRange, ...]


class Extent(Enum):
    """How many of the requests a condition admits."""

    NONE = 0
    SOME = 1
    ALL = 2


@dataclass(frozen=True, slots=True)
class Relation:
    """What a rule says to the requests of a flow.

    ``extent`` counts the conditions on the flow, without the state; ``states``
    are those that the rule asks for, None for no such match; ``names_ports``
    tells whether the rule itself is for this protocol and certain ports;
    ``strange`` is what is not understood.
    """

    extent: Extent
    states: frozenset[str] | None = None
    names_ports: bool = False
    strange: str = ""


def relation(rule: Rule, flow: HotFlow) -> Relation:
    """What the rule says to the requests of the flow."""
    extents = [_base_extent(use, flow) for use in rule.base]
    states: frozenset[str] | None = None
    strange, names_ports = "", False
    for match in rule.matches:
        if match.name in ("state", "conntrack") and states is None and plain_states(match) is not None:
            states = plain_states(match)
            continue
        reader = _MATCHES.get(match.name)
        extent = reader(match, flow) if reader else None
        if extent is None:
            strange = strange or _strange(match)
            extent = Extent.SOME
        names_ports = names_ports or _names_ports(match)
        extents.append(extent)
    if rule.option("--fragments") is not None:
        strange = strange or "-f"
    smallest = min(extents, key=lambda extent: extent.value, default=Extent.ALL)
    return Relation(smallest, states, names_ports and _of_protocol(rule, flow), strange)


def _strange(match: Match) -> str:
    """What of a match is not understood."""
    if match.name in _MATCHES:
        return " ".join(use.option for use in match.uses if use.option not in _PORT_OPTIONS)
    return f"-m {match.name}"


_PORT_OPTIONS = frozenset(("--dport", "--sport", "--dports", "--sports"))


def plain_states(match: Match) -> frozenset[str] | None:
    """The states of a match that asks for nothing but states, without ``!``; None for any other."""
    if len(match.uses) != 1 or match.uses[0].option not in ("--state", "--ctstate") or match.uses[0].negated:
        return None
    return frozenset(match.uses[0].value)


def _of_protocol(rule: Rule, flow: HotFlow) -> bool:
    use = rule.option("--protocol")
    return use is not None and not use.negated and use.value == flow.protocol


def _names_ports(match: Match) -> bool:
    return any(use.option in ("--dport", "--dports") and not use.negated for use in match.uses)


def _base_extent(use: Use, flow: HotFlow) -> Extent:
    if use.option == "--protocol":
        same = use.value in (0, flow.protocol)
        return Extent.ALL if same != use.negated else Extent.NONE
    if use.option == "--in-interface":
        return _interface_extent(use)
    if isinstance(use.value, Addressed):
        return Extent.ALL if use.value[1] == 0 and not use.negated else Extent.SOME
    return Extent.SOME if use.option == "--fragments" else Extent.ALL


def _interface_extent(use: Use) -> Extent:
    if use.value == "lo":
        return Extent.ALL if use.negated else Extent.NONE
    return Extent.ALL if use.value == "+" and not use.negated else Extent.SOME


def _ports_extent(ranges: tuple[PortRange, ...], hot: tuple[PortRange, ...]) -> Extent:
    covered = [any(low <= first and last <= high for low, high in ranges) for first, last in hot]
    if all(covered):
        return Extent.ALL
    touched = any(low <= last and first <= high for first, last in hot for low, high in ranges)
    return Extent.SOME if touched else Extent.NONE


def _inverted(extent: Extent, negated: bool) -> Extent:
    return Extent(2 - extent.value) if negated else extent


def _port_match(match: Match, flow: HotFlow) -> Extent | None:
    return _smallest(_port_uses(match, flow))


def _port_uses(match: Match, flow: HotFlow) -> Iterator[Extent | None]:
    for use in match.uses:
        ranges = (use.value,) if use.option in ("--dport", "--sport") else use.value
        if use.option in ("--dport", "--dports"):
            yield _inverted(_ports_extent(ranges, flow.ports), use.negated)
        elif use.option in ("--sport", "--sports"):
            yield _inverted(_ports_extent(ranges, ((0, 65535),)), use.negated)
        else:
            yield None


def _smallest(extents: Iterator[Extent | None]) -> Extent | None:
    smallest = Extent.ALL
    unknown = False
    for extent in extents:
        if extent is None:
            unknown = True
        elif extent.value < smallest.value:
            smallest = extent
    return None if unknown and smallest is not Extent.NONE else smallest


def _address_type(match: Match, flow: HotFlow) -> Extent | None:
    """Requests go to LOCAL addresses.

    For IPv6 these are UNICAST or ANYCAST too, and of a list all must hold at once
    (net/netfilter/xt_addrtype.c).
    """
    (use, *more) = match.uses
    if more or use.option != "--dst-type" or _LOCAL_TOO.intersection(use.value):
        return Extent.SOME
    if "LOCAL" not in use.value:
        return _inverted(Extent.NONE, use.negated)
    return _inverted(Extent.ALL, use.negated) if len(use.value) == 1 else Extent.SOME


_LOCAL_TOO = frozenset(("UNICAST", "ANYCAST"))


_MATCHES: dict[str, Callable[[Match, HotFlow], Extent | None]] = {
    "tcp": _port_match,
    "udp": _port_match,
    "multiport": _port_match,
    "comment": lambda match, flow: Extent.ALL,
    "iprange": lambda match, flow: Extent.SOME,
    "addrtype": _address_type,
    "icmp": lambda match, flow: Extent.NONE,
    "icmp6": lambda match, flow: Extent.NONE,
}
"""The matches that are understood; each tells how many requests it admits, or None."""
