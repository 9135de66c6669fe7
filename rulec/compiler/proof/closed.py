"""The part of the proof that speaks of both directions: no flow has one leg in what is touched, and one out of it."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.analysis.flows import FLOW, without_interfaces
from rulec.analysis.untracked_flows import ANSWERED_ON, turned
from rulec.compiler.certificate import Failure
from rulec.compiler.proof.flows import TouchedFlows
from rulec.compiler.proof.policy import requests
from rulec.packetset.packetset import PacketSet
from rulec.semantics.paths import PATHS


def half_tracked(flows: TouchedFlows) -> Iterator[Failure]:
    """Flows of which one direction is untracked and the other is not."""
    for path in PATHS if not flows.is_stateless else ():
        other = ANSWERED_ON[path]
        answered = turned(flows.pair.tuples(other)) | _answered_at_home(flows)
        begun = flows.begun(path, flows.pair.tuples(path) | answered)
        found, others = (tuple(_of_path(flows, path, other, each)) for each in (begun, begun - flows.reversed(path)))
        yield from others if len(others) < len(found) and flows.may_assume(path) else found


def _of_path(flows: TouchedFlows, path: str, other: str, begun: PacketSet) -> Iterator[Failure]:
    yield from _half(flows, path, begun - flows.loop, other, ~flows.loop)
    if path == "output":
        yield from _half(flows, path, begun & flows.loop, "output", flows.loop)


def _answered_at_home(flows: TouchedFlows) -> PacketSet:
    """What is asked over the loopback of touched answers: these leave as the requests do."""
    return turned(flows.pair.tuples("output")) & flows.loop


def _half(flows: TouchedFlows, path: str, begun: PacketSet, other: str, within: PacketSet) -> Iterator[Failure]:
    """Flows that begin on one way, and are answered on another."""
    pair = flows.pair
    answers = pair.later(reply=True) & pair.usual(other) & within
    hot = begun & (pair.touched(path) & pair.opening).onto(FLOW)
    half = answers & turned(without_interfaces(hot)) - pair.new.untracked(other)
    if not half.is_empty():
        yield flows.failure("closed", other, "the answers to a request that is untracked are tracked", half)
    tracked = begun - (pair.new.untracked(path) & pair.opening).onto(FLOW)
    half = answers & turned(without_interfaces(tracked)) & pair.touched(other)
    if not half.is_empty():
        yield flows.failure("closed", other, "the answers to a request that is tracked are untracked", half)


def still_tracked(flows: TouchedFlows) -> Iterator[Failure]:
    """Requests of the policy that the old ruleset lets begin and that are tracked."""
    for path in PATHS:
        pair, asked = flows.pair, requests(flows.pair, flows.policy, path) - flows.pair.on("iif", "lo")
        if path == "output":
            asked |= requests(pair, flows.policy, "input") & pair.on("oif", "lo")
        left = asked & pair.opening & pair.usual(path) - pair.new.untracked(path)
        left = pair.old.passing(path, left).possibly()
        if not left.is_empty():
            yield flows.failure("untracked", path, "a request that the policy calls hot is still tracked", left)
