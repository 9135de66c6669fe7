"""Whom a rule does not admit because of others in front of it: told in the rules for answers and for errors.

A blocklist in front of ``--dport 22 -j ACCEPT`` keeps some from beginning
connections.  Their answers and the errors about them are not to pass either.
"""

from __future__ import annotations

from rulec.catalogue.values.addresses import Addressed
from rulec.compiler.bounds import Bounds, as_network
from rulec.compiler.flows import Followed, Met
from rulec.model import Family, Match, Use
from rulec.packetset.packetset import PacketSet
from rulec.packetset.regions import intervals
from rulec.policy.conflicts import meet
from rulec.policy.model import AddressRange
from rulec.semantics.rule import matching

_MOST = 10
"""Ranges that are told apart at most."""


def asked_for(host: Followed, met: Met | None, packets: PacketSet) -> PacketSet:
    """Those of some packets that fulfil what a rule and the jumps to it ask, whatever others do to them before."""
    if met is None:
        return packets
    for depth, step in enumerate((*met.stack, met.step)):
        packets &= matching(step.rule, host.place(met.hook, step, met.values, met.stack[:depth]))
    return packets


def narrowed(bounds: Bounds, asked: PacketSet, passing: PacketSet, family: Family) -> Bounds:
    """What a rule asks, without the addresses and ports of which no packets pass."""
    asked, passing = asked.possibly(), passing.possibly()
    if (asked - passing).is_empty():
        return bounds
    for field in ("src", "dst"):
        left = intervals(asked.onto([field]) - passing.onto([field]), field, _MOST + 1)
        if 0 < len(left) <= _MOST:
            bounds = _without(bounds, field, [AddressRange(family, *each) for each in left])
    for field in ("sports", "dports"):
        lacking = (asked.onto([field[:-1]]) - passing.onto([field[:-1]])).is_empty()
        if bounds.protocol is not None and not lacking:
            ports = tuple(meet(getattr(bounds, field), tuple(intervals(passing, field[:-1]))))
            bounds = bounds._replace(sports=ports) if field == "sports" else bounds._replace(dports=ports)
    return bounds


def _without(bounds: Bounds, side: str, addresses: list[AddressRange]) -> Bounds:
    network = as_network(addresses[0])
    if len(addresses) == 1 and network is not None and not any(end[0] == side for end in bounds.ends):
        return bounds._replace(ends=(*bounds.ends, (side, True, network)))
    ranges = (Use(f"--{side}-range", True, Addressed(each.family, each[1:])) for each in addresses)
    return bounds._replace(others=(*bounds.others, *(Match("iprange", (use,)) for use in ranges)))
