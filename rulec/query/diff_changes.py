"""What else changed for packets: whether they are tracked, how they are rewritten, whether they are logged."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rulec.packetset.fields import STATES
from rulec.packetset.packetset import PacketSet
from rulec.query.diff_deciders import Decider, rule_decider
from rulec.query.diff_flows import Group, sorted_out
from rulec.query.diff_walks import Delta, Walks, Within
from rulec.semantics import nat
from rulec.semantics.paths import PATHS, Way
from rulec.semantics.program import Step
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
            ("untracked", walks.delta(way, new - passing, old), walks.new),
            ("tracked", walks.delta(way, old - passing, new), walks.old),
        ):
            yield from _by_rule(walks, kind, path, found, meaning, way, _untracks)


def _untracked(walks: Walks, meaning: Meaning, path: str) -> PacketSet:
    way = meaning.way(path)
    state = way.values["state"]
    return way.enters & state.equals(STATES.index("UNTRACKED"))


def _stopped_in_raw(way: Way) -> PacketSet:
    found: PacketSet = way.enters.space.nothing
    for reach in way.reaches:
        if reach.hook.table == "raw" and reach.is_met and reach.step.verdict == "DROP":
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
    old, new = (_logged(meaning.way(path)) for meaning in (walks.old, walks.new))
    for kind, found, meaning in (
        ("logged", walks.delta(path, new, old.possibly()), walks.new),
        ("unlogged", walks.delta(path, old, new.possibly()), walks.old),
    ):
        yield from _by_rule(walks, kind, path, found, meaning, path, _logs)


def _logged(way: Way) -> PacketSet:
    found: PacketSet = way.enters.space.union(
        reach.matches for reach in way.reaches if _logs(reach.step) and reach.is_met
    )
    return found


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
    for reach, matched in within.met(meaning.way(way).reaches, wanted):
        if left.meets(matched):
            rule = rule_decider(meaning.prepared.ruleset, reach.step)
            before, after = (rule, nobody) if meaning is walks.old else (nobody, rule)
            yield from sorted_out(Group(kind, path, True, left & matched, before, after), found.surely)
            left -= matched


# ── NAT ──


def rewriting(walks: Walks) -> Iterator[Group]:
    """The first packets of connections that another target of NAT takes, or one takes and none did."""
    for path, ways in (("arriving", ("input", "forward")), *((path, (path,)) for path in PATHS)):
        union = walks.old.space.union
        both = walks.settled(union(walks.old.way(way).accepted for way in ways))
        both &= walks.settled(union(walks.new.way(way).accepted for way in ways))
        old, new = (_translations(walks, meaning, path, ways[0]) for meaning in (walks.old, walks.new))
        for hook in dict.fromkeys((*old, *new)):
            yield from _rewritten(
                walks, path, both, _sides(walks.old, hook, old, both), _sides(walks.new, hook, new, both)
            )


_Taken = dict[str, tuple[Decider, PacketSet]]
"""By what the target says, its first rule and the packets that it takes."""


def _rewritten(walks: Walks, path: str, both: PacketSet, old: _Taken, new: _Taken) -> Iterator[Group]:
    for target, (first, packets) in old.items():
        for other, (second, others) in new.items():
            changed = packets & others & both
            if target != other and not changed.is_empty():
                yield from sorted_out(Group("rewritten", path, True, changed, first, second), changed.surely())


def _sides(meaning: Meaning, hook: str, found: dict[str, _Taken], both: PacketSet) -> _Taken:
    """What targets take, and what none does."""
    taken = found.get(hook, {})
    rest = both - meaning.space.union(packets for _, packets in taken.values())
    return {
        **taken,
        "": (Decider(meaning.prepared.ruleset.source.name, 0, "nat", hook, "leaves them as they are"), rest),
    }


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
