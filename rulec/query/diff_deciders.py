"""Which rule or policy decides of packets at a hook, and what it is called in a report."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from typing import NamedTuple

from rulec import catalogue
from rulec.packetset.packetset import PacketSet
from rulec.query.diff_within import Within
from rulec.semantics import nat
from rulec.semantics.paths import Way
from rulec.semantics.place import Hook
from rulec.semantics.program import Step
from rulec.semantics.reach import PolicyReach, Reach
from rulec.semantics.ruleset import Meaning
from rulec.syntax.ruleset import Ruleset

_COUNTERS = re.compile(r"^\[\d+:\d+\] ")
_MAY_DROP = ("NFQUEUE", "SYNPROXY", "TPROXY")


class Decider(NamedTuple):
    """A rule, the policy of a chain, or nothing of the kind: then only ``text`` says what happens.

    ``line`` is 0 where the file has no line for it.
    """

    file: str
    line: int
    table: str
    chain: str
    text: str


class Part(NamedTuple):
    """Packets of which one rule or policy decides; those that are ``alike`` differ only in their arguments."""

    decider: Decider
    hook: Hook
    alike: Hashable
    packets: PacketSet
    reach: Reach | PolicyReach | None


class Lost(NamedTuple):
    """What ends the way of packets, and those of them that nothing ends."""

    parts: list[Part]
    left: PacketSet


def is_drop(step: Step) -> bool:
    """Whether a rule drops all packets that it matches."""
    return step.verdict == "DROP" or step.extension == "REJECT"


def rule_decider(ruleset: Ruleset, step: Step) -> Decider:
    """A rule with its text as the file has it."""
    return Decider(ruleset.source.name, step.line, step.table, step.chain, rule_text(ruleset, step.line))


def rule_text(ruleset: Ruleset, line: int) -> str:
    """The text of a rule, without the counters in front of it."""
    return _COUNTERS.sub("", ruleset.source.line(line).partition("\0")[0], count=1)


def _policy_decider(meaning: Meaning, reach: PolicyReach) -> Decider:
    hook, ruleset = reach.hook, meaning.prepared.ruleset
    line = meaning.prepared.programs[hook.table].chains[hook.name].line
    text = f"policy {reach.policy} of {hook.name} in table {hook.table}"
    return Decider(ruleset.source.name, line, hook.table, hook.name, text)


def drops(within: Within, meaning: Meaning, way: Way) -> Lost:
    """Where a way ends for the packets: at a rule, or at a policy; those that take another way are left."""
    parts: list[Part] = []
    left = within.packets
    for found in _by_chain(within.met(meaning, way.path, is_drop, ending=True), way):
        ended = found if left is within.packets else list(_among(left, found))
        parts += (_part(meaning, reach, hit) for reach, hit in ended)
        left -= left.space.union(hit for _, hit in ended)
    for part in _policies(within.narrowed(left), meaning, way, "DROP"):
        parts.append(part)
        left -= part.packets
    if left.is_empty():
        return Lost(parts, left)
    for hit in reversed(list(within.narrowed(left).met(meaning, way.path, _may_drop))):
        for reach, both in _among(left, [hit]):
            parts.append(_part(meaning, reach, both))
            left -= both
    return Lost(parts, left)


_Hits = list[tuple[Reach, PacketSet]]


def _among(packets: PacketSet, hits: _Hits) -> Iterator[tuple[Reach, PacketSet]]:
    for reach, hit in hits:
        both = packets & hit
        if not both.is_empty():
            yield reach, both


def _by_chain(hits: Iterable[tuple[Reach, PacketSet]], way: Way) -> list[_Hits]:
    """The rules that drop packets, by chain; those chains first in which most drop some, after which few are left."""
    found: dict[tuple[Hook, str], _Hits] = {}
    for reach, hit in hits:
        found.setdefault((reach.hook, reach.step.chain), []).append((reach, hit))
    if len(found) < 2:
        return list(found.values())
    known = {reach for some in found.values() for reach, _ in some}
    dropping = (reach for reach in way.reaches if is_drop(reach.step))
    places = ((reach, (reach.hook, reach.step.chain)) for reach in dropping)
    counts = Counter(place for reach, place in places if place in found and (reach in known or reach.is_met))
    return sorted(found.values(), key=lambda some: -counts[some[0][0].hook, some[0][0].step.chain])


def accepts(within: Within, meaning: Meaning, way: Way, hook: Hook) -> Part | None:
    """What lets some of the packets pass at a hook: a rule there, or else one of the table filter, or the policy."""
    hits = list(within.met(meaning, way.path, _accepts))
    here = (hit for hit in hits if hit[0].hook == hook)
    filtered = (hit for hit in hits if hit[0].hook.table == "filter" != hook.table)
    first = next(here, None) or next(filtered, None)
    if first is not None:
        return _part(meaning, *first)
    return next((part for part in _policies(within, meaning, way, "ACCEPT") if part.hook == hook), None)


def decided_by(part: Part, within: Within, meaning: Meaning, way: Way) -> PacketSet:
    """The packets of a set of which the rule or policy of a part decides."""
    if isinstance(part.reach, PolicyReach):
        return within.of(part.reach.arrives)
    return within.matching(meaning, way.path, part.reach) if part.reach else within.packets.space.nothing


def _part(meaning: Meaning, reach: Reach, packets: PacketSet) -> Part:
    decider = rule_decider(meaning.prepared.ruleset, reach.step)
    return Part(decider, reach.hook, (reach.hook, _shape(reach.step)), packets, reach)


def _policies(within: Within, meaning: Meaning, way: Way, policy: str) -> Iterator[Part]:
    for reach in way.policies if not within.packets.is_empty() else ():
        if reach.policy == policy and not (packets := within.of(reach.arrives)).is_empty():
            yield Part(_policy_decider(meaning, reach), reach.hook, (reach.hook, "policy"), packets, reach)


def _shape(step: Step) -> Hashable:
    """What a rule asks and does, without the arguments of what it asks."""
    options = [(use.option, use.negated) for use in step.rule.base]
    matches = [(match.name, *((use.option, use.negated) for use in match.uses)) for match in step.rule.matches]
    return step.chain, tuple(options), tuple(matches), step.rule.target


def _may_drop(step: Step) -> bool:
    name = step.extension
    return step.verdict == "QUEUE" or name in _MAY_DROP or bool(name and catalogue.target(name) is None)


def _accepts(step: Step) -> bool:
    return step.verdict == "ACCEPT" or step.extension in nat.TARGETS or _may_drop(step)
