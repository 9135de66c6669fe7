"""What is untracked besides hot flows: by nature, or by rules that the ruleset has already."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.compiler.bounds import STATE_MATCHES, Bounds, of_rule
from rulec.compiler.flows import Followed, Met
from rulec.compiler.outcome import Declined
from rulec.model import Family, Rule
from rulec.model.protocols import ICMPV6, NEVER_TRACKED
from rulec.packetset.packetset import PacketSet
from rulec.semantics.place import Hook, Values
from rulec.semantics.program import Step
from rulec.semantics.rule import matching

NONE = Bounds(protocol=0)
"""What is asked of no packet."""


class Others:
    """Packets that are untracked and of no hot flow."""

    def __init__(self, host: Followed, hot: PacketSet) -> None:
        self._host = host
        self._hot = hot
        self._rules = [(step, packets - hot) for step, packets in self._by_rules()]

    def kinds(self, met: Met) -> Iterator[Bounds | None]:
        """What is to be asked of those that may match a rule, kind by kind; None where that cannot be said."""
        rule = met.step.rule
        if self._host.prepared.ruleset.family is Family.IPV6 and _may_be_discovery(rule):
            yield Bounds(protocol=ICMPV6)
        plain = rule._replace(matches=tuple(match for match in rule.matches if match.name not in STATE_MATCHES))
        place = self._host.place(met.hook, met.step, Values({}), met.stack)
        for step, packets in self._rules:
            if matching(plain, place).meets(packets):
                yield self._asked(step)

    def _asked(self, step: Step) -> Bounds | None:
        """What a rule of raw asks, unless it is for hot packets, too."""
        place = self._host.place(_hook(step), step, Values({}))
        if step.chain not in ("PREROUTING", "OUTPUT") or matching(step.rule, place).meets(self._hot):
            return None
        try:
            asked = of_rule(step.rule)
        except Declined:
            return None
        return None if asked.rest else asked._replace(ends=tuple(end for end in asked.ends if end[0] in ("src", "dst")))

    def _by_rules(self) -> Iterator[tuple[Step, PacketSet]]:
        program = self._host.prepared.programs.get("raw")
        for step in program.steps() if program else ():
            if leaves_untracked(step):
                yield step, matching(step.rule, self._host.place(_hook(step), step, Values({})))


def _hook(step: Step) -> Hook:
    leaving = step.chain == "OUTPUT"
    return Hook("output", "OUTPUT", "raw") if leaving else Hook("arriving", "PREROUTING", "raw")


def leaves_untracked(step: Step) -> bool:
    """Whether it is a NOTRACK rule."""
    target = step.rule.target
    if step.extension == "CT" and target is not None:
        return any(use.option == "--notrack" for use in target.uses)
    return step.extension == "NOTRACK"


def _may_be_discovery(rule: Rule) -> bool:
    """Whether the rule may be for neighbour discovery, which is never tracked."""
    try:
        bounds = of_rule(rule)
    except Declined:
        bounds = Bounds()
    if bounds.protocol not in (None, ICMPV6):
        return False
    return bounds.icmp_type is None or bounds.icmp_type in NEVER_TRACKED
