"""Which trials can be had at once: those that agree who lives where, and are not of one connection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from typing import NamedTuple

from rulec.host.lab_packets import MOST_TRIALS
from rulec.host.lab_sets import Wanted
from rulec.host.trial import LINK, OTHER_LINK, Flow, Trial
from rulec.model import Family


class Scene:
    """Trials that are had together, and where their addresses are: a link, or empty for this host."""

    def __init__(self) -> None:
        self.trials: list[tuple[int, Trial]] = []
        self.places: dict[tuple[Family, int], tuple[str, str]] = {}
        self._connections: set[tuple[int, frozenset[tuple[int, int]]]] = set()

    def takes(self, number: int, trial: Trial) -> bool:
        """Take a trial, if it agrees with those that are here."""
        flow, key = trial.flow, (trial.flow.protocol, trial.flow.ends)
        wanted = dict(_places(flow))
        if key in self._connections or len(self.trials) == MOST_TRIALS:
            return False
        if any(self.places.get(end, (place, ""))[0] != place for end, (place, _) in wanted.items()):
            return False
        self._connections.add(key)
        self.places = {**wanted, **self.places}
        self.trials.append((number, trial))
        return True

    @property
    def local(self) -> frozenset[int]:
        """The addresses of this host."""
        return frozenset(address for (_, address), (place, _) in self.places.items() if not place)

    @property
    def late(self) -> set[int]:
        """Those that the kernel takes for its own only after a while: the ones of IPv6."""
        return {address for (family, address), (place, _) in self.places.items() if family is Family.IPV6 and not place}

    def commands(self, verb: str) -> Iterator[str]:
        """What ip(8) has to do so that all addresses are where they should be, or no longer."""
        for (family, address), (place, link) in self.places.items():
            text = f"{ip_address(address.to_bytes(family.bits // 8, 'big'))}/{family.bits}"
            if place:
                yield f"route {verb} {text} dev {place}"
            elif link:
                nodad = " nodad" if family is Family.IPV6 and verb == "replace" else ""
                yield f"addr {verb} {text} dev {link}{nodad}"


def _places(flow: Flow) -> Iterator[tuple[tuple[Family, int], tuple[str, str]]]:
    """Behind which link each end lives; an address of this host belongs to the link that the flow takes."""
    for address, link, other in (
        (flow.asker, flow.asker_link, flow.answerer_link),
        (flow.answerer, flow.answerer_link, flow.asker_link),
    ):
        if not _is_loopback(flow.family, address):
            yield (flow.family, address), (link, "" if link else other or LINK)


def _is_loopback(family: Family, address: int) -> bool:
    return address >> 24 == 127 if family is Family.IPV4 else address == 1


def scenes(trials: Sequence[Trial]) -> list[Scene]:
    """As few scenes as can be had without much thought, in the order of the trials."""
    found: list[Scene] = []
    for number, trial in enumerate(trials):
        if not any(scene.takes(number, trial) for scene in found):
            found.append(Scene())
            found[-1].takes(number, trial)
    return found


class Job(NamedTuple):
    """What a process has to do: load rulesets by a back end, have the trials, and tell what came of them.

    ``texts`` are the rulesets, each with its family and name; what has no route of
    its own leaves by ``outside``; ``sets`` are those that the rules ask.
    """

    texts: tuple[tuple[Family, str, str], ...]
    trials: tuple[Trial, ...]
    backend: str
    outside: str = OTHER_LINK
    sets: tuple[Wanted, ...] = ()

    @property
    def links(self) -> tuple[str, ...]:
        """The links that it takes, by name."""
        flows = (trial.flow for trial in self.trials)
        named = {link for flow in flows for link in (flow.asker_link, flow.answerer_link) if link}
        return tuple(sorted({LINK, OTHER_LINK, self.outside} | named))
