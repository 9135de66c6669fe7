"""The ways through the host, taken by one packet: what happens at each hook, and between the hooks."""

from __future__ import annotations

from rulec.packetset.fields import STATES
from rulec.packetset.packetset import PacketSet
from rulec.query import trace_events as events
from rulec.query.trace_events import Change
from rulec.query.trace_walk import Record, TableWalk
from rulec.query.trace_words import WatchedPlace
from rulec.semantics import nat
from rulec.semantics.alive import Alive
from rulec.semantics.paths import Host, Passage, Walked, Way
from rulec.semantics.place import Hook, Place, Values
from rulec.semantics.program import Program

_ROUTED = {
    "input": "its destination is an address of this host",
    "forward": "its destination is no address of this host",
}


class Journey(Host):
    """One packet on its way, or the packets that it may be; ``record`` tells what they meet."""

    def __init__(
        self, record: Record, programs: dict[str, Program], packets: PacketSet, paths: tuple[str, ...], tracks: bool
    ) -> None:
        super().__init__(record.setting, programs)
        self.record = record
        self._packets = packets
        self._paths = paths
        self._tracks = tracks
        self._arrived = record.setting.space.nothing

    def taken(self) -> list[Way]:
        """The ways that it takes, walked."""
        return [way for way in self.ways() if way.path in self._paths]

    # ── hooks ──

    def _begin(self, alive: PacketSet, place: Place) -> Passage:
        return super()._begin(alive & self._packets, place)

    def _through(self, path: str, hook: str, passage: Passage) -> Passage:
        arriving = path == "arriving" and self._paths != ("output",)
        if not (arriving or path in self._paths) or passage.alive.exact.is_empty():
            return passage
        assumption = "".join(self.record.assumptions[:1])
        self.record.events.append(events.Hook(hook, path, assumption))
        return super()._through(path, hook, passage)

    def _way(self, path: str, enters: PacketSet, passage: Passage, hooks: tuple[str, ...]) -> Way:
        way = super()._way(path, enters, passage, hooks)
        self.record.assumptions.clear()
        return way

    def _walk(self, hook: Hook, alive: Alive, values: Values) -> Walked | None:
        program = self.programs.get(hook.table)
        if program is None or hook.name not in program or alive.exact.is_empty():
            return None
        walk = TableWalk(self.record, program, hook)
        walk.run(alive.exact, values)
        return walk

    # ── between them ──

    def _nat(self, hook: Hook, passage: Passage) -> Passage:
        place = self._at(hook, passage.values)
        program = self.programs.get("nat")
        there = program is not None and hook.name in program and program.chains[hook.name].steps
        if there and not passage.alive.exact.meets(nat.asked(place)):
            self._note("nat", f"its rules are not asked: {self._unasked(place, passage.alive.exact)}")
        after = super()._nat(hook, passage)
        changes = self._changes(place, after, passage.values)
        if changes:
            self._note("nat", "rewritten", changes)
        return after

    def _unasked(self, place: WatchedPlace, alive: PacketSet) -> str:
        state = self.record.words.value("state", place, alive)
        if state in ("UNTRACKED", "INVALID"):
            return f"the packet is {state}, and is never translated"
        return "this is not the first packet of its connection"

    def _tracked(self, hook: Hook, passage: Passage) -> Passage:
        after = super()._tracked(hook, passage)
        if passage.alive.exact.is_empty():
            return after
        state = self.record.words.value("state", self._at(hook, after.values), passage.alive.exact)
        family = self.setting.family.label
        lines = ", ".join(dict.fromkeys(map(str, self.record.notracks)))
        if lines:
            self._note("tracking", f"{state}, because of NOTRACK on line {lines}")
        elif not self._tracks:
            self._note("tracking", f"off: no rule here has {family} tracked")
        elif state == STATES[-1]:
            self._note("tracking", f"{state}, as such packets always are" if not self._came_so() else state)
        else:
            self._note("tracking", f"looked up, and found to be {state}")
        return after

    def _came_so(self) -> bool:
        return not self._packets.meets(self._prior("nothing"))

    def _routed(self, path: str, passage: Passage) -> Passage:
        after = super()._routed(path, passage)
        if path not in self._paths or passage.alive.exact.is_empty():
            return after
        if after.alive.exact != passage.alive.exact and len(self._paths) > 1:
            self.record.assumptions.append(_ROUTED[path])
        return after

    # ── words ──

    def _note(self, subject: str, text: str, changes: tuple[Change, ...] = ()) -> None:
        self.record.events.append(events.Note(subject, text, changes))

    def _at(self, hook: Hook, values: Values) -> WatchedPlace:
        return WatchedPlace(self.setting, hook, values, self.setting.memory)

    def _changes(self, before: WatchedPlace, after: Passage, old: Values) -> tuple[Change, ...]:
        if after.alive.exact.is_empty():
            return ()
        place = self._at(before.hook, after.values)
        names = [name for name in ("src", "sport", "dst", "dport") if after.values.get(name) != old.get(name)]
        return self.record.words.changes(before, place, after.alive.exact, names)
