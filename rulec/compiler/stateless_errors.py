"""ICMP errors about flows that are not tracked: known by the packet that they carry, no longer RELATED."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from rulec.catalogue.targets.REJECT import TCP_RESET
from rulec.catalogue.values.addresses import prefix_mask
from rulec.compiler.bounds import ALL, Bounds, bounds_of_errors, turned
from rulec.compiler.job import in_own_chain
from rulec.compiler.outcome import Added
from rulec.compiler.stateless_flows import Admitted, Place, Work, error_ways
from rulec.compiler.stateless_plan import ports_together
from rulec.model import Family, Rule, Target
from rulec.model.protocols import NEEDED_ERRORS
from rulec.packetset.packetset import PacketSet
from rulec.packetset.regions import cidrs
from rulec.policy.conflicts import meet
from rulec.semantics.paths import PATHS
from rulec.syntax.save import saved_rule

_MOST_RANGES = 10  # XT_U32_MAXSIZE
_WITH_PORTS = (6, 17, 33, 132, 136)
_UNREACHABLE = {Family.IPV4: 3, Family.IPV6: 1}
_ACCEPT = Target("ACCEPT")
Ranges = tuple[tuple[int, int], ...]


class _Wanted(NamedTuple):
    """Errors that need a rule: in front of which line, on what conditions, about what."""

    line: int
    chain: str
    target: str
    outside: Bounds
    types: tuple[int, ...]
    protocol: int | None
    ends: tuple[tuple[str, Ranges], ...]
    sports: Ranges
    dports: Ranges


def plan(work: Work) -> list[Added]:
    """Rules for the errors that would be lost."""
    found: dict[_Wanted, list[str]] = {}
    covered = dict.fromkeys(PATHS, work.space.nothing)
    for flow, way, answers, errors in _needed(work):
        lost = work.lost(way, errors) - covered[way]
        if not lost.is_empty():
            covered[way] |= errors
            wide = (flow.entry or work.policy).icmp_errors == "wide"
            _put(found, _wanted(work, flow, way, answers, lost, wide), flow.name)
    for need in [each for each in found if not any(_tests(each, work.family))]:
        for other in [each for each in found if each != need and each[:5] == need[:5]]:
            found[need] += found.pop(other)
    return [
        Added(need.line, f"ICMP errors: {', '.join(dict.fromkeys(names))}", tuple(_rules(need, work.family)))
        for need, names in found.items()
    ]


def _needed(work: Work) -> Iterator[tuple[Admitted, str, bool, PacketSet]]:
    """The errors that passed, and those by which REJECT answers: about flows, on which way, whether about answers."""
    for flow in sorted(work.admitted, key=_asks):
        if (flow.entry or work.policy).icmp_errors != "leave":
            for way, answers in error_ways(flow):
                yield flow, way, answers, work.errors_about(flow, way, answers)
    unreachable = work.pair.icmp((_UNREACHABLE[work.family],))
    for flow in work.refused if work.policy.icmp_errors != "leave" else ():
        if flow.path == "input" and not by_reset(flow):
            yield flow, "output", False, work.errors_about(flow, "output", False) & unreachable


def by_reset(flow: Admitted) -> bool:
    """Whether the rule that refuses flows answers by a reset."""
    target = flow.met.step.rule.target if flow.met is not None else None
    return target is not None and any(use.value == TCP_RESET for use in target.uses)


def _asks(flow: Admitted) -> int:
    """How much is asked of flows: what asks nothing is for all of them."""
    return len(flow.bounds.ends) + len(flow.bounds.others) + (flow.bounds.protocol is not None)


def _put(found: dict[_Wanted, list[str]], need: _Wanted, name: str) -> None:
    """Together with one that differs by its ports alone."""
    same = next((other for other in found if _are_alike(need, other)), None)
    if same is None:
        found[need] = [name]
        return
    names = [*found.pop(same), name]
    sports, dports = ports_together(same.sports, need.sports), ports_together(same.dports, need.dports)
    found[need._replace(sports=sports, dports=dports)] = names


def _are_alike(one: _Wanted, other: _Wanted) -> bool:
    return one[:-2] == other[:-2] and (one.dports == other.dports or one.sports == other.sports)


def _wanted(work: Work, flow: Admitted, way: str, answers: bool, lost: PacketSet, wide: bool) -> _Wanted:
    key = flow.entry, flow.met, flow.bounds, way, answers, "errors"
    place = work.place(way, lost, lambda line: (*key, line) in work.used)
    work.used.add((*key, place.line))
    step = in_own_chain(place.met, work.old if place.is_taken_out else work.now)
    line = place.line if step is place.met.step else step.line
    if not place.is_taken_out:
        line = work.draft.origin(step.line)
    types = tuple(kind for kind in NEEDED_ERRORS[work.family] if lost.meets(work.space.field("icmp_type").equals(kind)))
    about = turned(flow.bounds, "") if answers else flow.bounds
    has_ports = about.protocol in _WITH_PORTS and not wide
    return _Wanted(
        line, step.chain, _target(place, step is place.met.step), _outside(place), types,
        None if wide else about.protocol,
        () if wide else tuple(_ends(about, work.family)),
        about.sports if has_ports else ALL,
        about.dports if has_ports else ALL,
    )  # fmt: skip


def _target(place: Place, is_there: bool) -> str:
    """Where the rule sent them that was taken out."""
    target = place.met.step.rule.target if place.is_taken_out else None
    if target is None or target.extends or (target.name == "RETURN" and not is_there):
        target = _ACCEPT
    return f"{'-g' if target.goto else '-j'} {target.name}"


def _outside(place: Place) -> Bounds:
    """What the rule that was taken out asks of where errors come from and go to."""
    return bounds_of_errors(place.met.step.rule) if place.is_taken_out else Bounds()


def _ends(bounds: Bounds, family: Family) -> Iterator[tuple[str, Ranges]]:
    """The addresses of the packet inside."""
    last = (1 << family.bits) - 1
    asked = [(side, negated, value, True) for side, negated, value in bounds.ends if isinstance(value, tuple)]
    ranges_asked = (use for match in bounds.others if match.name == "iprange" for use in match.uses)
    asked += [(use.option[2:5], use.negated, tuple(use.value), False) for use in ranges_asked]
    for side in ("src", "dst"):
        ranges: Ranges = ((0, last),)
        for _, negated, value, is_network in (each for each in asked if each[0] == side):
            low, high = (value[0] & value[1], value[0] & value[1] | (value[1] ^ last)) if is_network else value
            kept = ((0, low - 1), (high + 1, last)) if negated else ((low, high),)
            ranges = tuple(meet(ranges, tuple((a, b) for a, b in kept if a <= b)))
        if ranges != ((0, last),):
            yield side, ranges


# ── rules ──


def _rules(need: _Wanted, family: Family) -> Iterator[str]:
    protocol = "icmp" if family is Family.IPV4 else "ipv6-icmp"
    front = saved_rule(Rule(need.chain, tuple(need.outside.as_base(family)), need.outside.others, None), family)
    name, option = ("icmp", "--icmp-type") if family is Family.IPV4 else ("icmp6", "--icmpv6-type")
    for test in _tests(need, family):
        inside = f'-m u32 --u32 "{test}" ' if test else ""
        for kind in need.types:
            yield f"{front} -p {protocol} -m {name} {option} {kind} {inside}{need.target}"


def _tests(need: _Wanted, family: Family) -> Iterator[str]:
    """u32 tests: protocol, addresses and ports of the packet inside the error.

    IPv4 headers have a length of their own, outside and inside; inside an ICMPv6
    error (40 + 8 bytes) the IPv6 header has 40 bytes.  Extension headers are not
    looked behind.
    """
    v4 = family is Family.IPV4
    protocol = list(_protocol("0>>22&0x3C@14" if v4 else "51", need))
    addresses = [list(_addresses(*end) if v4 else _addresses6(*end)) for end in need.ends]
    for ends in product(*addresses):
        for sports, dports in product(_few(need.sports), _few(need.dports)):
            ports = _ports("0>>22&0x3C@8>>22&0x3C@8" if v4 else "88", sports, dports)
            yield "&&".join([*protocol, *filter(None, ends), *ports])


def _protocol(at: str, need: _Wanted) -> Iterator[str]:
    if need.protocol is not None:
        yield f"{at}&0xFF={need.protocol}"


def _ports(at: str, sports: Ranges, dports: Ranges) -> Iterator[str]:
    if sports != ALL:
        yield f"{at}>>16={_values(sports)}"
    if dports != ALL:
        yield f"{at}&0xFFFF={_values(dports)}"


def _addresses(side: str, ranges: Ranges) -> Iterator[str]:
    for few in _few(ranges):
        yield f"0>>22&0x3C@{20 if side == 'src' else 24}={','.join(_hex(*each) for each in few)}"


def _addresses6(side: str, ranges: Ranges) -> Iterator[str]:
    """Prefix by prefix, and word by word."""
    place = 56 if side == "src" else 72
    for address, length in cidrs(list(ranges), 128):
        words = []
        for index in range(0, length, 32):
            word, mask = (each >> (96 - index) & 0xFFFFFFFF for each in (address, prefix_mask(Family.IPV6, length)))
            words.append(f"{place + index // 8}{'' if mask == 0xFFFFFFFF else f'&{mask:#x}'}={word:#x}")
        yield "&&".join(words)


def _hex(first: int, last: int) -> str:
    return f"{first:#x}" if first == last else f"{first:#x}:{last:#x}"


def _values(ports: Ranges) -> str:
    return ",".join(str(low) if low == high else f"{low}:{high}" for low, high in ports)


def _few(ports: Ranges) -> Iterator[Ranges]:
    for start in range(0, len(ports), _MOST_RANGES):
        yield ports[start : start + _MOST_RANGES]
