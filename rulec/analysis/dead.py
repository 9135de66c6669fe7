"""Rules that no packet meets, and why."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from itertools import islice

from rulec.analysis.rules import DeadRule, Reason, Structure
from rulec.analysis.structure import whole_lines
from rulec.analysis.takers import Lost, Taker, Takers, decision
from rulec.analysis.visits import Walked, met
from rulec.model.protocols import DCCP, SCTP, TCP, UDP, UDPLITE
from rulec.semantics.place import Condition
from rulec.semantics.program import Step
from rulec.semantics.rule import conditions

MOST_WITNESSES = 100
"""Of how many rules a witness is sought: a ruleset that a program wrote may have very many of a kind."""

_MOST_NAMED = 3
_MOST_SOUGHT = 20
_WITH_PORTS = (TCP, UDP, UDPLITE, SCTP, DCCP)
_PORT_MATCHES = frozenset(("tcp", "udp", "udplite", "sctp", "dccp", "multiport"))


def dead_rules(walked: Walked, structure: Structure) -> tuple[DeadRule, ...]:
    """The rules that no packet meets, in chains that packets come into.

    Not those that the structure tells of already: one dead rule is said once.
    """
    told = {line for block in structure.blocks for line in block.lines}
    told.update(double.line for double in structure.duplicates if double.decides)
    told.update(jump.line for jump in structure.empty_jumps)
    dead = (step for step in unmet(walked) if step.line not in told)
    with_witness, without = _Finder(walked, True), _Finder(walked, False)
    return tuple(
        (with_witness if number < MOST_WITNESSES else without).explained(step) for number, step in enumerate(dead)
    )


def unmet(walked: Walked) -> Iterator[Step]:
    """The first rule of each line that no packet meets, though packets come into its chain."""
    for program in walked.programs.values():
        for name in program.chains:
            visits = walked.entered(program.name, name)
            if visits:
                chain = program.chains[name]
                dead = (step for number, step in enumerate(chain.steps) if not met(visits, number))
                yield from whole_lines(chain, dead)


class _Finder:
    """Says why a rule is dead."""

    def __init__(self, walked: Walked, seeks_witness: bool) -> None:
        self._walked = walked
        self._seeks_witness = seeks_witness
        self._takers = Takers(walked, seeks_witness)

    def explained(self, step: Step) -> DeadRule:
        """Why no packet meets a rule."""
        lost = list(self._lost(step))
        possible = [one for one in lost if one.wanted.meets(self._walked.possible[one.path])]
        if not possible:
            return self._impossible(step, lost)
        sent = [one for one in possible if not one.arrives(0).is_empty()]
        if sent:
            takers = [taker for one in sent for taker in self._takers.within(one)]
            takers = self._alone(sent, takers) or takers
            return self._dead(step, self._reason(step, takers), takers)
        takers = list(islice((taker for one in possible for taker in self._takers.before(one)), _MOST_SOUGHT))
        if takers:
            return self._dead(step, self._reason(step, takers), takers)
        reason = Reason.PROTOCOL if self._is_for_another_protocol(possible) else Reason.NOT_SENT
        nothing = self._walked.space.nothing
        calls = self._walked.programs[step.table].calls.get(step.chain, [])
        return self._dead(step, reason, [Taker(caller, "", nothing) for caller in calls])

    def _lost(self, step: Step) -> Iterator[Lost]:
        number = self._walked.chain(step).steps.index(step)
        for visit in self._walked.entered(step.table, step.chain):
            yield Lost(visit, number, self._walked.matched(visit.reaches[number]))

    def _dead(self, step: Step, reason: Reason, takers: list[Taker]) -> DeadRule:
        lines = tuple(dict.fromkeys(taker.step.line for taker in takers))
        witness = self._witness(takers) if self._seeks_witness else ""
        return DeadRule(step.table, step.chain, step.line, reason, lines[:_MOST_NAMED], witness)

    def _witness(self, takers: list[Taker]) -> str:
        """A packet that one of the rules takes, one that begins a connection if there is any."""
        ranked = sorted(takers, key=lambda taker: not taker.takes_new)
        shown = next((taker for taker in ranked if not taker.packets.is_empty()), None)
        return self._walked.witness(shown.packets, shown.path) if shown else ""

    # ── what it asks for never holds ──

    def _impossible(self, step: Step, lost: list[Lost]) -> DeadRule:
        """Its conditions never hold; it may be that they would, had no other rule changed the packet."""
        changers = list(islice((taker for one in lost for taker in self._takers.changers(one)), _MOST_SOUGHT))
        if changers:
            return self._dead(step, Reason.CHANGED, changers)
        return self._dead(step, Reason.NEVER, [])._replace(detail=self._contradiction(lost[0]))

    def _contradiction(self, lost: Lost) -> str:
        """The option that never holds there, or does not together with those before it."""
        possible = left = self._walked.possible[lost.path]
        asked: list[Condition] = []
        for name, condition in conditions(lost.reach.step.rule, self._walked.place(lost.reach)):
            if not left.meets(condition.packets):
                word = condition.use.option if condition.use else f"-m {name}"
                if not possible.meets(condition.packets):
                    return word
                others = (one for one in asked if one.use and not possible.meets(one.packets & condition.packets))
                other = next(others, None)
                return f"{other.use.option} and {word}" if other and other.use else word
            left &= condition.packets
            asked.append(condition)
        return ""

    def _is_for_another_protocol(self, lost: list[Lost]) -> bool:
        """Whether it tests ports, and of its protocol nothing comes into the chain."""
        rule = lost[0].reach.step.rule
        protocol = rule.option("--protocol")
        if protocol is None or protocol.negated or protocol.value not in _WITH_PORTS:
            return False
        if not any(match.name in _PORT_MATCHES and match.uses for match in rule.matches):
            return False
        return not any(
            one.visit.arrives(0).meets(self._walked.place(one.reach).protocol(protocol.value)) for one in lost
        )

    # ── do the others decide otherwise? ──

    def _alone(self, lost: list[Lost], takers: list[Taker]) -> list[Taker]:
        """The last of the rules, where it matches all that the rule would match."""
        last = takers[-1].step if takers else None
        for one in lost:
            reach = next(reach for reach in one.visit.reaches if reach.step == last)
            if not one.wanted <= self._walked.matched(reach):
                return []
        return [taker for taker in takers if taker.step == last]

    def _reason(self, step: Step, takers: list[Taker]) -> Reason:
        """Whether they all decide otherwise; where any takes packets that begin a connection, those count."""
        own = decision(step)
        counting = [taker for taker in takers if taker.takes_new] or takers
        others = {one for taker in counting for one in self._decisions(taker.step)}
        return Reason.OTHERWISE if own and others and own not in others and None not in others else Reason.TAKEN

    def _decisions(self, step: Step) -> set[Hashable]:
        """What a rule decides; one that jumps, what any rule behind the jump may."""
        if not step.goes_to:
            return {decision(step)}
        program = self._walked.programs[step.table]
        found: set[Hashable] = set()
        for name in program.reached_from([step.goes_to]):
            found.update(map(decision, program.chains[name].steps))
        return found - {None, "RETURN"} or {None}
