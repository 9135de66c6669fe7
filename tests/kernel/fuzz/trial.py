"""One ruleset in the kernel and in the packet sets, and packets that go through both."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterable
from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_address
from typing import NamedTuple

import rulec
from rulec.model import BUILTIN_CHAINS, Family
from rulec.model.protocols import SCTP, TCP, UDP, UDPLITE
from rulec.packetset.fields import STATES
from rulec.packetset.vector import Vector
from rulec.semantics.place import Values
from tests.kernel.conftest import restore
from tests.kernel.fuzz.answers import answer, is_settled, question_of
from tests.kernel.fuzz.bed import Bed
from tests.kernel.fuzz.counters import Counters, Counts, Place, counters
from tests.kernel.fuzz.fields import Fields, fields_of
from tests.kernel.fuzz.packet import PORTED, Packet
from tests.kernel.fuzz.prediction import Foretold, Prediction, Valuation
from tests.kernel.fuzz.rules import RulesetText
from tests.kernel.fuzz.topology import HARDWARE, own_address, route
from tests.kernel.fuzz.tracking import Tracker, Tuple, View

PATIENCE = 0.02
_MADE_OF_DESTINATIONS = ("dst_moves", "dport_moves", "to_dst", "to_dport")
_PORTED = (TCP, UDP, SCTP, UDPLITE)

UNSENT = "unsent"
"""The path of packets that are not sent, since it is not foreseen what becomes of them."""
_TO = {"broadcast": b"\xff" * 6, "multicast": b"\x01\x00\x5e\x00\x00\x01"}

Step = Packet | None
"""A packet, or None: all connections are forgotten."""


class Refused(Exception):
    """The real iptables-restore does not take a ruleset."""


class Disagreement(NamedTuple):
    """A rule, or a policy, that counted a packet which it should not have, or did not count one."""

    place: Place
    foretold: bool
    counted: int


class Result(NamedTuple):
    """What happened to one packet."""

    packet: Packet
    path: str
    view: View
    state: str
    foretold: Foretold
    disagreements: tuple[Disagreement, ...]


class Trial:
    """A ruleset, loaded; packets are sent one after the other."""

    def __init__(self, bed: Bed, text: RulesetText, slow: bool = False) -> None:
        self.bed = bed
        self.text = text
        self.written = str(text)
        self.tracked, self.translates = text.tracked, text.translates
        self.slow = slow
        self.ruleset = rulec.parse(self.written, family=text.family.value)
        self.prediction = Prediction(self.ruleset, self._is_settled)
        self.tracker = Tracker()
        self._questions = {key: question_of(key) for key in self.prediction.questions}
        self._counters = _loaded(bed, text)
        self._before = self._counters.read()

    def step(self, step: Step) -> Result | None:
        """Forget all connections, or send a packet and compare."""
        if step is None:
            self.bed.forget_connections()
            self.tracker = Tracker()
            return None
        result = self.foresee(step)
        if result.path == UNSENT or not result.view.sure:
            return None
        self._send(step)
        if self.slow:
            time.sleep(PATIENCE)
        found = self._compare(result.foretold)
        if found and not self.slow:
            time.sleep(PATIENCE)
            found = self._compare(result.foretold)
        self._before = self._now
        if result.foretold.accepted is None:
            self.step(None)
        else:
            self._remember(result)
        return result._replace(disagreements=found)

    def counts(self) -> Counts:
        """What all rules and policies have counted."""
        return self._counters.read()

    # ── what is foretold ──

    def _is_settled(self, key: Hashable) -> bool:
        """Whether there is an answer here: of the bytes of a packet while they stay as they came."""
        return is_settled(key) and not (question_of(key)[0] == "bit" and self.text.rewrites)

    def foresee(self, packet: Packet) -> Result:
        """What the packet sets say of a packet; nothing is sent."""
        result = self._foreseen(packet, self.tracker.look(packet))
        zone = self._zone(result)
        return self._foreseen(packet, self.tracker.look(packet, zone)) if zone else result

    def _foreseen(self, packet: Packet, view: View) -> Result:
        values = fields_of(packet, view, self.bed.backend)
        moved, to = self._moved(packet, values, view) if self.translates else (packet, {})
        path, until = self._path(packet, moved.dst)
        values["oif"] = fields_of(replace(packet, dst=moved.dst), view, self.bed.backend)["oif"]
        valuation = self._valuation(packet, {**values, **to}, moved, view)
        if self.translates and not until:
            valuation = self.prediction.with_source(path, valuation)
        foretold = self.prediction.foretell(path, valuation, until)
        state = self.prediction.value(self.prediction.values[path]["state"], valuation)
        way = {"": path, UNSENT: UNSENT}.get(until, "nowhere")
        return Result(packet, way, view, STATES[state], foretold, ())

    def _moved(self, packet: Packet, values: Fields, view: View) -> tuple[Packet, Fields]:
        """The packet as it is routed, once the first rules of nat have seen it; and what these made of it."""
        path, prediction = "input" if packet.via else "output", self.prediction
        found = prediction.with_destination(path, self._valuation(packet, values, packet, view))
        dst, dport = (_field(prediction, path, name) for name in ("dst", "dport"))
        port = prediction.value(dport, found) if packet.proto in PORTED else packet.dport
        moved = replace(packet, dst=prediction.value(dst, found), dport=port)
        made: Fields = {name: prediction.value(prediction.space.field(name), found) for name in _MADE_OF_DESTINATIONS}
        made["to_type"] = route(packet.family, moved.dst).kind
        made["dst_differs"] = int((moved.dst, moved.dport) != (packet.dst, packet.dport))
        return moved, made

    def _path(self, packet: Packet, destination: int) -> tuple[str, str]:
        """The path, and the only hook if it comes to no other.

        Own packets that come back by the loopback, or get another interface from
        NAT, which the rest of OUTPUT does not see, are not sent here.
        """
        to = route(packet.family, destination)
        if not packet.via:
            known = to.kind == "UNICAST" and not to.dead and to.link == route(packet.family, packet.dst).link
            return "output", "" if known and packet.dst else UNSENT
        if packet.family is Family.IPV4 and (packet.src >> 28 == 14 or packet.src == 0xFFFFFFFF):
            return "forward", "PREROUTING"
        if to.kind in ("LOCAL", "BROADCAST", "ANYCAST", "MULTICAST") and not to.dead:
            whole = packet.family is Family.IPV6 or packet.fragment is None
            return "input", "" if whole else "PREROUTING"
        forwarded = to.kind == "UNICAST" and not to.dead and packet.link == "unicast"
        return "forward", "" if forwarded else "PREROUTING"

    def _valuation(self, packet: Packet, values: Fields, moved: Packet, view: View) -> Valuation:
        def known(key: Hashable) -> bool:
            question = self._questions[key]
            return bool(question) and answer(question, packet, moved.dst, view.packets)

        wishes = self._wishes(packet, moved) if self.translates else {}
        return self.prediction.valuation({**wishes, **values}, known)

    def _wishes(self, packet: Packet, moved: Packet) -> Fields:
        """What the kernel takes where a rule leaves it open.

        NETMAP keeps the rest of the address, REDIRECT and MASQUERADE take the first
        of a link (no ruleset here has both); a port stays if it is free.
        """
        found: Fields = {"to_dport": packet.dport, "to_sport": packet.sport}
        if "-j NETMAP" in self.written:
            return found | {"to_dst": packet.dst, "to_src": packet.src}
        link = route(packet.family, moved.dst).link or "lo"
        return found | {"to_dst": own_address(packet.family, packet.via), "to_src": own_address(packet.family, link)}

    def _zone(self, result: Result) -> int:
        """The zone that the first CT rule puts a packet into."""
        for one in self.prediction.met[_walked(result)]:
            target = one.reach.step.rule.target
            if one.place in result.foretold.counts and target is not None and target.name in ("CT", "NOTRACK"):
                return next((use.value for use in target.uses if use.option == "--zone"), 0)
        return 0

    # ── what happens ──

    def _send(self, packet: Packet) -> None:
        if packet.via:
            to = _TO.get(packet.link, HARDWARE[packet.via])
            self.bed.arrive(packet.via, packet.family, packet.mac.to_bytes(6, "big"), to, packet.data)
            return
        address = str(ip_address(packet.dst.to_bytes(packet.family.bits // 8, "big")))
        with suppress(OSError):  # dropped on its way; if it never set out, the counters tell
            self.bed.leave(packet.family, address, packet.data, packet.mark, packet.uid, packet.gid)

    def _compare(self, foretold: Foretold) -> tuple[Disagreement, ...]:
        """Where a counter has moved otherwise; users' chains alone may be called twice for one packet."""
        self._now: Counts = self._counters.read()
        found = []
        for place, count in self._now.items():
            more = count - self._before[place]
            table, chain, _ = place
            twice = more > 1 and chain in BUILTIN_CHAINS[table]
            if twice or (place not in foretold.perhaps and bool(more) != (place in foretold.counts)):
                found.append(Disagreement(place, place in foretold.counts, more))
        return tuple(found)

    def _remember(self, result: Result) -> None:
        """Tell the model of connection tracking what has become of the packet."""
        if result.state in ("UNTRACKED", "INVALID") or not self._passes_raw(result):
            return
        path, valuation, entry = _walked(result), result.foretold.valuation, result.view.entry
        mark = entry.mark if entry else 0
        if "connmark" in self.prediction.values[path]:
            mark = self.prediction.value(self.prediction.values[path]["connmark"], valuation)
        accepted = bool(result.foretold.accepted)
        final = self._final(result, path) if accepted and self.translates else None
        if final is not None and entry is not None and not entry.confirmed and final.turned() in self.tracker.table:
            self.step(None)  # the kernel would look for another port
            return
        self.tracker.saw(result.view, accepted, mark, final)

    def _final(self, result: Result, path: str) -> Tuple | None:
        """The tuple with which a packet leaves."""
        entry = result.view.entry
        if entry is None or entry.confirmed or result.view.reply:
            return None
        names = ("src", "dst", *(("sport", "dport") if result.packet.proto in _PORTED else ()))
        found = {name: _field(self.prediction, path, name) for name in names}
        new = {name: self.prediction.value(vector, result.foretold.valuation) for name, vector in found.items()}
        return replace(entry.original, **new)

    def _passes_raw(self, result: Result) -> bool:
        """Whether it gets as far as connection tracking: no rule and no policy of raw drops it."""
        drops = self.text.drops
        for one in self.prediction.met[_walked(result)]:
            if one.place[0] == "raw" and one.place in result.foretold.counts and one.reach.step.verdict == "DROP":
                return False
        hook = "OUTPUT" if result.path == "output" else "PREROUTING"
        return not (("raw", hook) in drops and ("raw", hook, -1) in result.foretold.counts)


def _walked(result: Result) -> str:
    """The path of which its hooks are."""
    return {"nowhere": "forward", UNSENT: "output"}.get(result.path, result.path)


def _field(prediction: Prediction, path: str, name: str) -> Vector:
    """A field as it is at the end of a path."""
    values: Values = prediction.values[path]
    return values.get(name) or prediction.space.field(name)


def _loaded(bed: Bed, text: RulesetText) -> Counters:
    """Load a ruleset in place of the one before, and make its counters ready."""
    key = (bed.backend, text.family)
    old = bed.loaded.get(text.family, [])
    empty = "".join(f"*{table}\n{_open(table)}COMMIT\n" for table in old if table not in text.tables)
    done = restore(bed.router, empty + str(text), text.family, bed.backend)
    bed.loaded[text.family] = sorted({*old, *text.tables}) if done.returncode else text.tables
    if done.returncode:
        raise Refused(done.stderr)
    if key not in bed.counters:
        bed.counters[key] = counters(bed.backend, bed.router, text.family)
    found: Counters = bed.counters[key]
    found.look_again(text.tables)
    bed.forget_connections()
    return found


def _open(table: str) -> str:
    return "".join(f":{chain} ACCEPT [0:0]\n" for chain in BUILTIN_CHAINS[table])


def run(bed: Bed, text: RulesetText, steps: Iterable[Step], slow: bool = True) -> list[Result]:
    """Load a ruleset and send packets, each with all the time that it may need."""
    trial = Trial(bed, text, slow)
    return [result for step in steps if (result := trial.step(step)) is not None]
