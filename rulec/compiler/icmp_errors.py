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
from rulec.model import Family, Match, Rule, Target
from rulec.model.protocols import ICMP, ICMPV6, UDP
from rulec.syntax.ruleset import PlacedRule
from rulec.syntax.save import saved_rule

TYPES = {Family.IPV4: (3, 11, 12), Family.IPV6: (1, 2, 3, 4)}
"""Unreachable, time exceeded, parameter problem, and for IPv6 packet too big.

Source quench and redirect (4, 5) are RELATED too, and left out.
"""

_MOST_RANGES = 10  # XT_U32_MAXSIZE
_PROTOCOL = {Family.IPV4: ICMP, Family.IPV6: ICMPV6}
_LOGGING = frozenset(("LOG", "NFLOG", "ULOG", "AUDIT"))
_COPIED = ("--source", "--destination", "--in-interface")


@dataclass(frozen=True, slots=True)
class Admitted:
    """In front of which line the new rules belong, the rule that admitted the errors, and their types."""

    line: int
    rule: Rule
    types: tuple[int, ...]


@dataclass(slots=True)
class _Way:
    """What has been met on the way of errors through INPUT: lines, 0 for none."""

    point: int = 0  # the first rule that asks for INVALID: new rules belong in front of it
    lost: int = 0  # the first rule that may drop INVALID errors
    otherwise: int = 0  # behind that, a rule that admits errors whatever their state
    widened: int = 0  # a rule that accepts errors once they are INVALID
    found: Admitted | None = None


def admitted(rules: Iterable[PlacedRule], policy: str, family: Family) -> Admitted | None:
    """Where errors about known flows are admitted now; None where nothing needs to change.

    Declined where a rule on their way is not understood.
    """
    way = _Way()
    rest = policy != "DROP"
    for placed in rules:
        types, target = _types(placed.rule, family), placed.rule.target
        if not types or target is None:
            continue
        states = _states(placed)
        if states is None and _decides_all(placed.rule, types, family):
            rest = target.name == "ACCEPT"
            break
        _pass(way, placed, states, types)
        if way.found is not None and _unbounded(way.found.rule, types, family):
            return way.found
    return _outcome(way, rest, family)


def _outcome(way: _Way, rest: bool, family: Family) -> Admitted | None:
    """What is to be done after all rules; ``rest`` tells whether errors that no rule was for are accepted."""
    if way.lost and rest and way.found is None:
        return Admitted(way.point, Rule("INPUT", (), (), None), TYPES[family])
    if way.lost and (way.otherwise or rest):
        raise Declined(
            "errors about the flow are INVALID once it is untracked, and would be dropped here",
            way.lost,
            "accept RELATED packets in front of it, or say icmp-errors: leave in the policy",
        )
    if way.widened and not rest:
        raise Declined(
            "errors about the flow are INVALID once it is untracked, and would be accepted here",
            way.widened,
            "accept RELATED packets behind it",
        )
    return way.found


def _pass(way: _Way, placed: PlacedRule, states: frozenset[str] | None, types: tuple[int, ...]) -> None:
    """What a rule that does not decide on all errors means for them."""
    target = placed.rule.target
    assert target is not None
    if states is None:
        _stateless(way, placed, target)
    elif "RELATED" in states:
        way.found = _admitting(placed, target, types, way)
    elif "INVALID" in states and placed.rule.match("u32") is None:  # the rules of this module look inside
        way.point = way.point or placed.line
        if target.name == "ACCEPT":
            way.widened = way.widened or placed.line
        elif not (target.extends and target.name in _LOGGING):
            way.lost = way.lost or placed.line


def _admitting(placed: PlacedRule, target: Target, types: tuple[int, ...], way: _Way) -> Admitted:
    """The rule that accepts RELATED errors, if the new rules can ask for what it asks for."""
    if target.name != "ACCEPT":
        raise Declined(f"{target.name} for RELATED packets would miss the errors about this flow", placed.line)
    if way.found is not None:
        raise Declined("more than one rule admits RELATED errors, which is not carried over yet", placed.line)
    others = {match.name for match in placed.rule.matches} - {"state", "conntrack", "comment"}
    if others or any(use.option not in (*_COPIED, "--protocol") for use in placed.rule.base):
        raise Declined("the rule admits RELATED errors on conditions that are not carried over yet", placed.line)
    return Admitted(way.point or placed.line, placed.rule, types)


def _stateless(way: _Way, placed: PlacedRule, target: Target) -> None:
    """A rule without state stays as it is, unless the new rules would overtake it."""
    follows = target.goto or not (target.extends or target.name in ("ACCEPT", "DROP"))
    overtaken = target.name != "ACCEPT" and way.point and (way.found is None or way.widened)
    if follows or overtaken:
        raise Declined(
            f"{target.name} may decide on ICMP errors about this flow, which is not carried over yet", placed.line
        )
    if target.name == "ACCEPT" and way.lost:
        way.otherwise = placed.line


def _states(placed: PlacedRule) -> frozenset[str] | None:
    """The states that the rule asks for; Declined for more than plain states.

    None where it does not matter whether an error is RELATED or INVALID.
    """
    found: frozenset[str] | None = None
    for match in placed.rule.matches:
        if match.name in ("state", "conntrack"):
            states = plain_states(match)
            if states is None or found is not None:
                raise Declined("the rule asks for more than a plain list of states", placed.line)
            found = states
    return None if found is not None and found >= {"RELATED", "INVALID"} else found


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
    whole = (first, last) == (0, 255)
    return not (same and whole) if use.negated else same


def _unbounded(rule: Rule, types: tuple[int, ...], family: Family) -> bool:
    """Whether a rule is for errors of all types, from everywhere."""
    return types == TYPES[family] and not any(rule.option(name) for name in (*_COPIED, "--fragments"))


def _decides_all(rule: Rule, types: tuple[int, ...], family: Family) -> bool:
    """Whether a rule for which the state does not matter decides on every error."""
    plain = all(match.name in ("state", "conntrack", "comment") for match in rule.matches)
    target = rule.target
    ends = target is not None and not target.goto and target.name in ("ACCEPT", "DROP", "REJECT")
    return plain and ends and _unbounded(rule, types, family)


def rules(found: Admitted, protocol: int, ports: tuple[PortRange, ...], family: Family) -> Iterator[str]:
    """Rules that admit errors which carry an answer of ours from one of the ports."""
    base = tuple(use for use in found.rule.base if use.option in _COPIED)
    front = saved_rule(Rule("INPUT", base, (), None), family)
    name, option = ("icmp", "--icmp-type") if family is Family.IPV4 else ("icmp6", "--icmpv6-type")
    outer = "icmp" if family is Family.IPV4 else "ipv6-icmp"
    for start in range(0, len(ports), _MOST_RANGES):
        for test in _embedded(protocol, ports[start : start + _MOST_RANGES], family):
            for kind in found.types:
                yield (
                    f'{front} -p {outer} -m {name} {option} {kind} -m u32 --u32 "{test}"'
                    " -m conntrack --ctstate INVALID -j ACCEPT"
                )


def _embedded(protocol: int, ports: tuple[PortRange, ...], family: Family) -> Iterator[str]:
    """u32 tests: the packet inside the error is of this protocol and from one of these ports.

    IPv4 headers have a length of their own, outside and inside; inside an ICMPv6
    error (40 + 8 bytes) the IPv6 header has 40 bytes.  Of its extension headers
    only that of a first fragment is looked for, since large answers over UDP have it.
    """
    values = ",".join(f"{_hex(low)}" if low == high else f"{_hex(low)}:{_hex(high)}" for low, high in ports)
    if family is Family.IPV4:
        yield f"0x0>>0x16&0x3c@0xe&0xff={_hex(protocol)}&&0x0>>0x16&0x3c@0x8>>0x16&0x3c@0x8>>0x10={values}"
        return
    yield f"0x33&0xff={_hex(protocol)}&&0x58>>0x10={values}"
    if protocol == UDP:
        yield f"0x33&0xff=0x2c&&0x58>>0x18={_hex(protocol)}&&0x58&0xfff8=0x0&&0x60>>0x10={values}"


def _hex(value: int) -> str:
    return f"{value:#x}"
