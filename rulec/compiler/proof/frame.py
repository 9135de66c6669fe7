"""The part of the proof that speaks of untouched packets: nothing changes for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rulec.analysis.flows import Pair
from rulec.analysis.sides import Side
from rulec.analysis.untracked import is_notrack
from rulec.compiler.certificate import Failure
from rulec.compiler.proof.alike import is_alike
from rulec.compiler.proof.concerned import Concerned
from rulec.compiler.proof.words import failure
from rulec.model import Target
from rulec.packetset.packetset import PacketSet
from rulec.semantics import nat
from rulec.semantics.paths import PATHS
from rulec.semantics.place import Hook
from rulec.semantics.program import Step

_CARRIED = ("mark", "connmark", "tos", "ttl")
"""What a packet takes with it behind the tables."""


def changed(pair: Pair, any_errors: bool) -> Iterator[Failure]:
    """Untouched packets to which the new ruleset does something else; with ``any_errors`` it may let these in."""

    def untouched(path: str) -> PacketSet:
        left = pair.takes(path) - pair.touched(path) - excused(pair, path)
        left = left if pair.new.tracks else left & pair.whole  # of fragments see fragments.py
        return left - (pair.errors & pair.state("INVALID")) if any_errors else left

    if pair.is_large:
        concerned = Concerned(pair)
        for path in PATHS:
            yield from _changed(pair, path, concerned.among(path, untouched(path)))
    elif not is_alike(pair, untouched):
        for path in PATHS:
            yield from _changed(pair, path, untouched(path))


def _changed(pair: Pair, path: str, untouched: PacketSet) -> Iterator[Failure]:
    old, new = (side.alive(path, untouched) for side in (pair.old, pair.new))
    for message, packets in (
        ("a packet that stays tracked was let through, and is not any more", old - new),
        ("a packet that stays tracked was not let through, and is now", new - old),
    ):
        differing = packets.possibly()
        if not differing.is_empty():
            yield failure(pair, "frame", path, message, differing)
    yield from _carried(pair, path, old & new)
    yield from _met(pair, path, untouched)


def excused(pair: Pair, path: str) -> PacketSet:
    """What only follows touched packets: errors about them, answers of the host itself, and the way back over lo."""
    found = pair.about_touched
    if path == "output":
        return found | pair.answers_to_touched
    return found | (pair.prior("untracked") - pair.looped_before) if path == "input" else found


def _carried(pair: Pair, path: str, passing: PacketSet) -> Iterator[Failure]:
    """Fields with which packets come out that are not the same."""
    old, new = (side.way(path).values for side in (pair.old, pair.new))
    for name in _CARRIED:
        one, other = (values.get(name) or pair.space.field(name) for values in (old, new))
        for bit in one.xored(other).bits if one != other else ():
            differing = (PacketSet(pair.space, bit) & passing).possibly()
            if not differing.is_empty():
                yield failure(pair, "frame", path, f"a packet that stays tracked gets another {name}", differing)
                break


def _met(pair: Pair, path: str, untouched: PacketSet) -> Iterator[Failure]:
    """Targets that other packets meet: what is rewritten, refused, marked or logged otherwise."""
    old, new = (_by_target(side, path, untouched) for side in (pair.old, pair.new))
    for where in {**old, **new}:
        one, other = (found.get(where, pair.space.nothing) for found in (old, new))
        differing = ((one ^ other) & _asked(pair, where)).possibly()
        if not differing.is_empty():
            message = f"a packet that stays tracked meets {where.target.name} otherwise"
            yield failure(pair, "frame", path, message, differing)


class _Where(NamedTuple):
    """A target at a hook."""

    hook: Hook
    target: Target


def _asked(pair: Pair, where: _Where) -> PacketSet:
    """The packets of which a target is asked: of NAT the first ones."""
    return pair.state("NEW") if where.target.name in nat.TARGETS else pair.space.everything


def _by_target(side: Side, path: str, packets: PacketSet) -> dict[_Where, PacketSet]:
    found: dict[_Where, PacketSet] = {}
    for hook, step, hit in side.met(path, packets, _does_something):
        assert step.rule.target is not None
        where = _Where(hook, step.rule.target)
        found[where] = found[where] | hit if where in found else hit
    return found


def _does_something(step: Step) -> bool:
    return bool(step.extension) and not is_notrack(step.rule)
