"""How INPUT admits the requests of a hot flow, and the smallest change with which it still does.

Untracked requests are in the state UNTRACKED from then on.  A rule that accepts
the first packet of a flow in the state NEW gets UNTRACKED beside it, and that is
enough for all packets of the flow, since all of them match the same conditions.
Nothing else becomes UNTRACKED that this rule could admit: the rule itself names
the protocol and the ports, and only requests to hot ports are untracked.  The
packets after the first must be accepted already: what stalled so far would be let
in otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rulec.compiler.flows import Extent, HotFlow, Relation, relation
from rulec.compiler.outcome import Declined
from rulec.model import Match, Rule, Target, Use
from rulec.syntax.ruleset import PlacedRule

_DROPPING = frozenset(("DROP", "REJECT"))
_LOGGING = frozenset(("LOG", "NFLOG", "ULOG", "AUDIT"))
_LATER = frozenset(("ESTABLISHED", "RELATED"))


@dataclass(slots=True)
class Admission:
    """Whether some request is admitted, and the lines whose rules must take UNTRACKED too.

    ``by_interface`` tells that a rule asks for the interface, which is no field
    of the flow.
    """

    admitted: bool = False
    lines: list[int] = field(default_factory=list)
    beginnings: list[PlacedRule] = field(default_factory=list)  # rules that accept NEW and not ESTABLISHED
    by_interface: bool = False
    later_packets_taken: bool = False
    decided: bool = False


def admission(rules: Sequence[PlacedRule], policy: str, flow: HotFlow) -> Admission:
    """Follow the requests through INPUT; Declined where a rule is not understood."""
    found = Admission()
    for placed in rules:
        about = relation(placed.rule, flow)
        if about.extent is not Extent.NONE:
            _step(found, placed, about)
        if found.decided:
            break
    found.admitted = found.admitted or (policy != "DROP" and not found.decided)
    for first in found.beginnings:
        if not _goes_on(rules, policy, flow, first):
            raise Declined(
                "the packets after the first are not accepted for all flows that begin here, and would be",
                first.line,
                "accept ESTABLISHED packets in front of it",
            )
    return found


def _goes_on(rules: Sequence[PlacedRule], policy: str, flow: HotFlow, first: PlacedRule) -> bool:
    """Whether the ESTABLISHED packets of flows that one rule lets begin are accepted too.

    What stands in front of that rule and drops packets whatever their state does
    not meet these flows, or they would not have come to the rule.
    """
    behind = False
    for placed in rules:
        behind = behind or placed is first
        about, target = relation(placed.rule, flow), placed.rule.target
        if about.extent is Extent.NONE or target is None or "ESTABLISHED" not in (about.states or ("ESTABLISHED",)):
            continue
        if target.name == "ACCEPT":
            if _covers(placed.rule, about, first.rule):
                return True
        elif behind and not (target.extends and target.name in _LOGGING):
            return False
    return policy != "DROP"


def _covers(rule: Rule, about: Relation, first: Rule) -> bool:
    """Whether a rule is, but for the state, for all packets that another one is for."""
    asked = _conditions(first)
    return about.extent is Extent.ALL or all(condition in asked for condition in _conditions(rule))


def _conditions(rule: Rule) -> list[Use | Match]:
    return [*rule.base, *(match for match in rule.matches if match.name not in ("state", "conntrack", "comment"))]


def _step(found: Admission, placed: PlacedRule, about: Relation) -> None:
    """What one rule that some request meets means for the flow."""
    if about.strange:
        raise Declined(f"it is not known what {about.strange} says to the packets of this flow", placed.line)
    target = placed.rule.target
    if target is None:
        return
    if target.goto or not (target.extends or target.name in ("ACCEPT", "DROP")):
        raise Declined(f"requests go on to {target.name}, which is not followed yet", placed.line)
    if about.states is None:
        _stateless(found, placed, about, target)
    elif about.states <= _LATER:
        _later_packets(found, placed, target)
    elif "NEW" in about.states and target.name == "ACCEPT":
        _first_packets(found, placed, about, about.states)
    elif about.states != {"INVALID"} or target.name == "ACCEPT":
        raise Declined(
            f"{target.name} by the state {', '.join(sorted(about.states))} is not carried over yet", placed.line
        )


def _stateless(found: Admission, placed: PlacedRule, about: Relation, target: Target) -> None:
    if target.name == "ACCEPT":
        found.admitted = True
        found.by_interface |= placed.rule.option("--in-interface") is not None
    elif target.name not in _DROPPING | _LOGGING:
        raise Declined(f"what {target.name} does to the packets of this flow is not carried over yet", placed.line)
    elif target.name in _LOGGING and found.later_packets_taken:
        raise Declined(
            f"{target.name} meets only the first packet of a flow now, and would meet each of them", placed.line
        )
    if about.extent is Extent.ALL and target.name in ("ACCEPT", *_DROPPING):
        found.decided = True


def _later_packets(found: Admission, placed: PlacedRule, target: Target) -> None:
    if target.name != "ACCEPT":
        raise Declined(f"{target.name} for packets of known connections would miss this flow", placed.line)
    found.later_packets_taken = True


def _first_packets(found: Admission, placed: PlacedRule, about: Relation, states: frozenset[str]) -> None:
    if not about.names_ports:
        raise Declined(
            "the rule admits the flow without naming its protocol and ports, so UNTRACKED may not be added",
            placed.line,
            "put a rule for these ports in front of it",
        )
    if states & {"SNAT", "DNAT"}:
        raise Declined(
            "untracked packets are never translated, so the states SNAT and DNAT would miss them", placed.line
        )
    found.admitted = True
    found.by_interface |= placed.rule.option("--in-interface") is not None
    if "UNTRACKED" not in states:
        found.lines.append(placed.line)
    if "ESTABLISHED" not in states:
        found.beginnings.append(placed)
    found.decided = about.extent is Extent.ALL
