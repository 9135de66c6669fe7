"""Which rule or policy decides of packets at a hook, and what it is called in a report."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import NamedTuple

from rulec import catalogue
from rulec.packetset.packetset import PacketSet
from rulec.query.diff_walks import Walks, Within
from rulec.semantics import nat
from rulec.semantics.paths import Way
from rulec.semantics.place import Hook
from rulec.semantics.program import Step
from rulec.semantics.ruleset import Meaning
from rulec.semantics.walk import PolicyReach, Reach
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


def drops(walks: Walks, packets: PacketSet, meaning: Meaning, way: Way) -> list[Part]:
    """Where a way ends for the packets: at a rule, or at a policy; those that take another way are left."""
    parts: list[Part] = []
    left = packets
    for reaches in _by_chain(way.reaches):
        found = list(_rules(Within(walks, left), meaning, reaches, _drops))
        if found:
            parts += found
            left -= packets.space.union(part.packets for part in found)
    within = Within(walks, left)
    parts += _policies(within, meaning, way, "DROP")
    doubtful = [reach for reach in way.reaches if _may_drop(reach.step)]
    if doubtful:
        left = packets - packets.space.union(part.packets for part in parts)
    for part in reversed(list(_rules(Within(walks, left), meaning, doubtful, _may_drop))):
        ended = left & part.packets
        if not ended.is_empty():
            parts.append(part._replace(packets=ended))
            left -= ended
    return parts


def _by_chain(reaches: Iterable[Reach]) -> list[list[Reach]]:
    """The rules that drop packets, by chain; those chains first that have most, after which few packets are left."""
    found: dict[tuple[Hook, str], list[Reach]] = {}
    for reach in reaches:
        if _drops(reach.step) and reach.is_met:
            found.setdefault((reach.hook, reach.step.chain), []).append(reach)
    return sorted(found.values(), key=lambda some: -len(some))


def accepts(within: Within, meaning: Meaning, way: Way, hook: Hook) -> Part | None:
    """What lets some of the packets pass at a hook: a rule there, or else one of the table filter, or the policy."""
    here = (reach for reach in way.reaches if reach.hook == hook)
    filtered = (reach for reach in way.reaches if reach.hook.table == "filter" != hook.table)
    policies = (part for part in _policies(within, meaning, way, "ACCEPT") if part.hook == hook)
    candidates = (_rules(within, meaning, here, _accepts), _rules(within, meaning, filtered, _accepts), policies)
    return next((part for parts in candidates for part in parts), None)


def decided_by(part: Part, packets: PacketSet, walks: Walks) -> PacketSet:
    """The packets of a set of which the rule or policy of a part decides."""
    within = Within(walks, packets)
    if isinstance(part.reach, PolicyReach):
        return within.of(part.reach.arrives)
    reaches = [] if part.reach is None else [part.reach]
    return next((hit for _, hit in within.met(reaches, lambda step: True)), packets.space.nothing)


def _rules(
    within: Within, meaning: Meaning, reaches: Iterable[Reach], wanted: Callable[[Step], bool]
) -> Iterator[Part]:
    for reach, packets in within.met(reaches, wanted):
        decider = rule_decider(meaning.prepared.ruleset, reach.step)
        yield Part(decider, reach.hook, (reach.hook, _shape(reach.step)), packets, reach)


def _policies(within: Within, meaning: Meaning, way: Way, policy: str) -> Iterator[Part]:
    for reach in way.policies:
        if reach.policy == policy and not (packets := within.of(reach.arrives)).is_empty():
            yield Part(_policy_decider(meaning, reach), reach.hook, (reach.hook, "policy"), packets, reach)


def _shape(step: Step) -> Hashable:
    """What a rule asks and does, without the arguments of what it asks."""
    options = [(use.option, use.negated) for use in step.rule.base]
    matches = [(match.name, *((use.option, use.negated) for use in match.uses)) for match in step.rule.matches]
    return step.chain, tuple(options), tuple(matches), step.rule.target


def _drops(step: Step) -> bool:
    return step.verdict == "DROP" or step.extension == "REJECT"


def _may_drop(step: Step) -> bool:
    name = step.extension
    return step.verdict == "QUEUE" or name in _MAY_DROP or bool(name and catalogue.target(name) is None)


def _accepts(step: Step) -> bool:
    return step.verdict == "ACCEPT" or step.extension in nat.TARGETS or _may_drop(step)
