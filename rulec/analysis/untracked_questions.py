"""The questions about untracked packets, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from rulec.analysis.untracked import Spot, Untracking
from rulec.analysis.untracked_ends import Ends
from rulec.analysis.untracked_flows import Flows
from rulec.analysis.untracked_fragments import Fragments
from rulec.analysis.untracked_helpers import Helped
from rulec.analysis.untracked_invalid import Invalid
from rulec.analysis.untracked_nat import BesideNat
from rulec.analysis.untracked_ports import OwnPorts
from rulec.analysis.untracked_proxies import Proxies
from rulec.analysis.untracked_rules import Rules
from rulec.analysis.visits import Walked

T = TypeVar("T", bound=Ends)


def _of_flows(question: Callable[[Flows], Iterator[Spot]]) -> Callable[[Walked], Iterator[Spot]]:
    return lambda walked: question(Flows(Untracking.within(walked)))


def _of_rules(question: Callable[[Rules], Iterator[Spot]]) -> Callable[[Walked], Iterator[Spot]]:
    return lambda walked: question(Rules(Untracking.within(walked)))


def _of(kind: type[T], question: Callable[..., Iterator[Spot]]) -> Callable[..., Iterator[Spot]]:
    return lambda walked, *arguments: question(kind(Untracking.within(walked)), *arguments)


QUESTIONS: dict[str, Callable[..., Iterator[Spot]]] = {
    "untracked, not accepted": _of_flows(Flows.not_accepted),
    "half tracked": _of_flows(Flows.half_tracked),
    "untracked, wholesale": _of_rules(Rules.wholesale),
    "untracked, negated": _of_rules(Rules.negated),
    "untracked, more options": _of_rules(Rules.tuple_options),
    "untracked, connmark": _of_rules(Rules.connmarks),
    "untracked, connlimit": _of_rules(Rules.connlimits),
    "untracked, rates": _of_rules(Rules.rates),
    "untracked, icmp": _of_rules(Rules.icmp),
    "untracked, errors": _of_rules(Rules.lost_errors),
    "untracked, after CT": _of_rules(Rules.after_ct),
    "untracked, twice": _of_rules(Rules.duplicates),
    "untracked, loopback": _of_rules(Rules.on_loopback),
    "untracked, half on loopback": _of_rules(Rules.half_on_loopback),
    "untracked, holes": _of_rules(Rules.holes),
    "untracked, NAT": lambda walked: BesideNat(Untracking.within(walked)).skipped(),
    "untracked, INVALID dropped": _of(Invalid, Invalid.dropped),
    "untracked, reset": _of(Invalid, Invalid.resets),
    "untracked, SYNPROXY": _of(Proxies, Proxies.broken),
    "untracked, helper": _of(Helped, Helped.given),
    "untracked, helper by port": _of(Helped, Helped.by_port),
    "untracked, own ports": _of(OwnPorts, OwnPorts.hot),
    "fragments": _of(Fragments, Fragments.lost),
}
