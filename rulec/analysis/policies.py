"""Base chains whose policy accepts what their rules seem to admit one by one."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.analysis.rules import OpenPolicy, RedundantRule
from rulec.analysis.visits import Walked
from rulec.semantics.reach import PolicyReach

_OPEN = {("filter", "ACCEPT", "INPUT"), ("filter", "ACCEPT", "FORWARD")}


def open_policies(walked: Walked, redundant: tuple[RedundantRule, ...]) -> Iterator[OpenPolicy]:
    """The base chains of the table filter to the end of which new connections come, and are accepted there.

    One of its rules accepts something that the policy would accept too.  A policy
    that the ruleset leaves as it was may be any; that of OUTPUT is not meant to
    stop anything.
    """
    for way in walked.meaning.ways:
        for policy in way.policies:
            if (policy.hook.table, policy.policy, policy.hook.name) in _OPEN:
                accepting = [rule for rule in redundant if _accepts_in(rule, policy)]
                new = policy.arrives & walked.possible[way.path] & walked.state("NEW")
                if any(rule.opens and rule.by == () for rule in accepting) and not new.is_empty():
                    chain = policy.hook.name
                    line = walked.programs["filter"].chains[chain].line
                    lines = tuple(rule.line for rule in accepting)
                    yield OpenPolicy(chain, line, lines, walked.witness(new, way.path))


def _accepts_in(rule: RedundantRule, policy: PolicyReach) -> bool:
    return (rule.table, rule.chain, rule.verdict) == ("filter", policy.hook.name, "ACCEPT")
