"""What rules remember that may be another thing in each of two rulesets, since other packets get to them.

What a set of ipset(8) holds is remembered for the rules that fill it.

What depends on such a memory is told apart from what surely differs.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import Any, NamedTuple

from rulec.model import Match, Target
from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import Space
from rulec.query.diff_deciders import is_drop
from rulec.query.diff_walks import Walks, way_of
from rulec.semantics.effects import CONTINUES
from rulec.semantics.opaque import memories
from rulec.semantics.program import Step
from rulec.semantics.reach import Reach
from rulec.semantics.ruleset import Meaning

_NAMED = ("recent", "hashlimit", "set", "nfacct", "rateest")
"""Matches whose memory has a name; that of another belongs to its rule alone."""


class Doubt(NamedTuple):
    """A memory that other packets get to now, the rules that ask it, and the variables of its answers."""

    old: tuple[Step, ...]
    new: tuple[Step, ...]
    answers: Any


_Feeds = dict[Hashable, list[Reach]]


class _Uses(NamedTuple):
    """What the rules of a walk do with memories, met by packets or not: ``feeds`` change them, ``asks`` look."""

    feeds: _Feeds
    asks: _Feeds


def doubts(walks: Walks, few: dict[str, PacketSet]) -> list[Doubt]:
    """The memories that may not be the same, since other packets get to them, or others may.

    ``few`` are some packets, by path, to which something else happens now: it is
    enough if one of them gets there in one of the rulesets alone.
    """
    old, new = _uses(walks.old), _uses(walks.new)
    answers = _answers(walks.old.space, {**old.asks, **new.asks})
    fed = {**old.feeds, **new.feeds}
    left = [thing for thing in old.asks if thing in new.asks and thing in answers and thing in fed]
    feeds = {thing: (old.feeds.get(thing, []), new.feeds.get(thing, [])) for thing in left}
    different = [thing for thing in left if not _same_feed(walks, *feeds[thing], few)]
    left = [thing for thing in left if thing not in different]
    found = [thing for thing in different if _decides(walks, old.asks[thing], new.asks[thing])]
    for thing in found:  # it grows
        for other in [other for other in left if _hangs_on(feeds[other][0], answers[thing])]:
            left.remove(other)
            found.append(other)
    asked = ((thing, _reached(old.asks[thing]), _reached(new.asks[thing])) for thing in found)
    told = ((thing, before, after) for thing, before, after in asked if before and after)
    return [Doubt(_asking(before), _asking(after), answers[thing]) for thing, before, after in told]


def feeds_differ(walks: Walks) -> bool:
    """Whether other packets get to a memory now, of those that were followed, and others may be asked about it."""
    old, new = _uses(walks.old), _uses(walks.new)
    asked = _asked_for_more(walks.old) | _asked_for_more(walks.new)
    feeds = (
        (old.feeds.get(thing, []), new.feeds.get(thing, [])) for thing in {**old.feeds, **new.feeds} if thing in asked
    )
    return not all(_same_feed(walks, before, after, {}) for before, after in feeds)


def _asked_for_more(walked: Meaning) -> set[Hashable]:
    """What rules ask that do more than to drop packets which the next rule drops as well."""
    found = set[Hashable]()
    for program in walked.prepared.programs.values():
        for chain in program.chains.values():
            for number, step in enumerate(chain.steps):
                things = _asked_by(step)
                if things and not (is_drop(step) and _drops_all(chain.steps[number + 1 :])):
                    found.update(things)
    return found


def _drops_all(steps: Iterable[Step]) -> bool:
    """Whether the first rule that decides anything drops every packet."""
    step = next((step for step in steps if step.extension not in CONTINUES), None)
    return step is not None and is_drop(step) and not step.rule.base and not step.rule.matches


def _reached(reaches: Iterable[Reach]) -> list[Reach]:
    """Those rules to which packets get."""
    return [reach for reach in reaches if reach.entry.outline.meets(reach.passing)]


def _decides(walks: Walks, old: list[Reach], new: list[Reach]) -> bool:
    """Whether it may matter for packets what rules answer that ask a memory: they get there in both rulesets."""
    if _all_dropped(walks, walks.old, old) and _all_dropped(walks, walks.new, new):
        return False
    return bool(_reached(old) and _reached(new))


def _all_dropped(walks: Walks, meaning: Meaning, reaches: Iterable[Reach]) -> bool:
    """Whether it is plain that rules decide nothing: they drop packets, and the next rule drops the others."""
    return all(is_drop(reach.step) and _rest_dropped(walks, meaning, reach) for reach in reaches)


def _rest_dropped(walks: Walks, meaning: Meaning, reach: Reach) -> bool:
    course = walks.course(meaning, way_of(reach))
    following = next((other for other in course.behind(reach) if other.step.extension not in CONTINUES), None)
    if following is None or not is_drop(following.step):
        return False
    coming = following.passing if following.care is None else following.passing & following.care
    return coming <= following.matching


def _asking(reaches: list[Reach]) -> tuple[Step, ...]:
    return tuple(reach.step for reach in reaches)


def _things(step: Step) -> Iterator[Hashable]:
    """The things with a memory that a rule asks: a list or bucket by name, or what is its own.

    What only decides whether a packet is logged is left out: it changes nothing
    for any other rule.
    """
    for name in memories(step.rule):
        if name.partition(" ")[0] in _NAMED:
            yield name
        elif step.goes_to or step.verdict or step.extension not in ("", *CONTINUES):
            yield name, step.key


def _uses(walked: Meaning) -> _Uses:
    """By thing, the rules that change it and those that ask it; a memory is changed by who asks, a set by SET."""
    found = _Uses({}, {})
    for reach in dict.fromkeys(reach for way in walked.ways for reach in way.reaches):
        for thing in _fed_by(reach.step):
            found.feeds.setdefault(thing, []).append(reach)
        for thing in _asked_by(reach.step):
            found.asks.setdefault(thing, []).append(reach)
    return found


def _fed_by(step: Step) -> list[Hashable]:
    return [*(_things(step) if step.has_memory else ()), *_sets(step.rule.target, "-set")]


def _asked_by(step: Step) -> list[Hashable]:
    return [*(_things(step) if step.has_memory else ()), *_asked_sets(step)]


def _asked_sets(step: Step) -> Iterator[Hashable]:
    return (thing for match in step.rule.matches if match.name == "set" for thing in _sets(match, "--match-set"))


def _sets(owner: Match | Target | None, option: str) -> Iterator[Hashable]:
    """The sets that a match or a target names."""
    if owner is not None and owner.name.lower() == "set":
        yield from (_a_set(use.value[0]) for use in owner.uses if option in use.option)


def _a_set(name: str) -> Hashable:
    return "contents", name


def _answers(space: Space, asks: _Feeds) -> dict[Hashable, Any]:
    """By thing, the variables that are its answers."""
    asking = {reach.step.key: thing for thing, reaches in asks.items() for reach in reaches if reach.step.has_memory}
    found: dict[Hashable, Any] = {}
    for key, answer in space.unknown_keys().items():
        thing = asking.get(_rule_asking(key)) or _set_asked(key)
        if thing is not None:
            found[thing] = answer.function & found[thing] if thing in found else answer.function
    return found


def _question(key: Hashable) -> Hashable:
    """What was asked, without where and how often."""
    while isinstance(key, tuple) and len(key) == 2:
        key = key[0]
    return key


def _set_asked(key: Hashable) -> Hashable:
    """The set of which it is the answer, None where it is none (semantics/matches/set.py)."""
    question = _question(key)
    return _a_set(question[1][0]) if isinstance(question, tuple) and question[0] == "set" else None


def _rule_asking(key: Hashable) -> Any:
    """The rule of an answer that may be another each time: the key begins with the visit, and that with a name."""
    question = _question(key)
    visit = question[0] if isinstance(question, tuple) and len(question) == 4 else None
    return visit[1] if isinstance(visit, tuple) and len(visit) == 3 else None


def _same_feed(walks: Walks, old: list[Reach], new: list[Reach], few: dict[str, PacketSet]) -> bool:
    """Whether the same rules ask, of the same packets; what is cheap to compare comes first."""
    if _keys(old) != _keys(new):
        old, new = _reached(old), _reached(new)
    if _keys(old) != _keys(new):
        return False
    pairs = list(zip(old, new, strict=True))
    return all(_same_of(walks, one, other, few) for one, other in pairs) and all(
        walks.is_alike(one, other) or one.arrives == other.arrives for one, other in pairs
    )


def _keys(reaches: list[Reach]) -> list[Hashable]:
    return [(reach.step.key, reach.hook) for reach in reaches]


def _same_of(walks: Walks, old: Reach, new: Reach, few: dict[str, PacketSet]) -> bool:
    """Whether the same of a few packets get to two rules."""
    return all(
        walks.course(walks.old, path).arriving(packets, old) == walks.course(walks.new, path).arriving(packets, new)
        for path, packets in few.items()
        if path == old.hook.path or (path != "output" and old.hook.path == "arriving")
    )


def _hangs_on(reaches: list[Reach], answers: Any) -> bool:
    """Whether it depends on some answers which packets get to rules."""
    arrives = (reach.arrives.function for reach in reaches)
    return any(function.exists(answers) != function for function in arrives)
