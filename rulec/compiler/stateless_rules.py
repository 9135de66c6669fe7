"""Each rule that asks for a state of connections, put so that it asks for none.

Without tracking every packet is met as the first one of its flow would be.  A rule
that takes NEW loses its question; one that does not is taken out, and what it let
through comes back by rules for single flows (stateless_flows.py).  Rules that
count, log or mark what begins are left to the packets of TCP with SYN alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rulec.analysis.tracking import Cause, tracking_facts
from rulec.analysis.tracking_kinds import Kind, kind_of
from rulec.analysis.untracked_rules import states
from rulec.compiler.bounds import STATE_MATCHES, of_rule
from rulec.compiler.bounds import rules as rules_of
from rulec.compiler.outcome import Declined
from rulec.model import Family, Match, Rule, Target, Use
from rulec.model.protocols import ICMP, ICMPV6, LATER_FLAGS, TCP
from rulec.packetset.fields import STATES
from rulec.semantics.effects import CONTINUES
from rulec.semantics.opaque import has_memory
from rulec.syntax.line import Line
from rulec.syntax.ruleset import Ruleset, expanded
from rulec.syntax.save import saved_rule
from rulec.syntax.shapes import Template

_SYN_ALONE = Use("--syn", False, None)
_FLAGS = ("--tcp-flags", "--syn")
_ENDS = ("ACCEPT", "DROP", "QUEUE", "RETURN", "REJECT")
_STATE_OPTIONS = ("--state", "--ctstate")
_KNOWN = frozenset(("NEW", "ESTABLISHED", "RELATED"))
_WITHOUT = {
    Kind.NAT: "addresses are rewritten by connection tracking alone",
    Kind.HELPER: "helpers are a part of connection tracking",
    Kind.SYNPROXY: "SYNPROXY hands over to a tracked connection",
    Kind.LIMIT: "connections are counted by connection tracking alone",
    Kind.MARK: "marks of connections are kept by connection tracking alone",
    Kind.SETTINGS: "it sets what connection tracking does",
    Kind.IN_RAW: "in raw it asks for the state before there is one, and nobody can say what is meant",
}

ICMP_KINDS: dict[Family, dict[str, tuple[int, ...]]] = {
    Family.IPV4: {"NEW": (8, 13, 15, 17), "ESTABLISHED": (0, 14, 16, 18), "RELATED": (3, 11, 12)},
    Family.IPV6: {"NEW": (128, 139), "ESTABLISHED": (129, 140), "RELATED": (1, 2, 3, 4)},
}
"""The types of ICMP in each state (nf_conntrack_proto_icmp.c, nf_conntrack_proto_icmpv6.c); of errors those kept."""


class Asked(NamedTuple):
    """A rule that asks for states, and for which."""

    rule: Rule
    states: frozenset[str]

    @property
    def takes_new(self) -> bool:
        """Whether it is met by the first packets of flows."""
        return "NEW" in self.states

    @property
    def is_for_strays(self) -> bool:
        """Whether it is for packets of no connection alone, which it accepts by what they are."""
        return bool(self.states & {"UNTRACKED", "INVALID"}) and _accepts(self.rule) and _is_confined(self.rule)


# ── what cannot be had ──


def obstacles(ruleset: Ruleset) -> Iterator[Declined]:
    """The rules that cannot do without connection tracking, wherever they stand."""
    for cause in tracking_facts(ruleset).tracks:
        rule = ruleset.rules_on(cause.line)[0]
        if cause.name not in STATE_MATCHES or cause.role != "match":
            yield _obstacle(cause, kind_of(rule, cause.table))
        elif cause.table == "raw":
            yield _obstacle(cause, Kind.IN_RAW)
        else:
            yield from _unsaid(cause, rule)


def _obstacle(cause: Cause, kind: Kind) -> Declined:
    name = f"-m {cause.name}" if cause.role == "match" else cause.name
    reason = _WITHOUT.get(kind, "it asks for what connection tracking alone knows")
    return Declined(f"{name} cannot be had without connection tracking: {reason}", cause.line, "delete the rule first")


def _unsaid(cause: Cause, rule: Rule) -> Iterator[Declined]:
    """Options of -m conntrack for which there is no other word, and changes to packets of known connections."""
    asked = asks(rule)
    try:
        if not all(_asks_only_state(match) for match in _state_matches(rule)):
            of_rule(rule)
    except Declined as declined:
        yield Declined(str(declined).replace("untracked packets have", "without tracking there is"), cause.line)
    if not asked.takes_new and asked.states - {"INVALID"} and _changes_packets(rule):
        name = rule.target.name if rule.target is not None else ""
        yield Declined(
            f"{name} is for packets of known connections, which look like all others without tracking", cause.line
        )


# ── what a rule asks ──


def asks(rule: Rule) -> Asked:
    """The states that a rule is about."""
    found = frozenset(STATES)
    for use in states(rule):
        found &= frozenset(STATES) - set(use.value) if use.negated else frozenset(use.value)
    return Asked(rule, found)


def asks_for_state(rule: Rule) -> bool:
    """Whether a rule looks at the connection of a packet."""
    return any(True for _ in _state_matches(rule))


def without_state(rule: Rule) -> Rule:
    """The rule without its question."""
    return rule._replace(matches=tuple(match for match in rule.matches if match.name not in STATE_MATCHES))


def _state_matches(rule: Rule) -> Iterator[Match]:
    return (match for match in rule.matches if match.name in STATE_MATCHES)


def _asks_only_state(match: Match) -> bool:
    return all(use.option in _STATE_OPTIONS for use in match.uses)


def _accepts(rule: Rule) -> bool:
    return rule.target is not None and rule.target.name == "ACCEPT"


def _changes_packets(rule: Rule) -> bool:
    target = rule.target
    return target is not None and target.extends and target.name not in (*CONTINUES, *_ENDS)


def _is_confined(rule: Rule) -> bool:
    try:
        return of_rule(rule).names_ports
    except Declined:
        return False


# ── put otherwise ──


def restated(ruleset: Ruleset, line: int, leaves_discovery: bool = False) -> tuple[str, ...]:
    """What is to stand instead of a line that asks for states, nothing where it is only for known connections.

    Where ``leaves_discovery`` the rule is kept from what is never tracked: neighbour and multicast discovery.
    """
    rules = ruleset.rules_on(line)
    asked = asks(rules[0])
    if not asked.takes_new and not asked.is_for_strays:
        return ()
    found = [new for rule in rules for new in _stated(asked._replace(rule=rule), ruleset.family, leaves_discovery)]
    if found and all(map(_asks_only_state, _state_matches(rules[0]))):
        for words in ("", "--syn "):
            text = _without_words(ruleset.source.line(line), ruleset.parse_line(line), ruleset, line, words)
            if _keys(_read(ruleset, line, text)) == _keys(found):
                return (text,)
    return tuple(saved_rule(rule, ruleset.family, rule.counters is not None) for rule in found)


def _read(ruleset: Ruleset, number: int, text: str) -> list[Rule]:
    """The rules that another text in place of a line makes."""
    line = ruleset.parse_as(number, text)
    return [] if line is None else list(expanded(Template(line, ruleset.family).rule(())))


def _keys(rules: list[Rule]) -> list[tuple[object, ...]]:
    """What rules say, in whatever order."""
    matches = (frozenset((match.name, frozenset(match.uses)) for match in rule.matches) for rule in rules)
    return [(rule.chain, frozenset(rule.base), found, rule.target) for rule, found in zip(rules, matches, strict=True)]


def _stated(asked: Asked, family: Family, leaves_discovery: bool) -> Iterator[Rule]:
    """The rules that one rule becomes."""
    rule = _of_packets(asked.rule, family)
    protocol = rule.option("--protocol")
    number = protocol.value if protocol is not None and not protocol.negated else 0
    if _is_for_segments(rule) and "ESTABLISHED" not in asked.states and not _is_for_odd_flags(rule):
        return
    if number in (ICMP, ICMPV6) and not _names_type(rule) and (leaves_discovery or not asked.states >= _KNOWN):
        yield from _by_type(rule, asked, family)
    elif number == TCP and "ESTABLISHED" not in asked.states and _is_for_first(rule):
        yield _with_syn(rule)
    elif protocol is None and leaves_discovery:
        yield rule._replace(base=(*rule.base, Use("--protocol", True, ICMPV6)))
        of_icmp = rule._replace(base=(*rule.base, Use("--protocol", False, ICMPV6)))
        yield from _by_type(of_icmp, asked, family)
    else:
        yield rule


def _of_packets(rule: Rule, family: Family) -> Rule:
    """What is asked of the connection's addresses and ports, asked of those of the packet."""
    if all(map(_asks_only_state, _state_matches(rule))):
        return without_state(rule)
    (found,) = rules_of(rule.chain, of_rule(rule), (), rule.target or Target(""), family, whole=True)
    return without_state(found)._replace(counters=rule.counters, target=rule.target)


def _is_for_first(rule: Rule) -> bool:
    """Whether it is a rule that is to be met once by each connection."""
    match = rule.match("tcp")
    if match is not None and any(use.option in _FLAGS for use in match.uses):
        return False
    target = rule.target
    notes = target is None or (target.extends and target.name not in _ENDS)
    return notes or any(map(has_memory, rule.matches))


def _with_syn(rule: Rule) -> Rule:
    match = rule.match("tcp") or Match("tcp", ())
    others = tuple(each for each in rule.matches if each.name != "tcp")
    return rule._replace(matches=(match._replace(uses=(*match.uses, _SYN_ALONE)), *others))


def _flags(rule: Rule) -> Use | None:
    match = rule.match("tcp")
    return next((use for use in match.uses if use.option in _FLAGS), None) if match is not None else None


def _is_for_segments(rule: Rule) -> bool:
    """Whether no packet matches that begins a connection."""
    use = _flags(rule)
    if use is None:
        return False
    if use.option == "--syn" or use.value is None:
        return use.negated
    mask, wanted = use.value
    asks_for_it: bool = 0x02 & mask == wanted
    return asks_for_it == use.negated


def _is_for_odd_flags(rule: Rule) -> bool:
    """Whether no packet matches that a known connection could have."""
    use = _flags(rule)
    if use is None or use.option == "--syn" or use.value is None or use.negated:
        return False
    mask, wanted = use.value
    return all((flags | push) & mask != wanted for flags in LATER_FLAGS for push in (0, 0x08))


def _names_type(rule: Rule) -> bool:
    return any(match.name in ("icmp", "icmp6") for match in rule.matches)


def _by_type(rule: Rule, asked: Asked, family: Family) -> Iterator[Rule]:
    """One rule for each type of ICMP that has one of these states."""
    name, option = ("icmp", "--icmp-type") if family is Family.IPV4 else ("icmp6", "--icmpv6-type")
    for state in ("NEW", "ESTABLISHED", "RELATED"):
        for kind in ICMP_KINDS[family][state] if state in asked.states else ():
            yield rule._replace(matches=(Match(name, (Use(option, False, (kind, 0, 255)),)), *rule.matches))


# ── words ──


def _without_words(text: str, line: Line, ruleset: Ruleset, number: int, instead: str) -> str:
    """The text of a line without the words that ask for the state; others instead of the first of them."""
    start = ruleset.source.line_starts[number - 1]
    pieces = sorted((first - start, last - start) for first, last in _state_words(line))
    for index, (first, last) in reversed(list(enumerate(pieces))):
        head = _before(text[:first].rstrip(" "))
        text = f"{head} {instead if index == 0 else ''}{text[last:].lstrip(' ')}"
    return text.rstrip(" ")


def _state_words(line: Line) -> Iterator[tuple[int, int]]:
    """Where names of matches, and options with their arguments, ask for the state."""
    for index, owner in enumerate(line.owners):
        if owner.role == "match" and owner.name in STATE_MATCHES:
            yield owner.start, owner.end
            for plan in line.plans:
                if plan.owner == index:
                    yield plan.item.start, line.arguments[plan.arguments[-1]].end


def _before(head: str) -> str:
    """A text without the word at its end that belongs to what follows: ``!`` or ``-m``."""
    for word in ("!", "-m", "--match"):
        if head.endswith(" " + word):
            return head[: -len(word)].rstrip(" ")
    return head
