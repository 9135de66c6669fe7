"""Questions about which packets go where, asked of a ruleset that was walked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rulec.analysis.dead import dead_rules
from rulec.analysis.exposed import Exposure
from rulec.analysis.policies import open_policies
from rulec.analysis.redundant import redundant_rules
from rulec.analysis.untracked_questions import QUESTIONS as UNTRACKED
from rulec.analysis.visits import Walked
from rulec.errors import Undecided
from rulec.packetset.space import DEFAULT_MEMORY, Space, TooLarge
from rulec.semantics.ruleset import Prepared, in_space

_QUESTIONS: dict[str, Callable[..., Any]] = {
    "dead_rules": dead_rules,
    "redundant_rules": redundant_rules,
    "open_policies": open_policies,
    "source_ports": lambda walked: Exposure(walked).source_ports(),
    "flags": lambda walked: Exposure(walked).flags(),
    "invalid": lambda walked: Exposure(walked).invalid(),
    "loopback": lambda walked: Exposure(walked).loopback(),
    "open_ports": lambda walked, ports: Exposure(walked).open_ports(ports),
    **UNTRACKED,
}


def walked(prepared: Prepared, memory: int | None = None) -> Walked:
    """A ruleset without errors and circles, walked; raises Undecided when it does not fit into memory."""

    def job(space: Space) -> Walked:
        return Walked(prepared, space)

    return in_space((prepared,), job, DEFAULT_MEMORY if memory is None else memory)


def answer(known: Walked, question: str, *arguments: object) -> tuple[Any, ...]:
    """What is found; raises Undecided when it does not fit into memory."""
    try:
        return tuple(_QUESTIONS[question](known, *arguments))
    except TooLarge:
        name = known.prepared.ruleset.source.name
        raise Undecided(
            f"{name}: undecided: what packets meet does not fit into memory; --memory allows more"
        ) from None
