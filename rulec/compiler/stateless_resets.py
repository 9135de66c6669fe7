"""Resets by which REJECT answers, where the hook that they leave by is filtered: known by their flag alone."""

from __future__ import annotations

from rulec.analysis.untracked_flows import turned as turned_packets
from rulec.compiler.bounds import rules, turned
from rulec.compiler.job import in_own_chain
from rulec.compiler.outcome import Added
from rulec.compiler.stateless_errors import by_reset
from rulec.compiler.stateless_flows import Admitted, Work
from rulec.compiler.stateless_rules import without_state
from rulec.model import Match, Rule, Target, Use
from rulec.model.protocols import TCP

_RESET = Use("--tcp-flags", False, (0x07, 0x04))


def plan(work: Work) -> list[Added]:
    """Rules for resets that would not leave."""
    return [added for flow in work.refused if by_reset(flow) for added in _let_out(work, flow)]


def _let_out(work: Work, flow: Admitted) -> list[Added]:
    answers = turned_packets(flow.begun.without(("iif", "oif", "mac", "has_mac", "mark"))) & work.resets("output")
    lost = work.lost("output", work.old.passing("output", answers))
    if lost.is_empty():
        return []
    place = work.place("output", lost, lambda line: False)
    step = in_own_chain(place.met, work.old if place.is_taken_out else work.now)
    line = step.line if place.is_taken_out else work.draft.origin(step.line)
    bounds = turned(work.kept_from_itself(flow).bounds, "OUTPUT")._replace(protocol=TCP)
    found = rules(step.chain, bounds, (), Target("ACCEPT"), work.family)
    return [Added(line, f"resets: {flow.name}", tuple(map(_with_flag, found)))]


def _with_flag(rule: Rule) -> Rule:
    match = rule.match("tcp") or Match("tcp", ())
    others = tuple(each for each in without_state(rule).matches if each.name != "tcp")
    return rule._replace(matches=(match._replace(uses=(*match.uses, _RESET)), *others))
