"""How INPUT admits the requests of a hot flow, and the smallest change with which it still does.

Untracked requests are in the state UNTRACKED from then on.  A rule that accepts
the first packet of a flow in the state NEW gets UNTRACKED beside it, and that is
enough for all packets of the flow, since all of them match the same conditions.
Nothing else becomes UNTRACKED that this rule could admit: the rule itself names
the protocol and the ports, and only requests to hot ports are untracked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from rulec.compiler.flows import Extent, HotFlow, Relation, relation
from rulec.compiler.outcome import Declined
from rulec.model import Target
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
    by_interface: bool = False
    later_packets_taken: bool = False
    decided: bool = False


def admission(rules: Iterable[PlacedRule], policy: str, flow: HotFlow) -> Admission:
    """Follow the requests through INPUT; Declined where a rule is not understood."""
    found = Admission()
    for placed in rules:
        about = relation(placed.rule, flow)
        if about.extent is not Extent.NONE and placed.rule.target is not None:
            _step(found, placed, about)
        if found.decided:
            return found
    found.admitted = found.admitted or policy != "DROP"
    return found


def _step(found: Admission, placed: PlacedRule, about: Relation) -> None:
    """What one rule that some request meets means for the flow."""
    target = placed.rule.target
    assert target is not None
    if about.strange:
        raise Declined(f"it is not known what {about.strange} says to the packets of this flow", placed.line)
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
    found.decided = about.extent is Extent.ALL
