"""The part of the proof that speaks of fragments: they are put together as long as something asks for that.

Tracking does, and so does one rule with ``-m socket`` or TPROXY, by family.
Without, IPv4 is still put together for this host itself, after PREROUTING
(measured on Linux 6.18).
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.analysis.sides import Side
from rulec.compiler.certificate import Failure, Listed
from rulec.compiler.proof.flows import TouchedFlows
from rulec.model import Family
from rulec.packetset.packetset import PacketSet
from rulec.semantics.paths import PATHS


def torn(flows: TouchedFlows) -> Iterator[Failure]:
    """Ways on which fragments of touched packets come one by one from now on."""
    if not _whole(flows.pair.old) or _whole(flows.pair.new):
        return
    for path in PATHS:
        packets = _fragments(flows, path)
        if packets.is_empty():
            continue
        message = "fragments are not put together any more, and all but the first have no ports"
        if flows.policy.fragments == "leave":
            flows.losses.append(Listed(message, f"all on the way {path}", flows.pair.witness(packets, path)))
        else:
            yield flows.failure("kept", path, message, packets)


def _whole(side: Side) -> bool:
    """Whether fragments are put together before raw."""
    if side.tracks:
        return True
    steps = (step for program in side.meaning.prepared.programs.values() for step in program.steps())
    return any(step.extension == "TPROXY" or any(m.name == "socket" for m in step.rule.matches) for step in steps)


def _fragments(flows: TouchedFlows, path: str) -> PacketSet:
    """Fragments of flows that begin, where the kernel does not put them together anyway."""
    pair = flows.pair
    if path == "output" or (path == "input" and pair.family is Family.IPV4):
        return pair.space.nothing
    later = pair.space.flag("later_fragment") & pair.takes(path) & pair.prior("nothing")
    return later & flows.begun(path, pair.tuples(path)).onto(("src", "dst", "proto"))
