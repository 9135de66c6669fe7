"""Packets for the rules of a ruleset: such as match, and such as just do not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from rulec.model.protocols import ICMPV6, SCTP
from rulec.packetset.fields import TRACKED_STATES
from rulec.packetset.packetset import PacketSet
from tests.kernel.fuzz.coverage import Coverage
from tests.kernel.fuzz.fields import fields_of
from tests.kernel.fuzz.flows import error_about, error_like, flow, leading_to
from tests.kernel.fuzz.packet import Packet
from tests.kernel.fuzz.packets import PATHS, bent, random_packet
from tests.kernel.fuzz.prediction import Met, Prediction, Valuation
from tests.kernel.fuzz.tally import target_of
from tests.kernel.fuzz.topology import OF_TWO_TYPES
from tests.kernel.fuzz.tracking import GRE
from tests.kernel.fuzz.trial import Step, Trial
from tests.kernel.fuzz.values import Values

_LOOKS = 6
"""How often a rule is sought that some packet can meet."""


_DRAWS = 3
"""Among how many aims that were drawn the one is taken that was tried least."""


class _Aim(NamedTuple):
    """A rule to be hit, or, where ``failing`` names one of its matches, to be missed by that alone."""

    met: Met
    failing: str


class Archer:
    """Chooses what to send, rather what ``coverage`` has seldom seen.

    Parts of packets only where nothing puts them together.
    """

    def __init__(self, trial: Trial, values: Values, coverage: Coverage) -> None:
        self.trial = trial
        self.values = values
        self.coverage = coverage
        self.fragments = not trial.tracked
        self._sent: list[Packet] = []

    def steps(self) -> Iterator[Step]:
        """Packets without end."""
        values = self.values
        while True:
            if values.chance(0.15):
                yield None
                self._sent.clear()
            for packet in self._some():
                if not self._may(packet):
                    break
                if not self.trial.tracker.look(packet).sure:
                    yield None
                self._sent = [*self._sent[-20:], packet]
                yield packet

    def _may(self, packet: Packet) -> bool:
        """Whether it is foreseen what the kernel does with it.

        NAT drops a packet whose GRE header is cut off, and routing one without a source;
        REDIRECT one for an IPv6 group where the link has no address of its scope.
        The match tcpmss drops later fragments that do not look like TCP, and to the
        nft back end the first octets of one are ports; it takes an authentication
        header for the protocol, which connection tracking does not; and the match
        cluster makes a packet for many one for this host.
        """
        text, nft = self.trial.written, self.trial.bed.backend == "nft"
        later = packet.fragment is not None and packet.fragment.offset > 0
        if packet.proto == GRE and packet.payload < 8 and self.trial.translates:
            return False
        if not packet.src or not packet.dst or not OF_TWO_TYPES.isdisjoint((packet.src, packet.dst)):
            return False
        if packet.dst >> 120 == 0xFF and "-j REDIRECT" in text:
            return False
        if packet.fragment is not None and (packet.extensions or packet.proto == SCTP):
            return False
        if later and packet.proto == 6 and "-m tcpmss" in text:
            return False
        if later and nft and packet.proto in (6, 17):
            return False
        if nft and any(one.kind == "auth" for one in packet.extensions):
            return not self.trial.tracked and "-m ipv6header" not in text and packet.proto != ICMPV6
        return packet.link != "multicast" or "-m cluster" not in text

    def _some(self) -> Iterator[Packet]:
        values = self.values
        if self._sent and values.chance(0.12):
            error = error_about(values, values.one(self._sent))
            if error is not None:
                yield error
                return
        packet, state, reply = self._aimed()
        if state == "ESTABLISHED" and packet.fragment is None:
            yield from leading_to(values, packet, reply)
        elif state == "RELATED" and packet.fragment is None:
            yield from error_like(values, packet)
        elif packet.fragment is None and packet.link == "unicast" and values.chance(0.3):
            yield from flow(values, packet)
        else:
            yield packet

    # ── one packet ──

    def _aimed(self) -> tuple[Packet, str, bool]:
        """A packet, the state in which it is wanted, and whether as a reply."""
        values = self.values
        path = values.one(PATHS)
        packet = random_packet(values, path, self.fragments)
        if values.chance(0.2):
            return packet, "NEW", False
        target = self._target(path)
        if target is None:
            return packet, "NEW", False
        wanted = self._wish(target, packet, path)
        made = bent(values, packet, wanted, self.fragments)
        if values.chance(0.3):
            made = self._off(made)
        return made, str(wanted["ctstate"]), wanted["ctdir"] == "REPLY"

    def _target(self, path: str) -> PacketSet | None:
        """The packets that match some rule, or that one of its matches alone keeps from it."""
        met = self.trial.prediction.met[path]
        for _ in range(_LOOKS if met else 0):
            drawn = [self._aim(self.values.one(met)) for _ in range(_DRAWS)]
            chosen = min(drawn, key=lambda aim: self._tried(aim, path))
            packets = self._just_not(*chosen) if chosen.failing else chosen.met.reach.matches
            if packets.function.satisfiable():
                return packets
        return None

    def _aim(self, met: Met) -> _Aim:
        parts = self.trial.prediction.parts(met)
        return _Aim(met, self.values.one(list(parts)) if parts and self.values.chance(0.4) else "")

    def _tried(self, aim: _Aim, path: str) -> int:
        """How often was tried what it would try; one that makes packets untracked tries what is behind it."""
        if aim.failing:
            return self.coverage.misses[f"match {aim.failing}"]
        parts = self.trial.prediction.parts(aim.met)
        target = target_of(aim.met.reach)
        tried = min(self.coverage.hits[kind] for kind in (f"target {target}", *(f"match {name}" for name in parts)))
        return min(tried, self._seen(path, "UNTRACKED")) if target == "NOTRACK" else tried

    def _just_not(self, met: Met, failing: str) -> PacketSet:
        found = met.reach.arrives
        for name, packets in self.trial.prediction.parts(met).items():
            found = found - packets if name == failing else found & packets
        return found

    def _wish(self, target: PacketSet, packet: Packet, path: str) -> dict[str, Any]:
        """The fields of the packet of a set that is most like this one."""
        prediction = self.trial.prediction
        view = self.trial.tracker.look(packet)
        state = self._state(path)
        start = {**fields_of(packet, view), "ctstate": state, "ctdir": self.values.one(("ORIGINAL", "REPLY"))}
        if state == "NEW":
            start["ctdir"] = "ORIGINAL"
        return numbers(prediction, nearest(target, prediction.valuation(start, lambda key: False)))

    def _state(self, path: str) -> str:
        """A state, rather one that was seldom seen."""
        return min(self.values.random.choices(TRACKED_STATES, k=2), key=lambda state: self._seen(path, state))

    def _seen(self, path: str, state: str) -> int:
        return self.coverage.cells[path, self.trial.text.family.value, self.trial.bed.backend, state]

    def _off(self, packet: Packet) -> Packet:
        """A little beside."""
        values = self.values
        kind = values.one(("sport", "dport", "tos", "ttl", "flags", "payload", "src", "dst"))
        if kind in ("src", "dst"):
            return replace(packet, **{kind: getattr(packet, kind) ^ values.one((1, 2, 0x80))})
        limit = {"sport": 65535, "dport": 65535, "payload": 1200}.get(kind, 255)
        value = min(max(getattr(packet, kind) + values.one((-1, 1)), 1), limit)
        return replace(packet, **{kind: value})


def nearest(target: PacketSet, true: Valuation) -> set[int]:
    """Of the packets of a set the one that agrees with a valuation from the first variable on, as long as it can."""
    node, found = target.function, set(true)
    while not node.valid():
        variable = node.node_var()
        when_true, when_false = node.cofactors()
        chosen = variable in true
        if not (when_true if chosen else when_false).satisfiable():
            chosen = not chosen
        found.add(variable) if chosen else found.discard(variable)
        node = when_true if chosen else when_false
    return found


def numbers(prediction: Prediction, true: set[int]) -> dict[str, Any]:
    """The fields of a packet from its true variables."""
    found: dict[str, Any] = {}
    for name, field in prediction.space.fields.items():
        number = 0
        for place in prediction.space.places(name):
            number = number << 1 | (place in true)
        found[name] = number
        if field.names is not None:
            found[name] = field.names.examples[min(number, len(field.names.examples) - 1)]
        elif field.choices:
            found[name] = field.choices[min(number, len(field.choices) - 1)]
    return found
