"""One of two rulesets that are compared, walked: who comes through, and which rules are met on the way."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Any, NamedTuple

from rulec.analysis.narrow import matches_among
from rulec.analysis.tracking import tracking_facts
from rulec.packetset.fields import STATES
from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import Space
from rulec.semantics.opaque import has_memory
from rulec.semantics.paths import Way
from rulec.semantics.place import Hook, Memory
from rulec.semantics.program import Step
from rulec.semantics.ruleset import Meaning, Prepared, meaning
from rulec.semantics.walk import LARGE

_MUCH = 0.01
"""Of what share of all packets it takes no longer to say so of all."""


class Met(NamedTuple):
    """A rule at a hook, and the packets that match."""

    hook: Hook
    step: Step
    packets: PacketSet


class Side:
    """One of the two rulesets, walked."""

    def __init__(self, walked: Meaning, guesses: Any, is_large: bool) -> None:
        self.meaning = walked
        self._is_large = is_large
        self._asked: dict[str, tuple[PacketSet, PacketSet]] = {}
        self.tracks = bool(tracking_facts(walked.prepared.ruleset).lines)
        """Whether any rule has packets tracked; without, every packet is untracked, and no rule asks for a state."""
        self._guesses = guesses

    def way(self, path: str) -> Way:
        """Its way of that path."""
        return self.meaning.way(path)

    def passing(self, path: str, packets: PacketSet) -> PacketSet:
        """Those of some packets that get to the end of a way, whatever NAT makes of them."""
        found = self.alive(path, packets)
        return PacketSet(found.space, found.function.exists(self._guesses))

    def alive(self, path: str, packets: PacketSet) -> PacketSet:
        """The same, each with what NAT makes of it.

        Through a large table only what is asked for is sent.
        """
        alive, none = self.way(path).alive, packets.space.nothing
        if not self._is_large:
            return packets & alive.exact
        known, through = self._asked.get(path, (none, none))
        left = packets - known
        if left.size() > _MUCH:
            known, through = packets.space.everything, alive.exact
        elif not left.is_empty():
            known, through = known | left, through | alive.among(left)
        self._asked[path] = known, through
        found: PacketSet = packets & through
        return found

    def met(self, path: str, packets: PacketSet, wanted: Callable[[Step], bool]) -> Iterator[Met]:
        """The rules of a kind that some packets match on a way; a rule to which they come by two ways stands twice."""
        if not self._is_large:
            for reach in self.way(path).reaches:
                if wanted(reach.step) and reach.is_met:
                    yield Met(reach.hook, reach.step, matches_among(reach, packets))
            return
        found: list[Met] = []

        def met(hook: Hook, step: Step, hit: PacketSet) -> None:
            if wanted(step):
                found.append(Met(hook, step, hit))

        if not packets.is_empty() and any(wanted(step) for step in self._steps()):
            self.way(path).alive.among(packets, met)
        yield from found

    def _steps(self) -> Iterator[Step]:
        return (step for program in self.meaning.prepared.programs.values() for step in program.steps())

    def untracked(self, path: str) -> PacketSet:
        """The packets that are untracked behind the table raw, by a rule or by nature."""
        way = self.way(path)
        if not self.tracks:
            return way.enters
        return way.values["state"].equals(STATES.index("UNTRACKED")) & way.enters


def is_large(prepared: Prepared) -> bool:
    """Whether a table is large, and only rules of nat stand behind one."""
    programs = prepared.programs
    behind = [programs[name] for name in ("mangle", "security") if name in programs]
    nothing_behind = not any(program.chains[hook].steps for program in behind for hook in _BEHIND if hook in program)
    return nothing_behind and any(program.size > LARGE for program in programs.values())


_BEHIND = ("INPUT", "FORWARD", "OUTPUT", "POSTROUTING")


def walk(prepared: Prepared, space: Space, memory: Memory, exact: bool) -> Meaning:
    """One of two rulesets walked; where not ``exact`` a table behind a large one is taken to get all that came to that.

    What remembers the same is asked once in both.
    """
    names = memories_by_name(prepared)
    return meaning(
        prepared, space, memory, remembers=lambda step: names.get(step, step.key), exact=exact, late=not exact
    )


def memories_by_name(prepared: Prepared) -> dict[Step, Hashable]:
    """What each rule with a memory asks, the same in both rulesets: its matches that have one, by chain and target.

    A rule that is otherwise worded still has its memory: ``-m limit`` beside
    ``NEW`` and beside ``NEW,UNTRACKED`` is one bucket.
    """
    found: dict[Step, Hashable] = {}
    seen: dict[Hashable, int] = {}
    for program in prepared.programs.values():
        for step in program.steps():
            if step.has_memory:
                memories = tuple(match for match in step.rule.matches if has_memory(match))
                asked = (program.name, step.chain, step.rule.target, memories)
                seen[asked] = seen.get(asked, -1) + 1
                found[step] = ("memory", asked, seen[asked])
    return found
