"""What a rule asks of the flow that a packet is of, so that it can be put together with another, turned round, written.

Addresses, ports, interfaces, type of address and sets are the same for all
packets of one direction.  What is asked of single packets (flags, length) or of a
memory (limit, recent) is kept apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from rulec.catalogue.values.addresses import Addressed, pairs, prefix_mask
from rulec.compiler.legs import Leg
from rulec.compiler.outcome import Declined
from rulec.model import Family, Match, Rule, Target, Use
from rulec.model.protocols import ICMP, ICMPV6, NAMES, TCP
from rulec.policy.conflicts import meet
from rulec.policy.model import AddressRange, PortRange
from rulec.semantics.opaque import has_memory

Ranges = tuple[PortRange, ...]
Network = tuple[int, int]

ALL: Ranges = ((0, 65535),)
PLACES = 15
"""Ports of one multiport list; a range takes two places (XT_MULTI_PORTS)."""

_MANY = 1024
STATE_MATCHES = ("state", "conntrack")
_OF_FLOWS = frozenset(("addrtype", "iprange", "set", "mac", "physdev", "owner", "policy", "geoip", "mark", "devgroup",
                       "pkttype", "realm", "cgroup", "rpfilter"))  # fmt: skip
_SIDES = {"--source": "src", "--destination": "dst", "--in-interface": "in", "--out-interface": "out"}
_TURNED = {"src": "dst", "dst": "src", "in": "out", "out": "in"}
_TURNED_OPTIONS = {"--src-type": "--dst-type", "--src-range": "--dst-range"}
_TURNED_OPTIONS |= {other: one for one, other in _TURNED_OPTIONS.items()}
_ORIGINAL = {"--ctorigsrc": "src", "--ctorigdst": "dst"}
_ORIGINAL_PORTS = {"--ctorigsrcport": "sport", "--ctorigdstport": "dport"}


class Bounds(NamedTuple):
    """What is asked of a flow: the protocol, where it comes from and goes to, and other matches.

    ``ends`` are addresses and interfaces by side: src, dst, in, out; each with
    whether it is negated.  ``rest`` is what is asked of single packets.
    """

    protocol: int | None = None
    ends: tuple[tuple[str, bool, object], ...] = ()
    sports: Ranges = ALL
    dports: Ranges = ALL
    icmp_type: int | None = None
    others: tuple[Match, ...] = ()
    rest: tuple[Match, ...] = ()

    @property
    def names_ports(self) -> bool:
        """Whether it is for certain ports of one protocol, not for most of them, or for one kind of message."""
        count = sum(high - low + 1 for low, high in self.dports)
        return self.protocol is not None and (count <= _MANY or self.icmp_type is not None)

    @property
    def asks_nothing_more(self) -> bool:
        """Whether nothing is asked but protocol and ports."""
        return not (self.ends or self.others)

    def as_base(self, family: Family) -> Iterator[Use]:
        """What is asked by iptables' own options."""
        for option, side in _SIDES.items():
            for each, negated, value in self.ends:
                if each == side:
                    yield Use(option, negated, Addressed(family, value) if isinstance(value, tuple) else value)
        if self.protocol is not None:
            yield Use("--protocol", False, self.protocol)


# ── from rules and legs ──


def of_rule(rule: Rule) -> Bounds:
    """What a rule asks; Declined where that cannot be said once more in another rule."""
    found = Bounds(ends=tuple(_ends(rule)))
    protocol = rule.option("--protocol")
    if protocol is not None and protocol.value:
        if protocol.negated:
            raise Declined("the rule says which protocol it is not for", 0)
        found = found._replace(protocol=protocol.value)
    for match in rule.matches:
        found = _with_match(found, match)
    return found


def _ends(rule: Rule) -> Iterator[tuple[str, bool, object]]:
    for use in rule.base:
        if use.option in ("--source", "--destination"):
            (network,) = pairs(use.value)
            if network[1] or use.negated:
                yield _SIDES[use.option], use.negated, network
        elif use.option in _SIDES and use.value != "+":
            yield _SIDES[use.option], use.negated, use.value


def _with_match(bounds: Bounds, match: Match) -> Bounds:
    if match.name in STATE_MATCHES:
        return _with_tuple(bounds, match)
    if match.name == "comment":
        return bounds
    if match.name in ("tcp", "udp", "udplite", "sctp", "dccp", "multiport"):
        return _with_ports(bounds, match)
    if match.name in ("icmp", "icmp6") and len(match.uses) == 1 and not match.uses[0].negated:
        kind, first, last = match.uses[0].value
        if (first, last) == (0, 255) and kind != 255:
            return bounds._replace(icmp_type=kind)
    if match.name in _OF_FLOWS and not has_memory(match):
        return bounds._replace(others=(*bounds.others, match))
    return bounds._replace(rest=(*bounds.rest, match))


def _with_ports(bounds: Bounds, match: Match) -> Bounds:
    kept = []
    for use in match.uses:
        if use.option in ("--sport", "--dport", "--sports", "--dports"):
            ranges = (use.value,) if use.option in ("--sport", "--dport") else use.value
            bounds = _with_range(bounds, use.option[2:].rstrip("s") + "s", ranges, use.negated)
        else:
            kept.append(use)
    return bounds._replace(rest=(*bounds.rest, match._replace(uses=tuple(kept)))) if kept else bounds


def _with_range(bounds: Bounds, field: str, ranges: Ranges, negated: bool) -> Bounds:
    asked = tuple(_complement(ranges)) if negated else tuple(sorted(ranges))
    known: Ranges = bounds.sports if field == "sports" else bounds.dports
    both = tuple(meet(known, asked))
    return bounds._replace(sports=both) if field == "sports" else bounds._replace(dports=both)


def _complement(ranges: Ranges) -> Iterator[PortRange]:
    start = 0
    for low, high in sorted(ranges):
        if start < low:
            yield start, low - 1
        start = max(start, high + 1)
    if start <= 65535:
        yield start, 65535


def _with_tuple(bounds: Bounds, match: Match) -> Bounds:
    """What is asked of the connection, asked of the packet: the same for its own direction."""
    for use in match.uses:
        if use.option in ("--state", "--ctstate"):
            continue
        if use.option in _ORIGINAL:
            bounds = together(bounds, Bounds(ends=((_ORIGINAL[use.option], use.negated, use.value),)))
        elif use.option in _ORIGINAL_PORTS:
            bounds = _with_range(bounds, _ORIGINAL_PORTS[use.option] + "s", (use.value,), use.negated)
        elif use.option == "--ctproto" and not use.negated:
            bounds = together(bounds, Bounds(protocol=use.value))
        else:
            raise Declined(f"untracked packets have no {use.option}, which the rule asks for", 0)
    return bounds


def of_leg(leg: Leg) -> Bounds:
    """What all packets of a leg have in common, as far as one rule can say it."""
    source, destination = leg.addresses
    ends = [(side, False, network) for side, each in (("src", source), ("dst", destination)) for network in _one(each)]
    sports, dports = (ALL if ports is None else ports for ports in leg.ports)
    return Bounds(leg.protocol, tuple(ends), sports, dports, leg.icmp_type)


def _one(addresses: tuple[AddressRange, ...] | None) -> list[Network]:
    """The network that some addresses make, if they make just one."""
    if addresses is None or len(addresses) != 1:
        return []
    network = as_network(addresses[0])
    return [] if network is None else [network]


def as_network(addresses: AddressRange) -> Network | None:
    """A range as a network, None where it is none."""
    family, first, last = addresses
    length = family.bits - (first ^ last).bit_length()
    mask = prefix_mask(family, length)
    return (
        (first, mask) if first & mask == first and last == first | (mask ^ prefix_mask(family, family.bits)) else None
    )


def bounds_of_errors(rule: Rule) -> Bounds:
    """What a rule asks of the errors that it accepts: where they come from and go to."""
    try:
        found = of_rule(rule)
    except Declined:
        return Bounds()
    return Bounds(ends=found.ends, others=found.others)


# ── two together, and the other way round ──


def together(one: Bounds, other: Bounds) -> Bounds:
    """What both ask; Declined where no rule can ask for both."""
    if None not in (one.protocol, other.protocol) and one.protocol != other.protocol:
        raise Declined("two rules ask for different protocols", 0)
    ends = list(one.ends)
    for end in other.ends:
        ends = _with_end(ends, end)
    kinds = {kind for kind in (one.icmp_type, other.icmp_type) if kind is not None}
    return Bounds(
        other.protocol if one.protocol is None else one.protocol,
        tuple(ends),
        tuple(meet(one.sports, other.sports)),
        tuple(meet(one.dports, other.dports)),
        min(kinds, default=None),
        tuple(dict.fromkeys((*one.others, *other.others))),
        tuple(dict.fromkeys((*one.rest, *other.rest))),
    )


End = tuple[str, bool, object]


def _with_end(ends: list[End], end: End) -> list[End]:
    side = next((each for each in ends if each[0] == end[0]), None)
    if side is None:
        return [*ends, end]
    others = [each for each in ends if each is not side]
    if _within(side, end):
        return ends
    if _within(end, side):
        return [*others, end]
    raise Declined("two rules ask for different addresses or interfaces, which one rule cannot", 0)


def _within(one: End, other: End) -> bool:
    """Whether what one end asks for implies the other."""
    if one == other:
        return True
    _, negated, value = one
    _, not_other, wanted = other
    if negated:
        return False
    if isinstance(value, str) and isinstance(wanted, str):
        begins = value.startswith(wanted[:-1]) if wanted.endswith("+") else value == wanted
        return begins != not_other and (not_other is False or not value.endswith("+"))
    assert isinstance(value, tuple)
    assert isinstance(wanted, tuple)
    (address, mask), (other_address, other_mask) = value, wanted
    if not_other:
        return bool((address ^ other_address) & mask & other_mask)
    return bool(address & other_mask == other_address and mask & other_mask == other_mask)


def at_hook(bounds: Bounds, hook: str) -> Bounds:
    """The same, asked at a hook where packets may have but one interface."""
    return bounds._replace(ends=_at(hook, bounds.ends))


def _at(hook: str, ends: tuple[End, ...]) -> tuple[End, ...]:
    has = {"INPUT": ("in",), "OUTPUT": ("out",), "PREROUTING": ("in",), "POSTROUTING": ("out",)}.get(
        hook, ("in", "out")
    )
    return tuple(end for end in ends if end[0] in ("src", "dst", *has))


def turned(bounds: Bounds, hook: str) -> Bounds:
    """The same asked of the answers, at a hook; what only one end knows is left out."""
    ends = tuple((_TURNED[side], negated, value) for side, negated, value in bounds.ends)
    others = (_turned_match(match) for match in bounds.others)
    kind = bounds.icmp_type
    return Bounds(
        bounds.protocol,
        _at(hook, ends),
        bounds.dports,
        bounds.sports,
        None if kind is None else {8: 0, 0: 8, 128: 129, 129: 128}.get(kind, kind),
        tuple(match for match in others if match is not None),
    )


def is_turnable(bounds: Bounds) -> bool:
    """Whether all that is asked besides ends and ports can be asked of the answers, too: a mark cannot."""
    return all(_turned_match(match) is not None for match in bounds.others)


def _turned_match(match: Match) -> Match | None:
    if match.name in ("addrtype", "iprange"):
        uses = (use._replace(option=_TURNED_OPTIONS.get(use.option, use.option)) for use in match.uses)
        return match._replace(uses=tuple(sorted(uses, key=lambda use: use.option, reverse=True)))
    if match.name == "set":
        return match._replace(uses=tuple(_turned_set(use) for use in match.uses))
    return None


def _turned_set(use: Use) -> Use:
    if use.option != "--match-set":
        return use
    name, sides = use.value
    return use._replace(value=(name, tuple(_TURNED.get(side, side) for side in sides)))


# ── to rules ──


def rules(
    chain: str,
    bounds: Bounds,
    states: tuple[str, ...],
    target: Target,
    family: Family,
    syn: bool | None = None,
    whole: bool = False,
) -> Iterator[Rule]:
    """Rules that ask for all that, and for one of some states, where there are any.

    Of TCP packets with SYN and without ACK, with which connections begin, are left
    out where ``syn`` is False, and all others where it is True; ``whole`` asks of
    single packets, too, what is asked of them.
    """
    base = tuple(bounds.as_base(family))
    state = (Match("conntrack", (Use("--ctstate", False, states),)),) if states else ()
    flags = Use("--tcp-flags", not syn, (18, 2))
    for sports, dports in product(chunks(bounds.sports), chunks(bounds.dports)):
        matches = [*_port_matches(bounds, sports, dports)]
        if syn is not None and bounds.protocol == TCP:
            own = next((match for match in matches if match.name == "tcp"), Match("tcp", ()))
            matches = [own._replace(uses=(*own.uses, flags)), *(match for match in matches if match.name != "tcp")]
        if bounds.icmp_type is not None:
            name = ("icmp", "--icmp-type") if family is Family.IPV4 else ("icmp6", "--icmpv6-type")
            matches.append(Match(name[0], (Use(name[1], False, (bounds.icmp_type, 0, 255)),)))
        yield Rule(chain, base, (*_merged(matches, bounds.rest if whole else ()), *bounds.others, *state), target)


def _merged(matches: list[Match], rest: tuple[Match, ...]) -> list[Match]:
    """Matches with what is asked of single packets; two of the same name become one where no option stands twice."""
    found = list(matches)
    for match in rest:
        alike = (index for index, each in enumerate(found) if each.name == match.name == "tcp")
        same = next((index for index in alike if not _options(found[index]) & _options(match)), None)
        if same is None:
            found.append(match)
        else:
            found[same] = match._replace(uses=(*found[same].uses, *match.uses))
    return found


def _options(match: Match) -> set[str]:
    """What a match asks for; ``--syn`` is short for flags."""
    return {"--tcp-flags" if use.option == "--syn" else use.option for use in match.uses}


def _port_matches(bounds: Bounds, sports: Ranges, dports: Ranges) -> Iterator[Match]:
    if bounds.protocol is None or bounds.protocol in (ICMP, ICMPV6):
        return
    single = [(name, ports[0]) for name, ports in (("--sport", sports), ("--dport", dports)) if _is_one(ports)]
    if single:
        yield Match(NAMES[bounds.protocol], tuple(Use(name, False, ports) for name, ports in single))
    for name, ports in (("--sports", sports), ("--dports", dports)):
        if len(ports) > 1:
            yield Match("multiport", (Use(name, False, ports),))


def _is_one(ports: Ranges) -> bool:
    return len(ports) == 1 and ports != ALL


def chunks(ports: Ranges) -> Iterator[Ranges]:
    """As many ports as fit into one multiport list at a time."""
    chunk: list[PortRange] = []
    for each in ports:
        if sum(1 if low == high else 2 for low, high in (*chunk, each)) > PLACES:
            yield tuple(chunk)
            chunk = []
        chunk.append(each)
    yield tuple(chunk)
