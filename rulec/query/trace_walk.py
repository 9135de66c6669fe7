"""A table at one hook, walked by one packet in the order in which it meets the rules.

Where something is not known the packet stands for several: those that match and
those that do not go on as sets, and what is said of a rule holds for all that get
there.  It does what rulec.semantics.walk does, one rule after the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rulec.catalogue.extension import Given
from rulec.model import Rule
from rulec.packetset.packetset import PacketSet
from rulec.query import trace_events as events
from rulec.query.trace_events import Event, Near, Outcome, Reason
from rulec.query.trace_words import WatchedPlace, Words
from rulec.semantics.alive import Alive, Told
from rulec.semantics.effects import Effect, effect
from rulec.semantics.place import Condition, Hook, Values
from rulec.semantics.plain import Setting
from rulec.semantics.program import Program, Step
from rulec.semantics.reach import PolicyReach, Reach, reach_of
from rulec.semantics.rule import conditions

_MOST_COMPARED = 50


class Ending(NamedTuple):
    """Packets whose way through a table ends, on which path, as the how-manieth, and how."""

    packets: PacketSet
    path: str
    order: int
    outcome: Outcome


class Record:
    """What was met so far by one packet, at all hooks."""

    def __init__(self, setting: Setting, words: Words, why: bool) -> None:
        self.setting = setting
        self.words = words
        self.why = why
        self.events: list[Event] = []
        self.accepts: dict[tuple[str, str], list[Ending]] = {}
        self.drops: list[Ending] = []
        self.near: list[tuple[str, Near]] = []
        self.assumptions: list[str] = []
        self.looked_at: set[str] = set()
        self.notracks: list[int] = []
        self._known: list[tuple[PacketSet, PacketSet, int]] = []

    def ended(self, hook: Hook, packets: PacketSet, outcome: Outcome) -> None:
        """Packets that are through with a table, or with everything."""
        if not packets.is_empty():
            kept = self.drops if outcome.verdict == "DROP" else self.accepts.setdefault((hook.path, hook.table), [])
            kept.append(Ending(packets, hook.path, len(self.events), outcome))

    def same_as(self, alive: PacketSet, hit: PacketSet) -> str:
        """How an open question was answered before, if it is the same; empty where it is another."""
        for arrived, matched, line in reversed(self._known[-_MOST_COMPARED:]):
            if alive <= arrived:
                if alive & matched == hit:
                    return f"as on line {line}"
                if alive - matched == hit:
                    return f"not as on line {line}"
        return ""

    def learn(self, alive: PacketSet, hit: PacketSet, line: int) -> None:
        """Keep an open question."""
        self._known.append((alive, hit, line))


class _Met(NamedTuple):
    """A rule that some packets met: those that match, and what is open."""

    step: Step
    hit: PacketSet
    event: events.Rule
    place: WatchedPlace


class TableWalk:
    """One table at one hook; ``reaches`` lists the rules that matched something, as for NAT."""

    is_large = False
    policy: PolicyReach
    values: Values

    def __init__(self, record: Record, program: Program, hook: Hook) -> None:
        self.record = record
        self.program = program
        self.hook = hook
        self.reaches: list[Reach] = []
        self._visits: dict[Step, int] = {}
        self._accepted: list[PacketSet] = []

    def run(self, alive: PacketSet, values: Values) -> None:
        """Send packets into the base chain."""
        self.values = values
        base = self.program.chains[self.hook.name]
        self.record.events.append(events.Table(self.program.name, base.name, base.policy))
        rest = self._chain(base.name, alive, 0)
        self.policy = PolicyReach(self.hook, base.policy, Alive(rest))
        if not rest.is_empty():
            self.record.events.append(events.Policy(self.program.name, base.name, base.line, base.policy))
            self._end(rest, Outcome(base.policy, self.program.name, base.name, base.line, "", self._assumptions))
        passing = [*self._accepted, rest] if base.policy != "DROP" else self._accepted
        self._passed = self.record.setting.space.union(passing)

    def through(self, packets: PacketSet) -> PacketSet:
        """Those of the packets that the table lets go on."""
        return packets & self._passed

    def among(self, packets: PacketSet, met: Told | None = None) -> PacketSet:
        """The same."""
        return self.through(packets)

    @property
    def _assumptions(self) -> tuple[str, ...]:
        return tuple(self.record.assumptions)

    def _end(self, packets: PacketSet, outcome: Outcome) -> None:
        self.record.ended(self.hook, packets, outcome)

    # ── chains ──

    def _chain(self, chain: str, alive: PacketSet, depth: int) -> PacketSet:
        """Walk a chain; give the packets that come to its end, or return."""
        returned = []
        for step in self.program.chains[chain].steps:
            if alive.is_empty():
                break
            met = self._meet(step, alive, depth)
            if met.hit.is_empty():
                self.record.events.append(met.event)
                continue
            if met.event.assumption:
                self.record.assumptions.append(met.event.assumption)
            goes_on, back = self._obey(met, depth, alive)
            if met.event.assumption:
                self.record.assumptions.pop()
            alive = (alive - met.hit) | goes_on
            returned.append(back)
        return self.record.setting.space.union([*returned, alive])

    def _obey(self, met: _Met, depth: int, alive: PacketSet) -> tuple[PacketSet, PacketSet]:
        """Do what a rule says; give the packets that go on in the chain, and those that leave it."""
        step, none = met.step, self.record.setting.space.nothing
        if step.goes_to:
            self.record.events.append(met.event._replace(then=(step.goes_to,)))
            back = self._chain(step.goes_to, met.hit, depth + 1)
            if not (back.is_empty() and met.hit == alive):
                self.record.events.append(events.Back(step.chain, depth, back.is_empty()))
            return (none, back) if step.is_goto else (back, none)
        if step.verdict == "RETURN":
            self.record.events.append(met.event._replace(then=("RETURN",)))
            return none, met.hit
        return self._act(met), none

    def _act(self, met: _Met) -> PacketSet:
        """Do what a target does; give the packets that go on."""
        step, place, space = met.step, met.place, self.record.setting.space
        target = step.rule.target
        done = Effect({}, space.nothing, space.nothing)
        if target is not None:
            done = effect(target.name, Given(self.record.setting.family, target.uses), place)
        accepted, dropped = met.hit & done.accepts, met.hit & done.drops
        goes_on = met.hit - done.accepts - done.drops
        changed = {name: new.where(met.hit - done.drops, place.field(name)) for name, new in done.changes.items()}
        self.values = self.values.changed(changed)
        self._accepted.append(accepted)
        then = self._then(met, accepted, dropped, goes_on)
        after = WatchedPlace(self.record.setting, self.hook, self.values, self.record.setting.memory)
        changes = self.record.words.changes(place, after, met.hit, done.changes)
        if step.extension in ("NOTRACK", "CT") and any("UNTRACKED" in change.after for change in changes):
            self.record.notracks.append(step.line)
        self.record.events.append(met.event._replace(changes=changes, then=then))
        return goes_on

    def _then(self, met: _Met, accepted: PacketSet, dropped: PacketSet, goes_on: PacketSet) -> tuple[str, ...]:
        """Where packets go that a target has met; several ways where that is open."""
        ways = [pair for pair in (("ACCEPT", accepted), ("DROP", dropped)) if not pair[1].is_empty()]
        step = met.step
        several = len(ways) + (not goes_on.is_empty()) > 1
        for verdict, packets in ways:
            said = (f"{step.extension or step.verdict} on line {step.line} lets it be {verdict}",) if several else ()
            outcome = Outcome(verdict, step.table, step.chain, step.line, met.event.text, (*self._assumptions, *said))
            self._end(packets, outcome)
        return (
            *(step.extension if step.extension == "REJECT" else verdict for verdict, _ in ways),
            *(["goes on"] if several and not goes_on.is_empty() else []),
        )

    # ── single rules ──

    def _meet(self, step: Step, alive: PacketSet, depth: int) -> _Met:
        """Ask a rule of the packets that get to it, up to the first option that fails."""
        visit = self._visits[step] = self._visits.get(step, 0) + 1
        setting = self.record.setting
        place = WatchedPlace(setting, self.hook, self.values, setting.memory, (step.key, visit))
        words, rule = self.record.words, step.rule
        event = events.Rule(step.table, step.chain, step.line, words.rule(rule), depth, "yes")
        hit, open_reasons = alive, []
        for name, condition in conditions(rule, place):
            names = place.seen()
            self.record.looked_at.update(name for name in names if name not in self.values)
            rest = hit & condition.packets
            if rest.is_empty():
                reason = Reason(words.option(rule, name, condition), words.held(names, place, alive))
                self._nearly(step, event, alive, place)
                return _Met(step, rest, event._replace(answer="no", reasons=(reason,)), place)
            if rest != hit:
                open_reasons.append(Reason(words.option(rule, name, condition), words.held(names, place, alive)))
            hit = rest
        if open_reasons:
            event = self._open(event, alive, hit, open_reasons)
        self.reaches.append(reach_of(self.hook, step, alive, hit, self.values))
        return _Met(step, hit, event, place)

    def _open(self, event: events.Rule, alive: PacketSet, hit: PacketSet, open_reasons: list[Reason]) -> events.Rule:
        """A rule of which it is not known whether it matches."""
        known = self.record.same_as(alive, hit)
        options = tuple(dict.fromkeys(reason.option for reason in open_reasons))
        assumption = f"{' and '.join(options)} match{'es' * (len(options) == 1)}" + (f" ({known})" if known else "")
        if not known:
            self.record.learn(alive, hit, event.line)
        return event._replace(answer="open", reasons=tuple(open_reasons), assumption=assumption)

    def _nearly(self, step: Step, event: events.Rule, alive: PacketSet, place: WatchedPlace) -> None:
        """Keep a rule with a verdict for which only one condition fails."""
        if not self.record.why or _verdict(step) == "":
            return
        failing = [found for found in self._judged(step.rule, place) if not alive.meets(found[1].packets)]
        if len(failing) == 1:
            ((name, condition, names),) = failing
            words = self.record.words
            reason = Reason(words.option(step.rule, name, condition), words.held(names, place, alive))
            near = Near(step.table, step.chain, step.line, event.text, reason)
            self.record.near.append((_verdict(step), near))

    def _judged(self, rule: Rule, place: WatchedPlace) -> Iterator[tuple[str, Condition, tuple[str, ...]]]:
        for name, condition in conditions(rule, place):
            yield name, condition, place.seen()


def _verdict(step: Step) -> str:
    """What a rule would make of a packet, where it makes an end of it."""
    if step.extension == "REJECT":
        return "DROP"
    return step.verdict if step.verdict in ("ACCEPT", "DROP") else ""
