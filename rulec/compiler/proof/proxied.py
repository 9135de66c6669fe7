"""The part of the proof that speaks of SYNPROXY and TPROXY, which answer for others.

SYNPROXY looks at segments that are INVALID or UNTRACKED, and hands over to a connection
that tracking picks up; with all of the flow untracked nothing gets through (measured).

What TPROXY takes is answered by this host, from whatever address it was sent to.  Both
directions may be untracked; with one alone nothing gets through (measured).
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.analysis.flows import TUPLE, without_interfaces
from rulec.analysis.untracked_flows import turned
from rulec.compiler.certificate import Failure
from rulec.compiler.proof.flows import TouchedFlows
from rulec.packetset.packetset import PacketSet
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


def transparent(flows: TouchedFlows) -> Iterator[Failure]:
    """Flows that TPROXY may take, and of which one direction is untracked by the new ruleset, and the other is not."""
    pair = flows.pair
    for path in ("input", "forward") if not flows.is_stateless else ():
        asking = pair.opening & pair.whole & pair.usual(path)
        for met in pair.new.met(path, asking, lambda step: step.extension == "TPROXY"):
            taken, untracked = met.packets.possibly(), pair.new.untracked(path)
            left, spared = (_answers(flows, some) for some in (taken & pair.touched(path), taken - untracked))
            half = (left - pair.new.untracked("output")) | (spared & pair.touched("output"))
            if not half.is_empty():
                message = "TPROXY takes this flow, and one of its directions alone is untracked"
                yield flows.failure("closed", "output", message, half)


def _answers(flows: TouchedFlows, requests: PacketSet) -> PacketSet:
    """The answers to some requests, over no loopback and from whatever address."""
    pair = flows.pair
    asked = without_interfaces((requests - pair.on("iif", "lo")).onto(TUPLE))
    return turned(asked) & pair.later(reply=True) & pair.takes("output") & pair.whole - pair.on("oif", "lo")
