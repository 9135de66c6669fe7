"""What becomes of one packet: every rule that it meets, and the verdict.

The packet is a set of packets, of all that its text may mean, and goes through
the same tables by the same meaning of matches and targets as all packets do in
rulec.semantics.
"""

from __future__ import annotations

from collections.abc import Iterable

from rulec import catalogue
from rulec.catalogue.extension import Extension, Given, Tracking
from rulec.errors import InputError
from rulec.model import Family
from rulec.packetset.fields import INTERFACES
from rulec.packetset.packet import Packet
from rulec.packetset.space import DEFAULT_MEMORY, Space
from rulec.query.trace_events import Hook, Near, Note, Outcome, Trace, Why
from rulec.query.trace_host import Journey
from rulec.query.trace_packet import Course, Granted, course
from rulec.query.trace_walk import Ending, Record
from rulec.query.trace_words import Words
from rulec.semantics.paths import Way
from rulec.semantics.place import Memory
from rulec.semantics.plain import Setting
from rulec.semantics.program import Step
from rulec.semantics.ruleset import Prepared, in_space
from rulec.syntax.ruleset import Ruleset

_MOVING = ("DNAT", "NETMAP", "REDIRECT")
_NOTHING_DECIDES = "no chain of the ruleset takes a decision"


def trace(
    ruleset: Ruleset, packets: Iterable[Packet], path: str = "", why: bool = False, memory: int = DEFAULT_MEMORY
) -> tuple[Trace, ...]:
    """Trace packets of the family through a ruleset without errors.

    ``path`` is input, forward or output; empty guesses it from each packet.
    Raises RulecError where the ruleset would not load, or there is no such
    packet, and Undecided where it does not fit into ``memory`` bytes.
    """
    packets = tuple(packets)
    prepared = Prepared(ruleset)
    prepared.refuse_loops()
    names = frozenset(str(packet[name]) for packet in packets for name in INTERFACES if name in packet)
    tracks = any(_tracks(step, ruleset.family) for program in prepared.programs.values() for step in program.steps())
    return in_space(
        (prepared,),
        lambda space: tuple(_Tracer(prepared, space, tracks, why).trace(packet, path) for packet in packets),
        memory,
        names,
    )


def _tracks(step: Step, family: Family) -> bool:
    """Whether a rule has every packet of its family tracked, as rulec.analysis.tracking says with more words."""
    found = [(catalogue.match(match.name), match.uses) for match in step.rule.matches]
    if step.rule.target is not None and step.extension:
        found.append((catalogue.target(step.extension), step.rule.target.uses))
    return any(_need(extension, Given(family, uses)) is Tracking.TRACKS for extension, uses in found if extension)


def _need(extension: Extension, given: Given) -> Tracking:
    return extension.tracking if extension.tracking_of is None else extension.tracking_of(given)


class _Tracer:
    """Traces packets in one space."""

    def __init__(self, prepared: Prepared, space: Space, tracks: bool, why: bool) -> None:
        self._prepared = prepared
        self._setting = Setting(space, prepared.ruleset.family, Memory())
        self._tracks = tracks
        self._why = why

    def trace(self, packet: Packet, path: str) -> Trace:
        """The way of one packet."""
        chosen = course(packet, path)
        granted = Granted(packet, chosen, self._moves())
        setting = self._setting._replace(memory=Memory())
        record = Record(setting, Words(setting.family, packet), self._why)
        packets = granted.packets(setting.space)
        journey = Journey(record, self._prepared.programs, packets, chosen.paths, self._tracks)
        ways = journey.taken()
        if all((way.enters & packets).is_empty() for way in ways):
            raise InputError(f"no packet is like that: {packet}")
        return self._told(packet, chosen, granted, record, ways)

    def _moves(self) -> bool:
        """Whether some rule may send packets elsewhere before they are routed."""
        program = self._prepared.programs.get("nat")
        return program is not None and any(step.extension in _MOVING for step in program.steps())

    def _told(self, packet: Packet, chosen: Course, granted: Granted, record: Record, ways: list[Way]) -> Trace:
        outcomes = _outcomes(record, ways)
        verdicts = {outcome.verdict for outcome in outcomes}
        verdict = "depends" if len(verdicts) > 1 else min(verdicts)
        if not record.drops and not any(not way.accepted.is_empty() for way in ways):
            record.events.append(Note("routing", "no packet like that takes this path"))
        met = (event.path for event in record.events if isinstance(event, Hook) and event.path != "arriving")
        path = " or ".join(dict.fromkeys(met)) or chosen.paths[0]
        assumed = tuple(granted.told(frozenset(record.looked_at)))
        if chosen.reason:
            assumed = (f"path {path}, since it is {chosen.reason}", *assumed)
        reasons = _why(record, outcomes) if self._why else ()
        return Trace(str(packet), path, assumed, tuple(record.events), verdict, outcomes, reasons)


# ── the verdict ──


def _outcomes(record: Record, ways: list[Way]) -> tuple[Outcome, ...]:
    """How it may end, in an order in which the first whose assumptions hold is the one.

    Accepting ends a table only: what counts is the table filter, or else the last
    that the packet went through, as far as no other table drops it.
    """
    found: list[Outcome] = []
    for way in ways:
        tables = [table for path, table in record.accepts if path == way.path]
        deciding = "filter" if "filter" in tables else "".join(tables[-1:])
        elsewhere = [ending.outcome for ending in _drops(record, way, ways) if ending.outcome.table != deciding]
        here = [ending for ending in _drops(record, way, ways) if ending.outcome.table == deciding]
        accepting = [
            ending for ending in record.accepts.get((way.path, deciding), []) if ending.packets.meets(way.accepted)
        ]
        found += elsewhere
        found += [ending.outcome for ending in sorted([*here, *accepting], key=lambda ending: ending.order)]
        if not deciding and not way.accepted.is_empty():
            found.append(Outcome("ACCEPT", "", "", 0, _NOTHING_DECIDES))
    return tuple(dict.fromkeys(found)) or (Outcome("DROP", "", "", 0, "it is not routed there"),)


def _drops(record: Record, way: Way, ways: list[Way]) -> list[Ending]:
    """What drops packets on a way; what happens before the ways part is told with the first."""
    return [
        ending for ending in record.drops if ending.path == way.path or (ending.path == "arriving" and way is ways[0])
    ]


# ── why ──


def _why(record: Record, outcomes: tuple[Outcome, ...]) -> tuple[Why, ...]:
    """For each end of the way what another one would have taken."""
    ends = {outcome._replace(assumptions=()): None for outcome in outcomes if outcome.table}
    return tuple(_otherwise(record, outcome) for outcome in ends)


def _otherwise(record: Record, outcome: Outcome) -> Why:
    wanted = "ACCEPT" if outcome.verdict == "DROP" else "DROP"
    near = [one for verdict, one in record.near if verdict == wanted and _may_decide(one, outcome)]
    return Why(wanted, outcome, tuple(reversed(dict.fromkeys(near))))


def _may_decide(near: Near, outcome: Outcome) -> bool:
    """A rule that accepts does so for its own table alone; one that drops does for all."""
    return near.table == outcome.table or outcome.verdict == "ACCEPT"
