"""ICMP errors about untracked flows, which are INVALID and no longer RELATED.

Such errors tell that packets are too large or do not arrive; without them
transfers hang (measured behind a hop of 1280 bytes).  What the ruleset admitted as
RELATED is admitted again by rules that look into the error: it must carry the header
of a packet of a hot flow.  They stand in front of the first rule that would drop it,
or that accepted it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from rulec.compiler.bounds import ALL, Bounds, at_hook, bounds_of_errors
from rulec.compiler.flows import Met, invalid, related
from rulec.compiler.job import Case, Job, error_paths, in_own_chain
from rulec.compiler.legs import Leg
from rulec.compiler.outcome import Declined, Plan
from rulec.model import Family, Rule
from rulec.model.protocols import NAMES, NEEDED_ERRORS
from rulec.packetset.packetset import PacketSet
from rulec.packetset.regions import cidrs
from rulec.policy.model import AddressRange, PortRange
from rulec.syntax.save import saved_rule

_MOST_RANGES = 10  # XT_U32_MAXSIZE


class _Wanted(NamedTuple):
    """Errors that need a rule: in front of which line, on what conditions, about what."""

    line: int
    chain: str
    bounds: Bounds
    types: tuple[int, ...]
    wide: bool
    protocol: int
    source: tuple[AddressRange, ...] | None
    destination: tuple[AddressRange, ...] | None
    sports: tuple[PortRange, ...]
    dports: tuple[PortRange, ...]


def plan(job: Job) -> Plan:
    """Rules for the errors that would be lost."""
    found = Plan()
    wanted: dict[_Wanted, list[Case]] = {}
    for case in job.cases:
        if case.entry.icmp_errors == "leave":
            continue
        for leg in case.flow:
            for path in error_paths(leg):
                need = _wanted(job, case, leg, path)
                if need is not None:
                    wanted.setdefault(need, []).append(case)
    for need, names in _merged(wanted).items():
        told = f"ICMP errors about untracked {NAMES[need.protocol]} flows of {', '.join(names)}"
        found.add(need.line, told, tuple(_rules(need, job.family)))
    if found:
        text = "ICMP errors that carry a header of hot flows pass, also forged ones about no flow of this host"
        job.tell(text)
    return found


def _wanted(job: Job, case: Case, leg: Leg, path: str) -> _Wanted | None:
    """What is lost of the errors about a leg on a way, and where they are to be accepted."""
    needed = job.needed_errors(case, leg, path)
    lost = job.lost(path, needed, needed & invalid(job.space))
    if lost.is_empty():
        return None
    place, accepting = _place(job, path, lost)
    if place is None:
        raise Declined(
            "ICMP errors about the flow would be lost", 0, "say icmp-errors: leave in the policy", job.witness(lost)
        )
    step = in_own_chain(place, job.now)
    asked = Bounds() if accepting is None else bounds_of_errors(accepting.step.rule)
    bounds = at_hook(asked, place.hook.name)
    (source, destination), (sports, dports) = leg.addresses, leg.ports
    wide = case.entry.icmp_errors == "wide"
    types = tuple(kind for kind in NEEDED_ERRORS[job.family] if lost.meets(job.space.field("icmp_type").equals(kind)))
    return _Wanted(
        step.line, step.chain, bounds, types, wide, leg.protocol, source, destination, sports or ALL, dports or ALL
    )


def _place(job: Job, path: str, lost: PacketSet) -> tuple[Met | None, Met | None]:
    """The first rule that drops lost errors or accepted them; and the one that accepted them."""
    dropped, accepted = lost & invalid(job.space), lost & related(job.space)
    first = None
    for met in job.now.met(path):
        accepts = met.step.table == "filter" and met.meets(met.accepts, accepted)
        if first is None and (accepts or met.meets(met.drops, dropped)):
            first = met
        if accepts:
            return first, met
    return first, None


def _merged(wanted: dict[_Wanted, list[Case]]) -> dict[_Wanted, list[str]]:
    """Those that differ by their ports alone together."""
    found: dict[_Wanted, list[str]] = {}
    for need, cases in wanted.items():
        same = next((other for other in found if _are_alike(need, other)), need)
        names = [*found.pop(same, []), *(case.entry.name for case in cases)]
        sports, dports = ({*same.sports, *need.sports}, {*same.dports, *need.dports})
        found[need._replace(sports=tuple(sorted(sports)), dports=tuple(sorted(dports)))] = list(dict.fromkeys(names))
    return found


def _are_alike(one: _Wanted, other: _Wanted) -> bool:
    return one[:-2] == other[:-2] and (
        (one.dports == other.dports == ALL and ALL not in (one.sports, other.sports))
        or (one.sports == other.sports == ALL and ALL not in (one.dports, other.dports))
    )


# ── rules ──


def _rules(need: _Wanted, family: Family) -> Iterator[str]:
    protocol = "icmp" if family is Family.IPV4 else "ipv6-icmp"
    front = saved_rule(Rule(need.chain, tuple(need.bounds.as_base(family)), need.bounds.others, None), family)
    last = "-m conntrack --ctstate INVALID -j ACCEPT"
    name, option = ("icmp", "--icmp-type") if family is Family.IPV4 else ("icmp6", "--icmpv6-type")
    for test in ("",) if need.wide else _tests(need, family):
        inside = f'-m u32 --u32 "{test}" ' if test else ""
        for kind in need.types:
            yield f"{front} -p {protocol} -m {name} {option} {kind} {inside}{last}"


def _tests(need: _Wanted, family: Family) -> Iterator[str]:
    """u32 tests: protocol, addresses and ports of the packet inside the error.

    IPv4 headers have a length of their own, outside and inside; inside an ICMPv6
    error (40 + 8 bytes) the IPv6 header has 40 bytes.  Extension headers are not
    looked behind.
    """
    at, protocol = _PLACES_INSIDE[family]
    for addresses in _addresses(need, family):
        for sports in _few(need.sports):
            for dports in _few(need.dports):
                yield "&&".join([f"{protocol}={need.protocol}", *addresses, *_ports(at, sports, dports)])


_PLACES_INSIDE = {
    Family.IPV4: ("0>>22&0x3C@8>>22&0x3C@8", "0>>22&0x3C@14&0xFF"),
    Family.IPV6: ("88", "51&0xFF"),
}
"""Where the ports of the packet inside an error stand, and its protocol."""


def _ports(at: str, sports: tuple[PortRange, ...], dports: tuple[PortRange, ...]) -> Iterator[str]:
    if sports != ALL:
        yield f"{at}>>16={_values(sports)}"
    if dports != ALL:
        yield f"{at}&0xFFFF={_values(dports)}"


def _addresses(need: _Wanted, family: Family) -> Iterator[list[str]]:
    """Tests of the addresses inside, as many as it takes; all at once for IPv4, a network at a time for IPv6."""
    if family is Family.IPV4:
        tests = ((f"0>>22&0x3C@{place}", each) for each, place in ((need.source, 20), (need.destination, 24)) if each)
        chosen = ([f"{at}={_listed(few)}" for few in _few_addresses(each)] for at, each in tests)
    else:
        places = ((each, place) for each, place in ((need.source, 56), (need.destination, 72)) if each)
        chosen = (["&&".join(_prefix(*network, place)) for network in _networks(each)] for each, place in places)
    yield from map(list, product(*chosen))


def _few_addresses(addresses: tuple[AddressRange, ...]) -> Iterator[tuple[AddressRange, ...]]:
    for start in range(0, len(addresses), _MOST_RANGES):
        yield addresses[start : start + _MOST_RANGES]


def _listed(addresses: tuple[AddressRange, ...]) -> str:
    return ",".join(_hex(each.first, each.last) for each in addresses)


def _networks(addresses: tuple[AddressRange, ...]) -> list[tuple[int, int]]:
    return cidrs([(each.first, each.last) for each in addresses], Family.IPV6.bits)


def _prefix(address: int, length: int, place: int) -> Iterator[str]:
    """The words of an address as far as its prefix goes."""
    for start in range(0, length, 32):
        word = address >> 96 - start & 0xFFFFFFFF
        bits = min(length - start, 32)
        mask = "" if bits == 32 else f"&{0xFFFFFFFF ^ (0xFFFFFFFF >> bits):#x}"
        yield f"{place + start // 8}{mask}={word:#x}"


def _hex(first: int, last: int) -> str:
    return f"{first:#x}" if first == last else f"{first:#x}:{last:#x}"


def _values(ports: tuple[PortRange, ...]) -> str:
    return ",".join(str(low) if low == high else f"{low}:{high}" for low, high in ports)


def _few(ports: tuple[PortRange, ...]) -> Iterator[tuple[PortRange, ...]]:
    for start in range(0, len(ports), _MOST_RANGES):
        yield ports[start : start + _MOST_RANGES]
