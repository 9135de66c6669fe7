"""What newly gets through and what no longer does, as flows: packets of which the same rules decide."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import NamedTuple

from rulec.packetset.packet import Packet, as_set
from rulec.packetset.packetset import PacketSet
from rulec.query.diff_answers import answers_behind, memory_text
from rulec.query.diff_deciders import Decider, Lost, Part, accepts, decided_by, drops, rule_decider
from rulec.query.diff_memories import Doubt
from rulec.query.diff_walks import Delta, Walks
from rulec.query.diff_within import Within
from rulec.query.diff_words import region_texts, witness
from rulec.semantics.place import Hook
from rulec.semantics.reach import PolicyReach
from rulec.semantics.ruleset import Meaning

_FEW = 3
"""So many rules that are alike are told one by one."""

_MANY = 20_000
"""So many nodes make a set of packets large."""

_ROUTE = "where the packets are routed to, once NAT has rewritten them"
_FILTERED = {"input": "INPUT", "forward": "FORWARD", "output": "OUTPUT"}


class Flow(NamedTuple):
    """Packets to which the same happens for the same reasons.

    ``kind`` is opened, closed, doubtful, untracked, tracked, rewritten, logged or
    unlogged; ``path`` is input, forward, output, or arriving.  ``surely`` says that
    it is so whatever the unknown answers are, and ``depends_on`` names these where
    it is not.  ``others_before`` and ``others_after`` say that of other packets of
    the flow other rules decide than those shown, which decide of the witness.
    """

    kind: str
    path: str
    surely: bool
    depends_on: tuple[str, ...]
    regions: tuple[str, ...]
    witness: str
    before: Decider
    after: Decider
    others_before: bool = False
    others_after: bool = False


class Group(NamedTuple):
    """A flow that is still a set of packets; its regions are put into words only if it is shown."""

    kind: str
    path: str
    surely: bool
    packets: PacketSet
    before: Decider
    after: Decider
    others_before: bool = False
    others_after: bool = False
    example: PacketSet | None = None
    depends_on: tuple[str, ...] = ()

    @property
    def order(self) -> tuple[Hashable, ...]:
        """The largest first, of equal ones that which stands first in the files."""
        return (not self.surely, -self.packets.size(), self.before.line, self.after.line, self.path, self.kind)


def opened_and_closed(walks: Walks, path: str) -> tuple[Delta, Delta]:
    """The packets that the new ruleset alone lets through on a way, and those that the old one alone did."""
    old, new = walks.old.way(path).accepted, walks.new.way(path).accepted
    return walks.delta(path, new, old), walks.delta(path, old, new)


def flows(walks: Walks, kind: str, path: str, found: Delta) -> Iterator[Group]:
    """The groups of what was opened or closed on a way."""
    if not found.packets.is_empty():
        for group in _groups(walks, kind, path, found.packets):
            yield from sorted_out(group, found.surely)


def _groups(walks: Walks, kind: str, path: str, packets: PacketSet) -> Iterator[Group]:
    stopping, passing = (walks.old, walks.new) if kind == "opened" else (walks.new, walks.old)
    within, lost = _lost(walks, path, packets, stopping)
    left = packets
    for alike in _alike(lost.parts):
        if left.is_empty():
            break
        losers = list(_among(packets, alike)) if within.is_rough else alike
        losing = [part.packets if left is packets else left & part.packets for part in losers]
        together = packets.space.union(losing)
        if together.is_empty():
            continue
        if len(losers) > _FEW:
            yield _joined(walks, kind, path, together, losers[0], passing)
        else:
            for loser, some in zip(losers, losing, strict=True):
                yield from _pairs(walks, kind, path, loser, within.narrowed(some), passing)
        left -= together.possibly()
    if not left.is_empty():
        hook = Hook(path, _FILTERED[path], "filter")
        elsewhere = Part(_nowhere(stopping, f"these packets do not take the way {path}"), hook, None, left, None)
        for group in _pairs(walks, kind, path, elsewhere, Within(walks, left), passing):
            yield group._replace(surely=False, depends_on=(_ROUTE,))


def _among(packets: PacketSet, parts: Iterable[Part]) -> Iterator[Part]:
    for part in parts:
        both = packets & part.packets
        if not both.is_empty():
            yield part._replace(packets=both)


def _lost(walks: Walks, path: str, packets: PacketSet, stopping: Meaning) -> tuple[Within, Lost]:
    """What stops packets: many are looked for where rules changed, and others anywhere."""
    way = stopping.way(path)
    focus = walks.focus(path) if packets.function.node_count() > _MANY else None
    if focus is not None:
        within = Within(walks, packets, focus)
        lost = drops(within, stopping, way)
        by_policy = (part.packets for part in lost.parts if isinstance(part.reach, PolicyReach))
        if lost.left.is_empty() and all(packets <= focus.around for packets in by_policy):
            return within, lost
    within = Within(walks, packets)
    return within, drops(within, stopping, way)


def _pairs(walks: Walks, kind: str, path: str, loser: Part, within: Within, passing: Meaning) -> Iterator[Group]:
    """What one rule or policy stops, by the rules that let it pass; the rest together where these are many."""
    left, possible = within.packets, within.packets.possibly()
    pairs: list[tuple[Part, PacketSet]] = []
    following = _winner(walks, path, left, possible, loser.hook, passing)
    while following is not None and len(pairs) < _FEW:
        both = decided_by(following, within.narrowed(left), passing, passing.way(path))
        pairs.append((following, both))
        taken = both.possibly()
        left, possible = left - taken, possible - taken
        following = _winner(walks, path, left, possible, loser.hook, passing)
    for winner, both in pairs:
        if following is not None and winner.alike == following.alike:
            left |= both
        else:
            yield _group(kind, path, both, loser.decider, winner.decider)
    if not left.is_empty():
        yield _joined(walks, kind, path, left, loser._replace(packets=left), passing)


def _joined(walks: Walks, kind: str, path: str, packets: PacketSet, loser: Part, passing: Meaning) -> Group:
    """Packets of which different rules decide; those are shown that decide of one of them."""
    both = loser.packets & packets
    winner = _winner(walks, path, both, both.possibly(), loser.hook, passing)
    if winner is None:
        table = loser.hook.table
        there = table in passing.prepared.ruleset.tables
        text = f"nothing in table {table} stops these packets" if there else f"there is no table {table}"
        return _group(kind, path, packets, loser.decider, _nowhere(passing, text))
    group = _group(kind, path, packets, loser.decider, winner.decider)
    return group._replace(example=winner.packets, others_before=True, others_after=True)


def _winner(
    walks: Walks, path: str, packets: PacketSet, possible: PacketSet, hook: Hook, passing: Meaning
) -> Part | None:
    """What lets one of the packets pass at a hook; ``possible`` are those of them for some answer to the unknown."""
    if packets.is_empty():
        return None
    one = packets & as_set(witness(possible, path), packets.space)
    return accepts(Within(walks, packets if one.is_empty() else one), passing, passing.way(path), hook)


def _nowhere(meaning: Meaning, text: str) -> Decider:
    return Decider(meaning.prepared.ruleset.source.name, 0, "", "", text)


def _group(kind: str, path: str, packets: PacketSet, loser: Decider, winner: Decider) -> Group:
    before, after = (loser, winner) if kind == "opened" else (winner, loser)
    return Group(kind, path, True, packets, before, after)


def doubtful(walks: Walks, path: str, found: list[Doubt], different: tuple[PacketSet, PacketSet]) -> Iterator[Group]:
    """The packets of which a memory decides that others may have filled, but for those that are known to differ."""
    if not found:
        return
    known = different[0] | different[1]
    accepted = [walks.settled(meaning.way(path).accepted) for meaning in (walks.old, walks.new)]
    for doubt in found:
        parts = (one.function.exists(doubt.answers) & ~one.function.forall(doubt.answers) for one in accepted)
        packets = known.space.union(PacketSet(known.space, part) for part in parts) - known
        if not packets.is_empty():
            sides = ((walks.old, doubt.old), (walks.new, doubt.new))
            before, after = (rule_decider(meaning.prepared.ruleset, steps[0]) for meaning, steps in sides)
            others = len(doubt.old) > 1, len(doubt.new) > 1
            depends_on = memory_text(doubt, walks)
            yield Group("doubtful", path, False, packets, before, after, *others, None, depends_on)


def sorted_out(group: Group, surely: PacketSet) -> Iterator[Group]:
    """A group as those of its packets to which it surely happens, and those to which it may."""
    possible = group.packets.possibly()
    sure = possible & surely if group.surely else possible.space.nothing
    if not sure.is_empty():
        yield group._replace(packets=sure)
    if not (possible - sure).is_empty():
        yield group._replace(packets=group.packets - sure, surely=False)


def _alike(parts: Iterable[Part]) -> list[list[Part]]:
    found: dict[Hashable, list[Part]] = {}
    for part in parts:
        found.setdefault(part.alike, []).append(part)
    return list(found.values())


# ── into words ──


def said(group: Group, walks: Walks) -> Flow:
    """A group in words."""
    path = "input" if group.path == "arriving" else group.path
    possible = group.packets.possibly()
    packet = _witness(group)
    return Flow(
        group.kind,
        group.path,
        group.surely,
        _dependence(group, packet, walks),
        region_texts(possible, walks.old.way(path).enters.possibly(), group.path),
        str(packet),
        group.before,
        group.after,
        group.others_before,
        group.others_after,
    )


def _dependence(group: Group, packet: Packet, walks: Walks) -> tuple[str, ...]:
    if group.surely or group.depends_on:
        return group.depends_on
    return answers_behind(group.packets, packet, walks)


def _some(example: PacketSet, packets: PacketSet) -> PacketSet:
    both = example & packets
    return packets if both.is_empty() else both


def one_of(group: Group) -> PacketSet:
    """One of the packets, or few: the witness, and all that it leaves open."""
    return group.packets & as_set(_witness(group), group.packets.space)


def _witness(group: Group) -> Packet:
    possible = group.packets.possibly()
    path = "input" if group.path == "arriving" else group.path
    return witness(possible if group.example is None else _some(group.example.possibly(), possible), path)
