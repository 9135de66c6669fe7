"""ICMP errors about untracked flows, which are INVALID and no longer RELATED.

Such errors tell a server that its packets are too large or do not arrive; without
them transfers hang (measured behind a hop of 1280 bytes).  What the ruleset
admitted as RELATED is admitted again by rules that look into the error: it must
carry the header of one of our answers, sent from a hot port.  They stand in front
of every rule that drops INVALID packets, so that they are met.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rulec.compiler.flows import PortRange, plain_states
from rulec.compiler.outcome import Declined
from rulec.model import Family, Match, Rule
from rulec.model.protocols import ICMP, ICMPV6
from rulec.syntax.ruleset import PlacedRule
from rulec.syntax.save import saved_rule

TYPES = {Family.IPV4: (3, 11, 12), Family.IPV6: (1, 2, 3, 4)}
"""Unreachable, time exceeded, parameter problem, and for IPv6 packet too big.

Source quench and redirect (4, 5) are RELATED too, and left out.
"""

_MOST_RANGES = 10  # XT_U32_MAXSIZE
_PROTOCOL = {Family.IPV4: ICMP, Family.IPV6: ICMPV6}
_COPIED = ("--source", "--destination", "--in-interface")


@dataclass(frozen=True, slots=True)
class Admitted:
    """In front of which line the new rules belong, the rule that admitted the errors, and their types."""

    line: int
    rule: Rule
    types: tuple[int, ...]


def admitted(rules: Iterable[PlacedRule], policy: str, family: Family) -> Admitted | None:
    """Where errors about known flows are admitted now; None where nothing needs to change.

    Declined where a rule on their way is not understood.
    """
    point = 0
    for placed in rules:
        types = _types(placed.rule, family)
        target = placed.rule.target
        if not types or target is None:
            continue
        states = _states(placed)
        if states is not None and "RELATED" in states and target.name == "ACCEPT":
            return None if "INVALID" in states else Admitted(point or placed.line, placed.rule, types)
        if states is None:
            if _decides_all(placed.rule, types, family) and not point:
                return None
            _stateless(placed, bool(point))
        elif "RELATED" in states:
            raise Declined(f"{target.name} for RELATED packets would miss the errors about this flow", placed.line)
        elif "INVALID" in states and target.name != "ACCEPT":
            point = point or placed.line
    if point:
        raise Declined(
            "errors about the flow are INVALID once it is untracked, and would be dropped here", point,
            "accept RELATED packets in front of it, or say icmp-errors: leave in the policy",
        )  # fmt: skip
    return None


def _stateless(placed: PlacedRule, between: bool) -> None:
    """A rule without state stays as it is, unless the new rules would overtake it."""
    target = placed.rule.target
    assert target is not None
    follows = target.goto or not (target.extends or target.name in ("ACCEPT", "DROP"))
    if follows or (between and target.name != "ACCEPT"):
        raise Declined(
            f"{target.name} may decide on ICMP errors about this flow, which is not carried over yet", placed.line
        )


def _states(placed: PlacedRule) -> frozenset[str] | None:
    """The states that the rule asks for, None for a rule without; Declined for more than plain states."""
    found: frozenset[str] | None = None
    for match in placed.rule.matches:
        if match.name in ("state", "conntrack"):
            states = plain_states(match)
            if states is None or found is not None:
                raise Declined("the rule asks for more than a plain list of states", placed.line)
            found = states
    return found


def _types(rule: Rule, family: Family) -> tuple[int, ...]:
    """The types of errors that the rule may match; packets on lo stay tracked and do not count."""
    protocol, interface = rule.option("--protocol"), rule.option("--in-interface")
    if protocol is not None and (protocol.value == _PROTOCOL[family]) == protocol.negated and protocol.value:
        return ()
    if interface is not None and interface.value == "lo" and not interface.negated:
        return ()
    types = TYPES[family]
    for match in rule.matches:
        if match.name in ("icmp", "icmp6"):
            types = tuple(kind for kind in types if _may_be(match, kind))
    return types


def _may_be(match: Match, kind: int) -> bool:
    (use,) = match.uses
    asked, first, last = use.value
    same = asked in (kind, 255)
    if use.negated:
        return not (same and (first, last) == (0, 255))
    return same


def _decides_all(rule: Rule, types: tuple[int, ...], family: Family) -> bool:
    """Whether a rule without state decides on every error."""
    plain = all(match.name == "comment" for match in rule.matches)
    unbounded = not any(rule.option(name) for name in (*_COPIED, "--fragments"))
    target = rule.target
    ends = target is not None and not target.goto and target.name in ("ACCEPT", "DROP", "REJECT")
    return plain and unbounded and types == TYPES[family] and ends


def rules(found: Admitted, protocol: int, ports: tuple[PortRange, ...], family: Family) -> Iterator[str]:
    """Rules that admit errors which carry an answer of ours from one of the ports."""
    base = tuple(use for use in found.rule.base if use.option in _COPIED)
    if any(match.name not in ("state", "conntrack", "comment", "icmp", "icmp6") for match in found.rule.matches):
        raise Declined("the rule that admits RELATED packets has conditions that cannot be carried over yet")
    front = saved_rule(Rule("INPUT", base, (), None), family)
    name, option = ("icmp", "--icmp-type") if family is Family.IPV4 else ("icmp6", "--icmpv6-type")
    outer = "icmp" if family is Family.IPV4 else "ipv6-icmp"
    for start in range(0, len(ports), _MOST_RANGES):
        test = _embedded(protocol, ports[start : start + _MOST_RANGES], family)
        for kind in found.types:
            yield (
                f'{front} -p {outer} -m {name} {option} {kind} -m u32 --u32 "{test}"'
                " -m conntrack --ctstate INVALID -j ACCEPT"
            )


def _embedded(protocol: int, ports: tuple[PortRange, ...], family: Family) -> str:
    """A u32 test: the packet inside the error is of this protocol and from one of these ports.

    IPv4 headers have a length of their own, outside and inside; inside an ICMPv6
    error (40 + 8 bytes) the IPv6 header has 40 bytes, without extension headers.
    """
    values = ",".join(f"{_hex(low)}" if low == high else f"{_hex(low)}:{_hex(high)}" for low, high in ports)
    if family is Family.IPV4:
        return f"0x0>>0x16&0x3c@0xe&0xff={_hex(protocol)}&&0x0>>0x16&0x3c@0x8>>0x16&0x3c@0x8>>0x10={values}"
    return f"0x33&0xff={_hex(protocol)}&&0x58>>0x10={values}"


def _hex(value: int) -> str:
    return f"{value:#x}"
