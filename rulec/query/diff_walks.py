"""Two rulesets walked in one space, so that what they do to the same packet can be compared.

What a rule remembers (``limit``, ``recent``) is taken to be the same in both.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from rulec.packetset.fields import guessed_names
from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import Space
from rulec.query.diff_courses import Course
from rulec.query.diff_focus import Focus, Likeness, focus
from rulec.semantics import nat
from rulec.semantics.concern import Concern
from rulec.semantics.place import Hook, Memory
from rulec.semantics.program import Step
from rulec.semantics.reach import Reach
from rulec.semantics.ruleset import NAMES, Meaning, Prepared, meaning


class Delta(NamedTuple):
    """Packets to which something happens in one of two rulesets alone: for some answers to what is unknown, or all."""

    packets: PacketSet
    surely: PacketSet


class Walks:
    """What both rulesets do.

    ``guesses`` are the variables of what NAT may make of packets, None without NAT;
    ``agree`` says that the NAT of both makes the same of them.  ``changed`` are
    the rules that are not the same in both.
    """

    def __init__(self, old: Meaning, new: Meaning, guesses: Any, agree: bool, changed: frozenset[Step]) -> None:
        self.old = old
        self.new = new
        self.guesses = guesses
        self.agree = agree
        self._changed = changed
        self._courses: dict[tuple[str, str], Course] = {}
        self._likenesses: dict[str, Likeness] = {}
        self._focuses: dict[str, Focus | None] = {}

    def settled(self, packets: PacketSet) -> PacketSet:
        """The packets, whatever NAT makes of them."""
        if self.guesses is None or packets.is_constant():
            return packets
        return PacketSet(packets.space, packets.function.exists(self.guesses))

    def course(self, meaning: Meaning, path: str) -> Course:
        """The rules of a way."""
        key = NAMES[meaning is self.new], path
        if key not in self._courses:
            self._courses[key] = Course(meaning.way(path).reaches)
        return self._courses[key]

    def focus(self, path: str) -> Focus | None:
        """Where a way differs, if that is at one hook only."""
        if path not in self._focuses:
            self._focuses[path] = focus(self.old, self.new, path, self._changed, self.settled)
        return self._focuses[path]

    def is_alike(self, old: Reach, new: Reach) -> bool:
        """Whether the same packets get to a rule of the old ruleset and one of the new, and match: if that is plain."""
        return asked(old) == asked(new) and self._likeness(way_of(old)).is_same(old.entry, new.entry)

    def _likeness(self, path: str) -> Likeness:
        if path not in self._likenesses:
            self._likenesses[path] = Likeness(self.course(self.old, path), self.course(self.new, path))
        return self._likenesses[path]

    def possible(self, path: str, packets: PacketSet) -> PacketSet:
        """Those of a set of one walk of which it is possible what NAT makes of them, where both make the same."""
        return packets & self.old.way(path).guesses if self.agree else packets

    def delta(self, path: str, one: PacketSet, other: PacketSet) -> Delta:
        """The packets of a way that are in a set of one walk, all of them possible, and not in that of the other.

        Where the NAT of both makes the same of packets, that is where they are told
        apart; where it does not, what it may make of them is all that is compared.
        Later packets of a rewritten connection fare as the first did: they are
        told only where nothing else is, and not at all where that is rewritten otherwise.
        """
        possible = self.old.way(path).guesses
        if not self.agree:
            one, other, possible = self.settled(one), self.settled(other), one.space.everything
        packets = one - other
        if self.guesses is not None or not self.agree:
            first = packets - _later(one.space)
            packets = packets if first.is_empty() and self.agree else first
        if packets.is_empty():
            return Delta(packets, packets)
        return Delta(self.settled(packets), self._surely(packets, possible))

    def _surely(self, packets: PacketSet, possible: PacketSet) -> PacketSet:
        """Those of them that are in the set whatever the unknown answers are, and what NAT makes of them if it may.

        Where it can always make something of a packet, none is there for all that it
        makes if none is there for anything that it makes: that is soon seen.
        """
        settled = self.settled(packets)
        if settled.surely().is_empty() and self.settled(possible).is_everything():
            return packets.space.nothing  # type: ignore[no-any-return]
        return settled.possibly() - (possible - packets).possibly()


def way_of(reach: Reach) -> str:
    """A way on which packets meet a rule."""
    return "input" if reach.hook.path == "arriving" else reach.hook.path


def asked(reach: Reach) -> tuple[Hook, PacketSet, PacketSet]:
    """Where a rule is met, what is asked of packets so that they get to it, and so that they match, too."""
    return reach.hook, reach.passing, reach.matching


def walk_both(
    old: Prepared,
    new: Prepared,
    space: Space,
    changed: frozenset[Step] = frozenset(),
    concern: Concern | None = None,
) -> Walks:
    """Walk both, as if all that rules remember were the same; with a ``concern``, for the packets that it concerns."""
    memory, named = Memory(), zip((old, new), NAMES, strict=True)
    before, after = (meaning(one, space, memory, name, concern=concern) for one, name in named)
    pairs = [(one.guesses, other.guesses) for one, other in zip(before.ways, after.ways, strict=True)]
    kinds = _kinds(old), _kinds(new)
    agree = kinds[0] == kinds[1] and all(one == other for one, other in pairs)
    if not any((*kinds[0], *kinds[1])):
        return Walks(before, after, None, agree, changed)
    names = (name for ruleset in NAMES for name in guessed_names(ruleset))
    guesses = space.variables(place for name in names for place in space.places(name))
    return Walks(before, after, guesses, agree, changed)


def _kinds(prepared: Prepared) -> nat.Kinds:
    return nat.kinds(step.extension for program in prepared.programs.values() for step in program.steps())


def _later(space: Space) -> PacketSet:
    return (space.flag("snat") | space.flag("dnat")) - space.flag("first")
