"""Rules that decide what is decided behind them all the same.

Each chain that changes no packet is read from its end to its beginning, in terms
of a packet that gets to that place: which packets are accepted, dropped,
refused, returned from there on, without meeting a rule that does anything
besides.  A rule whose packets are decided alike behind it is redundant, and is
left out of what is read on.  None of its packets meets one that may be deleted
too and decides otherwise, so that any of those that are found may be deleted,
alone or together.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import NamedTuple

from rulec.analysis.dead import MOST_WITNESSES, unmet
from rulec.analysis.rules import RedundantRule, Structure
from rulec.analysis.structure import asks_nothing, used_chains, whole_lines
from rulec.analysis.visits import Visit, Walked
from rulec.packetset.packetset import PacketSet
from rulec.semantics.place import Hook, Values
from rulec.semantics.program import Chain, Program, Step

_MOST_NAMED = 3
_UNKNOWN = "unknown"
_LARGEST = 50_000
"""Nodes beyond which what is decided behind a rule is forgotten."""


class _Decided:
    """Packets by what is decided of them.

    What rules take away from other decisions is taken away when somebody asks: of
    some decisions nobody does for many rules.  What one rule after another takes
    for the same decision is put together once for all the others.
    """

    def __init__(self, sets: Mapping[Hashable, PacketSet]) -> None:
        self._sets = dict(sets)
        self._taken: dict[Hashable, list[PacketSet]] = {decision: [] for decision in sets}
        self._taker: Hashable = None
        self._takes: list[PacketSet] = []

    def __iter__(self) -> Iterator[Hashable]:
        return iter(self._sets)

    def get(self, decision: Hashable) -> PacketSet | None:
        """The packets of which this is decided; None where nobody knows of any."""
        if decision != self._taker:
            self._tell_others()
        taken = self._taken.get(decision)
        if taken:
            self._sets[decision] -= self._sets[decision].space.union(taken)
            taken.clear()
        return self._sets.get(decision)

    def decide(self, packets: PacketSet, decision: Hashable) -> None:
        """Let a decision be made before all others; None is one that is not known."""
        known = self.get(decision)
        self._taker = decision
        self._takes.append(packets)
        if decision is not None:
            self._sets[decision], self._taken[decision] = packets if known is None else known | packets, []

    def _tell_others(self) -> None:
        """Note what was taken from all but the last one to take."""
        losing = [taken for other, taken in self._taken.items() if other != self._taker]
        if self._takes and losing:
            together = self._takes[0].space.union(self._takes)
            for taken in losing:
                taken.append(together)
        self._takes.clear()

    def __setitem__(self, decision: Hashable, packets: PacketSet) -> None:
        self._tell_others()
        self._sets[decision], self._taken[decision] = packets, []

    def known(self) -> dict[Hashable, PacketSet]:
        """All of them."""
        return {decision: self.get(decision) or packets for decision, packets in self._sets.items()}

    def keep(self, packets: PacketSet) -> None:
        """Know nothing of others any more."""
        for decision, decided in self.known().items():
            self[decision] = decided & packets

    def forget(self) -> None:
        """Know nothing any more."""
        self._sets.clear()
        self._taken.clear()
        self._takes.clear()


class _Outcome(NamedTuple):
    """What is decided of packets from some rule on; ``loose`` is what rules that may be deleted match and decide."""

    decided: _Decided
    loose: dict[Hashable, PacketSet]


class _Look(NamedTuple):
    """A look at a chain, and what becomes of packets behind the rule that was read last; ``behind`` are the rules."""

    visit: Visit
    outcome: _Outcome
    behind: list[tuple[Step, PacketSet]]


_Outcomes = dict[tuple[str, Hook, Values], _Outcome]


def redundant_rules(walked: Walked, structure: Structure) -> tuple[RedundantRule, ...]:
    """The rules without which every packet is decided as it is with them.

    Not those that no packet meets, nor those that take every packet: these say
    in so many words what else the policy would do.  Nor a rule that returns what
    would come to the end of the chain: rules may yet be put behind it.
    """
    dead = {(step.table, step.line) for step in unmet(walked)}
    found: list[RedundantRule] = []
    for program in walked.programs.values():
        outcomes: _Outcomes = {}
        used = used_chains(program) & program.plain
        for chain in (program.chains[name] for name in reversed(program.callers_first) if name in used):
            gone = {step for step in chain.steps if (step.table, step.line) in dead}
            reader = _Reader(walked, program, outcomes, chain, gone)
            found.extend(reader.read())
    return tuple(found)


class _Reader:
    """Reads one chain from its end to its beginning; no packet meets those rules that are ``dead``."""

    def __init__(self, walked: Walked, program: Program, outcomes: _Outcomes, chain: Chain, dead: set[Step]) -> None:
        self._walked = walked
        self._program = program
        self._outcomes = outcomes
        self._chain = chain
        self._dead = dead
        self._end = chain.policy or "RETURN"
        if chain.policy and not walked.declares(program.name, chain.name):
            self._end = "the policy, whatever it is"
        self._left = MOST_WITNESSES

    def read(self) -> list[RedundantRule]:
        """Find the redundant rules, and note what the chain does without them."""
        visits = self._walked.entered(self._program.name, self._chain.name)
        everything = self._walked.space.everything
        looks = [_Look(visit, _Outcome(_Decided({self._end: everything}), {}), []) for visit in visits]
        redundant = {}
        for number in range(len(self._chain.steps) - 1, -1, -1):
            step = self._chain.steps[number]
            for look in looks:
                self._forget_those_that_never_come(look, number)
            alike = self._may_go(step) and all(self._is_decided_alike(look, number) for look in looks)
            if alike:
                redundant[step] = self._redundant(step, looks, number)
            for look in looks:
                self._read(look, number, alike or (step in self._dead and self._decision(step) is not None))
        for look in looks:
            self._outcomes[self._key(self._chain.name, look)] = look.outcome
        found = (redundant[step] for step in whole_lines(self._chain, redundant))
        return [rule for rule in found if self._chain.policy or (rule.verdict, rule.by) != ("RETURN", ())]

    def _key(self, chain: str, look: _Look) -> tuple[str, Hook, Values]:
        return chain, look.visit.hook, look.visit.reaches[0].values

    # ── one rule ──

    def _may_go(self, step: Step) -> bool:
        decides = self._decision(step) not in (None, _UNKNOWN)
        return decides and step not in self._dead and not asks_nothing(step.rule)

    def _decision(self, step: Step) -> Hashable:
        """What becomes of packets that match; None where something happens besides, or nothing at all."""
        if step.has_memory or step.verdict == "QUEUE":
            return None
        if step.goes_to:
            return _UNKNOWN
        if step.extension not in ("", "REJECT"):
            return None
        if step.extension:
            return step.rule.target
        return self._end if step.verdict == "RETURN" else step.verdict or None

    def _is_decided_alike(self, look: _Look, number: int) -> bool:
        """Whether its packets are decided alike behind it, and meet nothing that may go and decides otherwise."""
        reach = look.visit.reaches[number]
        decision = self._decision(reach.step)
        alike = look.outcome.decided.get(decision)
        if alike is None or not reach.is_met:
            return not reach.is_met
        if not reach.entry.some & reach.matching <= alike:
            return False
        wanted = reach.entry.outline & reach.matching
        others = (packets for verdict, packets in look.outcome.loose.items() if verdict != decision)
        return wanted <= alike and not any(wanted.meets(packets) for packets in others)

    def _redundant(self, step: Step, looks: list[_Look], number: int) -> RedundantRule:
        self._left -= 1
        by: tuple[int, ...] | None = None
        if self._left >= 0:
            by = tuple(dict.fromkeys(line for look in looks for line in self._decided_by(look, number)))[:_MOST_NAMED]
        return RedundantRule(step.table, step.chain, step.line, step.verdict or step.extension, by, _opens(step))

    def _decided_by(self, look: _Look, number: int) -> Iterator[int]:
        """The lines of the rules behind it that decide of its packets."""
        reach = look.visit.reaches[number]
        left = reach.entry.outline & reach.matching
        for step, matched in reversed(look.behind):
            if left.meets(matched):
                yield step.line
                left -= matched
                if left.is_empty():
                    return

    # ── reading on ──

    def _read(self, look: _Look, number: int, is_loose: bool) -> None:
        """Put a rule in front of those that were read."""
        reach = look.visit.reaches[number]
        step, decision = reach.step, self._decision(reach.step)
        if step.rule.target is None and not step.has_memory:
            return
        matched = self._walked.touched(reach)
        decided, loose = look.outcome
        if is_loose:
            loose[decision] = loose.get(decision, self._walked.space.nothing) | matched
            return
        if decision == _UNKNOWN:
            self._call(look, step, matched)
        else:
            decided.decide(matched, decision)
        if decision is not None:
            look.behind.append((step, matched))

    def _forget_those_that_never_come(self, look: _Look, number: int) -> None:
        """Behind the leading rules of a chain nothing is known of packets that never come there."""
        care = look.visit.reaches[number + 1].care if number + 1 < len(look.visit.reaches) else None
        if care is not None and look.visit.reaches[number].care is None:
            decided, loose = look.outcome
            decided.keep(care)
            loose.update({verdict: packets & care for verdict, packets in loose.items()})

    def _call(self, look: _Look, step: Step, matched: PacketSet) -> None:
        """Put a jump in front; where no packet comes into that chain nobody knows what it would decide.

        What many large chains decide one after another may be too much to look at
        for the sake of the rules before them: then nobody knows, either.
        """
        nothing = self._walked.space.nothing
        decided, loose = look.outcome
        called = self._outcomes.get(self._key(step.goes_to, look), _Outcome(_Decided({}), {}))
        inside = called.decided.known()
        back = inside.pop("RETURN", nothing)
        if step.is_goto:
            inside[self._end] = inside.get(self._end, nothing) | back
            back = nothing
        for verdict in {*decided, *inside}:
            behind = decided.get(verdict) or nothing
            decided[verdict] = matched.choose(inside.get(verdict, nothing) | (back & behind), behind)
        if sum(packets.function.node_count() for packets in decided.known().values()) > _LARGEST:
            decided.forget()
        for verdict, packets in called.loose.items():
            loose[verdict] = loose.get(verdict, nothing) | (packets & matched)


def _opens(step: Step) -> bool:
    """Whether it accepts by what a packet is, and not only by its interface or state."""
    options = {use.option for use in step.rule.base}
    return step.verdict == "ACCEPT" and not options.isdisjoint(("--source", "--destination", "--protocol"))
