"""The rules of the raw table that leave hot flows untracked, in both directions.

Requests of a server are untracked in PREROUTING, its answers in OUTPUT; those of a
client the other way round, and routed flows in PREROUTING alone.  Loopback is left
out on both sides, because a packet keeps over lo the state that it got in OUTPUT:
half of each local connection would be tracked.  Where it is hot, both directions
are untracked as they leave.  ``--dst-type LOCAL`` keeps forwarded flows to the same
ports tracked, and ``! --dst-type LOCAL`` those of the router itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from rulec.catalogue.values.addresses import Addressed
from rulec.compiler.bounds import Bounds, as_network, chunks, of_leg
from rulec.compiler.bounds import rules as rules_of
from rulec.compiler.legs import Flow, Leg
from rulec.model import Match, Target, Use
from rulec.policy.model import AddressRange
from rulec.syntax.save import saved_rule

_TARGETS = {"ct": "CT --notrack", "notrack": "NOTRACK"}
_OPTIONS = {"src": "--src-range", "dst": "--dst-range"}


def rules(flow: Flow, dialect: str, looped: bool = False) -> Iterator[str]:
    """The rules for one kind of flow, both directions by turns; ``looped`` is for those over the loopback, too."""
    legs = [leg for leg in flow if not _is_covered(leg)]
    texts = [list(_of_leg(leg, dialect, looped)) for leg in legs]
    for group in zip(*texts, strict=True) if len({len(text) for text in texts}) == 1 else texts:
        yield from group


def _is_covered(leg: Leg) -> bool:
    """Whether a leg over the loopback is left untracked by the rule for all that the host sends."""
    return leg.looped and leg.from_server == (leg.entry.role == "server")


def _of_leg(leg: Leg, dialect: str, looped: bool) -> Iterator[str]:
    chain = "OUTPUT" if leg.path == "output" else "PREROUTING"
    for bounds in _addressed(leg, looped):
        for rule in rules_of(chain, bounds, (), Target("ACCEPT"), leg.family):
            yield f"{saved_rule(rule._replace(target=None), leg.family)} -j {_TARGETS[dialect]}"


def _addressed(leg: Leg, looped: bool) -> Iterator[Bounds]:
    """What is asked, once for each pair of addresses."""
    bounds = of_leg(leg)._replace(ends=tuple(_interface(leg, looped)))
    sides = ("src", "dst") if leg.from_server else ("dst", "src")
    chosen = leg.addresses if leg.from_server else reversed(leg.addresses)
    for server, client in product(*(each or (None,) for each in chosen)):
        found = _with_address(_with_address(bounds, sides[0], server), sides[1], client)
        yield found._replace(others=(*found.others, *_kind(leg)))


def _with_address(bounds: Bounds, side: str, addresses: AddressRange | None) -> Bounds:
    if addresses is None:
        return bounds
    network = as_network(addresses)
    if network is not None:
        return bounds._replace(ends=(*bounds.ends, (side, False, network)))
    match = Match("iprange", (Use(_OPTIONS[side], False, Addressed(addresses.family, addresses[1:])),))
    return bounds._replace(others=(*bounds.others, match))


def _interface(leg: Leg, looped: bool) -> Iterator[tuple[str, bool, object]]:
    if leg.looped:
        yield "out", False, "lo"
    elif leg.path == "output":
        if not looped:
            yield "out", True, "lo"
    elif leg.opens and leg.entry.interface is not None:
        yield "in", False, leg.entry.interface
    elif leg.path == "input":
        yield "in", True, "lo"


def _kind(leg: Leg) -> Iterator[Match]:
    if leg.path == "input" or (leg.path == "forward" and not leg.opens):
        yield Match("addrtype", (Use("--dst-type", leg.path == "forward", ("LOCAL",)),))


def places(ports: tuple[tuple[int, int], ...]) -> int:
    """How many rules it takes to name some ports."""
    return len(list(chunks(ports)))
