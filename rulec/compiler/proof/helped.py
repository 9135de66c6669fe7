"""The part of the proof that speaks of helpers that no rule gives: they read what goes to ports of their own.

Of a kernel that gives helpers by port the ruleset says nothing, unless it asks for
what one of them expects; else it is assumed that there is none.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.analysis.untracked_helpers import PORTS, asked_by
from rulec.compiler.certificate import Failure
from rulec.compiler.proof.flows import TouchedFlows
from rulec.model.protocols import NAMES
from rulec.semantics.paths import PATHS

NOT_BY_PORT = "no helper is loaded that is given to connections by their port alone (before Linux 6.0): "
_MOST = 3


def helped_by_port(flows: TouchedFlows) -> Iterator[Failure]:
    """Flows that a helper has read, since rules ask for what it expects."""
    pair = flows.pair
    programs = pair.old.meaning.prepared.programs.values()
    asked = {name for program in programs for step in program.steps() for name in asked_by(step.rule)}
    unasked: dict[str, None] = {}
    for path in PATHS:
        begun = flows.begun(path, pair.tuples(path) - flows.reversed(path))
        for name, protocol, port in ((name, *port) for name, ports in PORTS.items() for port in ports):
            read = begun & pair.space.field("proto").equals(protocol) & pair.space.field("dport").equals(port)
            if read.is_empty():
                continue
            if name in asked:
                message = "a helper reads this flow, and rules ask for the connections that it expects"
                yield flows.failure("kept", path, message, pair.touched(path) & pair.opening & read)
            unasked[f"{name} at {NAMES[protocol]}/{port}"] = None
    if unasked:
        more = ", ..." if len(unasked) > _MOST else ""
        flows.assume(f"{NOT_BY_PORT}{', '.join(list(unasked)[:_MOST])}{more}")
