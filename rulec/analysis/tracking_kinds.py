"""What each rule wants of connection tracking, and what it would say without.

The kinds are those of the edits that take a ruleset from stateful to stateless:
rules of one kind go, or change, in the same way.
"""

from __future__ import annotations

from copy import copy
from enum import Enum

from rulec.analysis.untracked import is_notrack
from rulec.analysis.untracked_rules import states
from rulec.model import Match, Rule, Use
from rulec.model.protocols import TCP
from rulec.packetset.fields import STATES
from rulec.semantics.nat import TARGETS as TRANSLATING
from rulec.semantics.program import Program, Step
from rulec.semantics.ruleset import Prepared


class Kind(str, Enum):
    """What a rule wants, the hardest to do without first; ``LOADS`` are rules that only load the module."""

    NAT = "nat"
    HELPER = "helper"
    SYNPROXY = "synproxy"
    LIMIT = "connlimit"
    MARK = "connmark"
    OTHER = "other"
    REPLIES = "replies"
    REFUSALS = "refusals"
    REQUESTS = "requests"
    STRAY = "stray"
    NOTES = "notes"
    SETTINGS = "ct"
    IN_RAW = "state-in-raw"
    LOADS = "notrack"


_TARGETS = {
    **dict.fromkeys(TRANSLATING, Kind.NAT),
    "NOTRACK": Kind.LOADS, "CT": Kind.HELPER, "SYNPROXY": Kind.SYNPROXY,
    "CONNMARK": Kind.MARK, "CONNSECMARK": Kind.MARK, "CLUSTERIP": Kind.OTHER,
}  # fmt: skip
_MATCHES = {
    "connlimit": Kind.LIMIT, "connmark": Kind.MARK, "helper": Kind.HELPER, "connbytes": Kind.OTHER,
    "connlabel": Kind.OTHER, "cluster": Kind.OTHER, "ipvs": Kind.OTHER,
}  # fmt: skip
_REFUSING = frozenset(("REJECT", "TARPIT", "STEAL"))
_STATE_MATCHES = frozenset(("state", "conntrack"))
_FLAGS = frozenset(("--syn", "--tcp-flags"))
_GENTLE = frozenset(("state", "conntrack", "comment"))
_KNOWN = frozenset(("ESTABLISHED", "RELATED"))


def kind_of(rule: Rule, table: str) -> Kind:
    """The kind of a rule that has to do with connection tracking."""
    target = rule.target
    if is_notrack(rule):
        return Kind.LOADS
    if target is not None and target.extends and target.name in _TARGETS:
        helps = target.name != "CT" or any(use.option == "--helper" for use in target.uses)
        return _TARGETS[target.name] if helps else Kind.SETTINGS
    special = [_MATCHES[match.name] for match in rule.matches if match.name in _MATCHES]
    if special:
        return special[0]
    return Kind.IN_RAW if table == "raw" else _kind_by_states(rule)


def _kind_by_states(rule: Rule) -> Kind:
    asked = _asked(rule)
    if asked is None:
        return Kind.OTHER
    known, new = not asked.isdisjoint(_KNOWN), _asks_for_new(rule, asked)
    deed = _deed(rule)
    if deed == "refuse":
        return Kind.REFUSALS if new and not known and not _asks_for_segments(rule) else Kind.STRAY
    if deed == "note":
        return Kind.NOTES
    if new:
        return Kind.REQUESTS
    return Kind.REPLIES if known or "UNTRACKED" in asked else Kind.STRAY


def _asked(rule: Rule) -> frozenset[str] | None:
    """The states that a rule is about; None where it asks for something else of the connection, too."""
    found = frozenset(STATES)
    for match in rule.matches:
        if match.name in _STATE_MATCHES and any(use.option not in ("--state", "--ctstate") for use in match.uses):
            return None
    for use in states(rule):
        found &= frozenset(STATES) - set(use.value) if use.negated else frozenset(use.value)
    return found or None


def _asks_for_new(rule: Rule, asked: frozenset[str]) -> bool:
    """Whether it is about what begins; for untracked packets only where it says which."""
    if "NEW" in asked:
        return True
    says = {match.name for match in rule.matches} - _GENTLE or rule.option("--source") or rule.option("--protocol")
    return "UNTRACKED" in asked and asked.isdisjoint(_KNOWN) and bool(says)


def _deed(rule: Rule) -> str:
    """Whether a rule lets packets go on their way, refuses them, or only notes something."""
    target = rule.target
    if target is None:
        return "note"
    if target.name == "DROP" or target.name in _REFUSING:
        return "refuse"
    return "note" if target.extends else "let"


def _asks_for_segments(rule: Rule) -> bool:
    """Whether it asks for TCP segments that do not open a connection."""
    return any(use.option in _FLAGS and use.negated for match in rule.matches for use in match.uses)


# ── without connection tracking ──


def stateless(prepared: Prepared) -> Prepared:
    """The ruleset without its questions for states; NAT and what else cannot be had without tracking stays."""
    found = copy(prepared)
    found.programs = {name: _stateless(program) for name, program in prepared.programs.items()}
    return found


def _stateless(program: Program) -> Program:
    found = Program.__new__(Program)
    found.name = program.name
    found.chains = {
        name: chain._replace(steps=tuple(new for step in chain.steps for new in _changed(step)))
        for name, chain in program.chains.items()
    }
    return found


def _changed(step: Step) -> tuple[Step, ...]:
    """A rule as it would be: gone, or without its question for the state."""
    rule = step.rule
    if not any(match.name in _STATE_MATCHES for match in rule.matches):
        return (step,)
    kind = kind_of(rule, step.table)
    if kind is Kind.OTHER:
        return (step,)
    if kind in (Kind.REPLIES, Kind.STRAY, Kind.IN_RAW):
        return ()
    if kind is Kind.REFUSALS:
        return _refusing(step)
    return (step._replace(rule=without_states(rule)),)


def without_states(rule: Rule) -> Rule:
    """A rule that no longer asks for the state, nor for the first segment: all segments of a flow are to pass."""
    matches = (_without_flags(match) for match in rule.matches if match.name not in _STATE_MATCHES)
    return rule._replace(matches=tuple(match for match in matches if match.uses or match.name != "tcp"))


def _without_flags(match: Match) -> Match:
    if match.name != "tcp":
        return match
    return match._replace(uses=tuple(use for use in match.uses if use.option not in _FLAGS or use.negated))


def _refusing(step: Step) -> tuple[Step, ...]:
    """A rule that refuses what is new: of TCP that is the first segment, of others nobody can say."""
    rule = step.rule
    protocol = rule.option("--protocol")
    if protocol is not None and (protocol.value != TCP or protocol.negated):
        return ()
    base = rule.base if protocol else (*rule.base, Use("--protocol", False, TCP))
    syn = Match("tcp", (Use("--syn", False, None),))
    matches = tuple(match for match in rule.matches if match.name not in _STATE_MATCHES)
    return (step._replace(rule=rule._replace(base=base, matches=(*matches, syn))),)
