"""The part of the proof that speaks of SYNPROXY: it answers for a server, and needs the rest of the flow tracked.

It looks at segments that are INVALID or UNTRACKED, and hands over to a connection
that tracking picks up; with all of the flow untracked nothing gets through (measured).
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.analysis.flows import TUPLE
from rulec.compiler.certificate import Failure
from rulec.compiler.proof.flows import TouchedFlows
from rulec.semantics.paths import PATHS


def proxied(flows: TouchedFlows) -> Iterator[Failure]:
    """Flows for which SYNPROXY answers, and of which other packets are untracked by the new ruleset alone."""
    pair = flows.pair
    for path in PATHS:
        touched = pair.touched(path) & pair.usual(path)
        asking = pair.takes(path) & pair.syn & pair.whole & touched.onto(TUPLE)
        for met in pair.old.met(path, asking, lambda step: step.extension == "SYNPROXY"):
            found = touched & met.packets.possibly().onto(TUPLE)
            if not found.is_empty():
                message = "SYNPROXY answers for this flow, and needs the rest of its connection tracked"
                yield flows.failure("kept", path, message, found)
