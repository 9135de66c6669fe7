"""Which field comes first in the diagrams: that by which the rules tell packets apart first.

The same ruleset takes a tenth of a second in one order and does not fit into
memory in another.  What a base chain sends packets to other chains by should
stand on top; where it sends none, what most of its rules look at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rulec.packetset.fields import ORDERS
from rulec.semantics.program import Program, Step

_FIELDS = {
    "--in-interface": "interfaces",
    "--out-interface": "interfaces",
    "--destination": "destination",
    "--source": "source",
}


def orders(programs: Iterable[Program]) -> list[str]:
    """The orders that are worth a try, the best first."""
    chains = [chain for program in programs for chain in program.chains.values() if chain.policy]
    steps = [step for chain in chains for step in chain.steps]
    votes = _votes(step for step in steps if step.goes_to) or _votes(steps)
    return sorted(ORDERS, key=lambda name: -votes[name])


def _votes(steps: Iterable[Step]) -> Counter[str]:
    return Counter(_FIELDS[use.option] for step in steps for use in step.rule.base if use.option in _FIELDS)
