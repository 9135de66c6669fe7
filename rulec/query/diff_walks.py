"""Two rulesets walked in one space, so that what they do to the same packet can be compared.

What a rule remembers (``limit``, ``recent``) is taken to be the same in both.
It may be another thing where other packets get to the rules that ask it; these
memories are found here, and what depends on them is told apart.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any, NamedTuple

from rulec.packetset.fields import guessed_names
from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import Space
from rulec.semantics import nat
from rulec.semantics.effects import CONTINUES
from rulec.semantics.opaque import memories
from rulec.semantics.place import Memory
from rulec.semantics.program import Step
from rulec.semantics.ruleset import NAMES, Meaning, Prepared, meaning
from rulec.semantics.walk import Entry, Reach

_NAMED = ("recent", "hashlimit", "set", "nfacct", "rateest")
"""Matches whose memory has a name; that of another belongs to its rule alone."""


class Delta(NamedTuple):
    """Packets to which something happens in one of two rulesets alone: for some answers to what is unknown, or all."""

    packets: PacketSet
    surely: PacketSet


class Doubt(NamedTuple):
    """A memory that other packets get to now, the rules that ask it, and the variables of its answers."""

    old: tuple[Step, ...]
    new: tuple[Step, ...]
    answers: Any


class Walks(NamedTuple):
    """What both rulesets do.

    ``guesses`` are the variables of what NAT may make of packets, None without NAT;
    ``agree`` says that the NAT of both makes the same of them.
    """

    old: Meaning
    new: Meaning
    guesses: Any
    agree: bool

    def settled(self, packets: PacketSet) -> PacketSet:
        """The packets, whatever NAT makes of them."""
        if self.guesses is None:
            return packets
        return PacketSet(packets.space, packets.function.exists(self.guesses))

    def delta(self, path: str, one: PacketSet, other: PacketSet) -> Delta:
        """The packets of a way that are in a set of one walk, and not in that of the other.

        Where the NAT of both makes the same of packets, that is where they are told
        apart; where it does not, what it may make of them is all that is compared.
        Later packets of a rewritten connection fare as the first did: they are
        told only where nothing else is, and not at all where that is rewritten otherwise.
        """
        possible = self.old.way(path).guesses
        if not self.agree:
            one, other, possible = self.settled(one), self.settled(other), one.space.everything
        packets = (one & possible) - other
        if self.guesses is not None or not self.agree:
            first = packets - _later(one.space)
            packets = packets if first.is_empty() and self.agree else first
        if packets.is_empty():
            return Delta(packets, packets)
        return Delta(self.settled(packets), packets.possibly() - (possible - packets).possibly())


def walk_both(old: Prepared, new: Prepared, space: Space) -> Walks:
    """Walk both, as if all that rules remember were the same."""
    memory = Memory()
    before, after = (meaning(one, space, memory, name) for one, name in zip((old, new), NAMES, strict=True))
    pairs = [(one.guesses, other.guesses) for one, other in zip(before.ways, after.ways, strict=True)]
    agree = _kinds(old) == _kinds(new) and all(one == other for one, other in pairs)
    if all(guesses.is_everything() for pair in pairs for guesses in pair):
        return Walks(before, after, None, agree)
    names = (name for ruleset in NAMES for name in guessed_names(ruleset))
    return Walks(before, after, space.variables(place for name in names for place in space.places(name)), agree)


def _kinds(prepared: Prepared) -> nat.Kinds:
    return nat.kinds(step.extension for program in prepared.programs.values() for step in program.steps())


def _later(space: Space) -> PacketSet:
    return (space.flag("snat") | space.flag("dnat")) - space.flag("first")


# ── memories ──


_Feeds = dict[Hashable, list[Reach]]


def doubts(walks: Walks, different: dict[str, Within]) -> list[Doubt]:
    """The memories that may not be the same, since other packets get to them, or others may.

    ``different`` are some packets, by path, to which something else happens now:
    it is enough if one of them gets there in one of the rulesets alone.
    """
    old, new = _feeds(walks.old), _feeds(walks.new)
    answers = _answers(walks.old.space, {**old, **new})
    left = [thing for thing in old if thing in new and thing in answers]
    found = [thing for thing in left if not _same_feed(old[thing], new[thing], different)]
    left = [thing for thing in left if thing not in found]
    for thing in found:  # it grows
        for other in [other for other in left if _hangs_on(old[other], answers[thing])]:
            left.remove(other)
            found.append(other)
    return [Doubt(_asking(old[thing]), _asking(new[thing]), answers[thing]) for thing in found]


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


def _feeds(walked: Meaning) -> _Feeds:
    """By thing, the rules that ask it, where packets get to them."""
    found: _Feeds = {}
    for reach in dict.fromkeys(reach for way in walked.ways for reach in way.reaches):
        if reach.step.has_memory and reach.entry.outline.meets(reach.passing):
            for thing in _things(reach.step):
                found.setdefault(thing, []).append(reach)
    return found


def _answers(space: Space, feeds: _Feeds) -> dict[Hashable, Any]:
    """By thing, the variables that are its answers."""
    asking = {reach.step.key: thing for thing, reaches in feeds.items() for reach in reaches}
    found: dict[Hashable, Any] = {}
    for key, answer in space.unknown_keys().items():
        thing = asking.get(_rule_asking(key))
        if thing is not None:
            found[thing] = answer.function & found[thing] if thing in found else answer.function
    return found


def _rule_asking(key: Hashable) -> Any:
    """The rule of an answer that may be another each time: the key begins with the visit, and that with a name."""
    while isinstance(key, tuple) and len(key) == 2:
        key = key[0]
    visit = key[0] if isinstance(key, tuple) and len(key) == 4 else None
    return visit[1] if isinstance(visit, tuple) and len(visit) == 3 else None


def _same_feed(old: list[Reach], new: list[Reach], different: dict[str, Within]) -> bool:
    """Whether the same rules ask, of the same packets; what is cheap to compare comes first."""
    if [(reach.step.key, reach.hook) for reach in old] != [(reach.step.key, reach.hook) for reach in new]:
        return False
    pairs = list(zip(old, new, strict=True))
    return all(_same_within(one, other, different) for one, other in pairs) and all(
        one.arrives == other.arrives for one, other in pairs
    )


def _same_within(one: Reach, other: Reach, different: dict[str, Within]) -> bool:
    return all(
        within.arriving(one.entry) & one.passing == within.arriving(other.entry) & other.passing
        for path, within in different.items()
        if one.hook.path in (path, "arriving")
    )


def _hangs_on(reaches: list[Reach], answers: Any) -> bool:
    """Whether it depends on some answers which packets get to rules."""
    arrives = (reach.arrives.function for reach in reaches)
    return any(function.exists(answers) != function for function in arrives)


# ── parts of a few packets ──


class Within:
    """Where some packets get to: few most often, so that what is said of all packets is put together for them alone."""

    def __init__(self, walks: Walks, packets: PacketSet) -> None:
        self.packets = packets
        self._walks = walks
        self._entries: dict[Entry, PacketSet] = {}

    def met(self, reaches: Iterable[Reach], wanted: Callable[[Step], bool]) -> Iterator[tuple[Reach, PacketSet]]:
        """The wanted rules that any of them match, with those that do."""
        entry = None
        for reach in reaches:
            if not reach.is_met or not wanted(reach.step):
                continue
            if reach.entry is not entry:
                entry, here = reach.entry, self.arriving(reach.entry)
            hit = here & reach.matching
            if not hit.is_empty():
                if reach.step.verdict:
                    here -= hit
                yield reach, self._walks.settled(hit)

    def of(self, packets: PacketSet) -> PacketSet:
        """Those of them that are in a set of a walk."""
        return self._walks.settled(self.packets & packets)

    def arriving(self, entry: Entry) -> PacketSet:
        """Those of them that get to an entry."""
        if entry not in self._entries:
            near = self.packets & entry.outline
            if entry.origins and not near.is_empty():
                near = near.space.union(self.arriving(origin) & packets for origin, packets in entry.origins)
            elif not near.is_empty():
                near &= entry.exact
            self._entries[entry] = near
        return self._entries[entry]
