"""The part of the proof that speaks of side effects: memories count what they counted, logs are listed."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import NamedTuple

from rulec.analysis.flows import OF_CONNECTION
from rulec.analysis.sides import Side, memories_by_name
from rulec.analysis.untracked_flows import ANSWERED_ON
from rulec.compiler.certificate import Failure, Listed
from rulec.compiler.proof.flows import SAME_WAY, TouchedFlows
from rulec.compiler.proof.words import failure
from rulec.packetset.packetset import PacketSet
from rulec.semantics.effects import CONTINUES
from rulec.semantics.opaque import has_memory
from rulec.semantics.paths import PATHS
from rulec.semantics.program import Step

_LISTED = CONTINUES | {"SET", "NFQUEUE", "TCPMSS", "MARK", "CONNMARK", "TOS", "DSCP", "CLASSIFY"}


class _Met(NamedTuple):
    """The touched packets that meet some rules: first ones, and later ones of flows that may begin."""

    first: PacketSet
    later: PacketSet


class Effects:
    """What touched packets meet otherwise; ``listed`` grows while the failures are asked for."""

    def __init__(self, flows: TouchedFlows) -> None:
        self.flows = flows
        self.pair = flows.pair
        self.listed: list[Listed] = []
        self._sides = tuple((side, memories_by_name(side.meaning.prepared)) for side in (self.pair.old, self.pair.new))
        self._known: dict[tuple[str, bool, bool], tuple[dict[Hashable, _Met], ...]] = {}

    def failures(self) -> Iterator[Failure]:
        """Rules whose memory decides, and that other packets reach now."""
        for path in PATHS:
            if not self.pair.touched(path).is_empty():
                yield from self._helped(path)
                yield from self._of_path(path)

    def _helped(self, path: str) -> Iterator[Failure]:
        """Flows that a helper read: what it expected was RELATED (measured with ftp and tftp).

        A helper is given to connections as they begin; those that begin from a hot port it may be assumed are none.
        """
        touched = self._touched(path) & self.pair.opening
        for met in self.pair.old.met(path, touched, _is_helper):
            found = met.packets.without(OF_CONNECTION)
            if not found.is_empty() and self.flows.may_assume(path):
                found = (met.packets - self.flows.reversed(path)).without(OF_CONNECTION)
            if not found.is_empty():
                message = "a helper reads this flow, and the connections that it expects would be lost"
                yield failure(self.pair, "kept", path, message, found.possibly())

    def _of_path(self, path: str) -> Iterator[Failure]:
        for name, step in self._named(path).items():
            differs, more = self._differing(name, step, path)
            if differs.is_empty():
                continue
            if self._decides(step):
                message = f"{_said(step)} counts other packets now, and decides by that"
                yield failure(self.pair, "effects", path, message, differs)
            else:
                self._list(step, path, differs, more)

    def _differing(self, name: Hashable, step: Step, path: str) -> tuple[PacketSet, bool]:
        """The packets that meet a rule under one ruleset alone, and whether any meet it now that did not.

        Where these are packets that take another way than those with which their
        flows began, or of flows that servers begin, it may be assumed that there are none.
        """
        none = _Met(self.pair.space.nothing, self.pair.space.nothing)
        for usually, asked in ((False, False), (True, False), (True, True)):
            before, after = (met.get(name, none) for met in self._by_name(path, usually, asked))
            differs = (before.first ^ after.first) | (before.later ^ after.later)
            if _counts_connections(step):
                differs = self.pair.space.union((*before, *after))
            if differs.is_empty():
                self._assume(path, usually, asked)
                break
        return differs, not (after.later - before.later).is_empty()

    def _assume(self, path: str, usually: bool, asked: bool) -> None:
        """Put down what was assumed of flows."""
        if usually:
            self.flows.assume(SAME_WAY)
        for way in sorted({path, ANSWERED_ON[path]}) if asked else ():
            self.flows.may_assume(way)

    def _named(self, path: str) -> dict[Hashable, Step]:
        """The rules with side effects that touched packets meet, by what is the same in both rulesets.

        Where one stands in the new ruleset it is that rule, though no touched packet meets it there.
        """
        old, new = (
            {_name(step, names): step for _, step, _ in side.met(path, self._touched(path), _has_effect)}
            for side, names in self._sides
        )
        side, names = self._sides[1]
        steps = (step for program in side.meaning.prepared.programs.values() for step in program.steps())
        there = {_name(step, names): step for step in steps if _has_effect(step)}
        return {name: there.get(name, step) for name, step in old.items()} | new

    def _by_name(self, path: str, usually: bool, asked: bool) -> tuple[dict[Hashable, _Met], ...]:
        """What meets these rules under each ruleset."""
        key = (path, usually, asked)
        if key not in self._known:
            unlikely = self.flows.unlikely(path) if asked else self.pair.space.nothing
            later = self.flows.later(path, usually=usually, asked=asked)
            kinds = [self._touched(path) & kind for kind in (self.pair.opening - unlikely, later)]
            self._known[key] = tuple(self._meeting(side, names, path, kinds) for side, names in self._sides)
        return self._known[key]

    def _meeting(
        self, side: Side, names: dict[Step, Hashable], path: str, kinds: list[PacketSet]
    ) -> dict[Hashable, _Met]:
        found: dict[Hashable, list[PacketSet]] = {}
        for number, kind in enumerate(kinds):
            for _, step, hit in side.met(path, kind, _has_effect):
                sets = found.setdefault(_name(step, names), [kind.space.nothing] * len(kinds))
                sets[number] |= hit.without(OF_CONNECTION)
        return {name: _Met(*(packets.possibly() for packets in sets)) for name, sets in found.items()}

    def _touched(self, path: str) -> PacketSet:
        return self.pair.touched(path) & self.pair.usual(path)

    def _decides(self, step: Step) -> bool:
        if not step.has_memory:
            return False
        ends = step.verdict or step.extension not in ("", *CONTINUES) or self._leads_to_verdicts(step)
        return bool(ends) or any(match.name == "recent" for match in step.rule.matches)

    def _leads_to_verdicts(self, step: Step) -> bool:
        """Whether what it sends packets to does more than note them and send them back."""
        if not step.goes_to:
            return False
        sides = (side.meaning.prepared.programs.get(step.table) for side in (self.pair.new, self.pair.old))
        program = next(program for program in sides if program is not None and step.goes_to in program)
        steps = [each for name in program.reached_from([step.goes_to]) for each in program.chains[name].steps]
        harmless = ("", *CONTINUES)
        return step.is_goto or any(
            each.verdict not in ("", "RETURN") or each.extension not in harmless or each.is_goto for each in steps
        )

    def _list(self, step: Step, path: str, packets: PacketSet, more: bool) -> None:
        said = "meets each packet of a flow, where it met the first" if more else "does not meet all that it met"
        message = f"{_said(step)} on line {step.line} {said}"
        self.listed.append(Listed(message, "", self.pair.witness(packets, path)))


def _has_effect(step: Step) -> bool:
    return step.has_memory or step.extension in _LISTED


def _name(step: Step, names: dict[Step, Hashable]) -> Hashable:
    return names.get(step) or (step.table, step.rule.target, step.rule.base)


def _is_helper(step: Step) -> bool:
    target = step.rule.target
    return target is not None and target.name == "CT" and any(use.option == "--helper" for use in target.uses)


def _counts_connections(step: Step) -> bool:
    """Whether it looks for connections in the table, and forgets those that it does not find there (measured)."""
    return any(match.name == "connlimit" for match in step.rule.matches)


def _said(step: Step) -> str:
    """What has the side effect."""
    memories = [match.name for match in step.rule.matches if has_memory(match)]
    return ", ".join(memories) or step.extension
