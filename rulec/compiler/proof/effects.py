"""The part of the proof that speaks of side effects: memories count what they counted, logs are listed."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import NamedTuple

from rulec.analysis.flows import OF_CONNECTION, Side, memories_by_name
from rulec.analysis.narrow import matches_among
from rulec.analysis.untracked_flows import ANSWERED_ON
from rulec.compiler.certificate import Failure, Listed
from rulec.compiler.proof.flows import SAME_WAY, TouchedFlows
from rulec.compiler.proof.words import failure
from rulec.packetset.packetset import PacketSet
from rulec.semantics.effects import CONTINUES
from rulec.semantics.opaque import has_memory
from rulec.semantics.paths import PATHS
from rulec.semantics.program import Step
from rulec.semantics.reach import Reach

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
        touched = self.pair.touched(path) & self.pair.usual(path) & self.pair.opening
        for reach in filter(lambda reach: _is_helper(reach.step), self.pair.old.way(path).reaches):
            found = self._meeting(reach, touched)
            if not found.is_empty() and self.flows.may_assume(path):
                found = self._meeting(reach, touched - self.flows.reversed(path))
            if not found.is_empty():
                message = "a helper reads this flow, and the connections that it expects would be lost"
                yield failure(self.pair, "kept", path, message, found.possibly())

    def _of_path(self, path: str) -> Iterator[Failure]:
        old, new = (self._by_rule(side, path) for side in (self.pair.old, self.pair.new))
        for name in {**old, **new}:
            reaches = old.get(name, []), new.get(name, [])
            differs, more = self._differing(*reaches, path)
            if differs.is_empty():
                continue
            step = (reaches[1] or reaches[0])[0].step
            if self._decides(step):
                message = f"{_said(step)} counts other packets now, and decides by that"
                yield failure(self.pair, "effects", path, message, differs)
            else:
                self._list(step, path, differs, more)

    def _differing(self, old: list[Reach], new: list[Reach], path: str) -> tuple[PacketSet, bool]:
        """The packets that meet a rule under one ruleset alone, and whether any meet it now that did not.

        Where these are packets that take another way than those with which their
        flows began, or of flows that servers begin, it may be assumed that there are none.
        """
        for usually, asked in ((False, False), (True, False), (True, True)):
            before, after = (self._met(reaches, path, usually, asked) for reaches in (old, new))
            differs = (before.first ^ after.first) | (before.later ^ after.later)
            if any(_counts_connections(reach.step) for reach in (*old, *new)):
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

    def _by_rule(self, side: Side, path: str) -> dict[Hashable, list[Reach]]:
        """The rules with side effects on a way, by what is the same in both rulesets."""
        names = memories_by_name(side.meaning.prepared)
        found: dict[Hashable, list[Reach]] = {}
        for reach in side.way(path).reaches:
            step = reach.step
            if reach.is_met and (step.has_memory or step.extension in _LISTED):
                target = step.rule.target
                found.setdefault(names.get(step) or (step.table, target, step.rule.base), []).append(reach)
        return found

    def _met(self, reaches: list[Reach], path: str, usually: bool, asked: bool) -> _Met:
        pair = self.pair
        touched = pair.touched(path) & pair.usual(path)
        opening = touched & pair.opening - (self.flows.unlikely(path) if asked else pair.space.nothing)
        kinds = (opening, touched & self.flows.later(path, usually=usually, asked=asked))
        union = pair.space.union
        return _Met(*(union(self._meeting(reach, kind) for reach in reaches).possibly() for kind in kinds))

    def _meeting(self, reach: Reach, packets: PacketSet) -> PacketSet:
        return matches_among(reach, packets).without(OF_CONNECTION)

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
