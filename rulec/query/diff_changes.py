"""What else changed for packets: whether they are tracked, how they are rewritten, whether they are logged."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import NamedTuple

from rulec.packetset.fields import STATES
from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import Space
from rulec.query.diff_deciders import Decider, rule_decider
from rulec.query.diff_flows import Group, sorted_out
from rulec.query.diff_walks import Delta, Walks, asked
from rulec.query.diff_within import Within
from rulec.semantics import nat
from rulec.semantics.paths import PATHS, Way
from rulec.semantics.program import Step
from rulec.semantics.reach import Reach
from rulec.semantics.ruleset import Meaning
from rulec.syntax.save import saved_rule

_LOGS = ("LOG", "NFLOG", "ULOG")
_TRACKED_AT = (("arriving", "input"), ("output", "output"))


# ── tracking ──


def tracking(walks: Walks) -> Iterator[Group]:
    """The packets that pass raw untracked in one ruleset only."""
    for path, way in _TRACKED_AT:
        old, new = (_untracked(walks, meaning, way) for meaning in (walks.old, walks.new))
        passing = _stopped_in_raw(walks.old.way(way)) | _stopped_in_raw(walks.new.way(way))
        for kind, found, meaning in (
            ("untracked", walks.delta(way, walks.possible(way, new - passing), old), walks.new),
            ("tracked", walks.delta(way, walks.possible(way, old - passing), new), walks.old),
        ):
            yield from _by_rule(walks, kind, path, found, meaning, way, _untracks)


def _untracked(walks: Walks, meaning: Meaning, path: str) -> PacketSet:
    way = meaning.way(path)
    state = way.values["state"]
    return way.enters & state.equals(STATES.index("UNTRACKED"))


def _stopped_in_raw(way: Way) -> PacketSet:
    found: PacketSet = way.enters.space.nothing
    for reach in way.reaches:
        if reach.hook.table == "raw" and reach.step.verdict == "DROP" and reach.is_met:
            found |= reach.matches
    for policy in way.policies:
        if policy.hook.table == "raw" and policy.policy == "DROP":
            found |= policy.arrives
    return found


def _untracks(step: Step) -> bool:
    return step.extension in ("NOTRACK", "CT")


# ── logging ──


def logging(walks: Walks, path: str) -> Iterator[Group]:
    """The packets of a way that a rule of one ruleset logs, and no rule of the other ever does."""
    old, new = (_logging(meaning.way(path)) for meaning in (walks.old, walks.new))
    known = set(_alike(walks, old, new))
    for kind, meaning, found, others in (("logged", walks.new, new, old), ("unlogged", walks.old, old, new)):
        alone = [reach for reach in found if reach not in known and reach.is_met]
        if alone:
            packets = walks.possible(path, _logged(walks.old.space, alone))
            delta = walks.delta(path, packets, _logged(walks.old.space, others).possibly())
            yield from _by_rule(walks, kind, path, delta, meaning, path, _logs)


def _alike(walks: Walks, old: list[Reach], new: list[Reach]) -> Iterator[Reach]:
    """The rules that match the same packets in both rulesets."""
    places: dict[Hashable, list[Reach]] = {}
    for other in new:
        places.setdefault(asked(other), []).append(other)
    for one in old:
        for other in places.get(asked(one), ()):
            if walks.is_alike(one, other):
                yield one
                yield other


def _logging(way: Way) -> list[Reach]:
    return [reach for reach in way.reaches if _logs(reach.step)]


def _logged(space: Space, reaches: list[Reach]) -> PacketSet:
    return space.union(reach.matches for reach in reaches if reach.is_met)


def _logs(step: Step) -> bool:
    return step.extension in _LOGS


def _by_rule(
    walks: Walks,
    kind: str,
    path: str,
    found: Delta,
    meaning: Meaning,
    way: str,
    wanted: Callable[[Step], bool],
) -> Iterator[Group]:
    """Groups by the rule of one of the rulesets that makes the difference: the first that does so to a packet."""
    if found.packets.is_empty():
        return
    within, left = Within(walks, found.packets), found.packets
    other = walks.old if meaning is walks.new else walks.new
    nobody = Decider(other.prepared.ruleset.source.name, 0, "", "", "no rule does")
    for reach, matched in within.met(meaning, way, wanted):
        if left.meets(matched):
            rule = rule_decider(meaning.prepared.ruleset, reach.step)
            before, after = (rule, nobody) if meaning is walks.old else (nobody, rule)
            yield from sorted_out(Group(kind, path, True, left & matched, before, after), found.surely)
            left -= matched


# ── NAT ──


def rewriting(walks: Walks) -> Iterator[Group]:
    """The first packets of connections that another target of NAT takes, or one takes and none did."""
    for path, ways in (("arriving", ("input", "forward")), *((path, (path,)) for path in PATHS)):
        old, new = (_translations(walks, meaning, path, ways[0]) for meaning in (walks.old, walks.new))
        for hook in dict.fromkeys((*old, *new)):
            before, after = old.get(hook, {}), new.get(hook, {})
            if _packets(before) != _packets(after):
                yield from _rewritten(walks, path, ways, _Side(walks.old, hook, before), _Side(walks.new, hook, after))


_Taken = dict[str, tuple[Decider, PacketSet]]
"""By what the target says, its first rule and the packets that it takes."""


def _packets(taken: _Taken) -> dict[str, PacketSet]:
    return {target: packets for target, (_, packets) in taken.items()}


class _Side(NamedTuple):
    """What the targets of one ruleset take at a hook."""

    meaning: Meaning
    hook: str
    taken: _Taken

    def targets(self) -> Iterator[tuple[str, Decider]]:
        """All targets, and at last that there is none."""
        yield from ((target, first) for target, (first, _) in self.taken.items())
        yield "", Decider(self.meaning.prepared.ruleset.source.name, 0, "nat", self.hook, "leaves them as they are")

    def of(self, packets: PacketSet, target: str) -> PacketSet:
        """Those of some packets that a target takes, or none."""
        if target:
            return packets & self.taken[target][1]
        return packets - self.meaning.space.union(taken for _, taken in self.taken.values())


def _rewritten(walks: Walks, path: str, ways: tuple[str, ...], old: _Side, new: _Side) -> Iterator[Group]:
    for target, first in old.targets():
        for other, second in new.targets():
            if target != other:
                changed = _passing(walks, ways, _both(old, target, new, other))
                if not changed.is_empty():
                    yield from sorted_out(Group("rewritten", path, True, changed, first, second), changed.surely())


def _both(old: _Side, target: str, new: _Side, other: str) -> PacketSet:
    """The packets that one target takes in the old ruleset, and another, or none, in the new one."""
    return new.of(old.taken[target][1], other) if target else old.of(new.taken[other][1], target)


def _passing(walks: Walks, ways: tuple[str, ...], packets: PacketSet) -> PacketSet:
    """Those of a few packets that come to the end of a way in both rulesets."""
    for meaning in (walks.old, walks.new) if not packets.is_empty() else ():
        packets = walks.settled(meaning.space.union(meaning.way(way).accepted & packets for way in ways))
    return packets


def _translations(walks: Walks, meaning: Meaning, path: str, way: str) -> dict[str, _Taken]:
    """By hook, what the targets of NAT take."""
    found: dict[str, _Taken] = {}
    for reach in meaning.way(way).reaches:
        if reach.step.extension in nat.TARGETS and reach.is_met and reach.hook.path == path:
            rule = reach.step.rule
            text = saved_rule(rule._replace(base=(), matches=()), meaning.prepared.ruleset.family).partition(" -j ")[2]
            at = found.setdefault(reach.hook.name, {})
            first = rule_decider(meaning.prepared.ruleset, reach.step)
            decider, packets = at.get(text, (first, meaning.space.nothing))
            at[text] = decider, packets | walks.settled(reach.matches)
    return found
