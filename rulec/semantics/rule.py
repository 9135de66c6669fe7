"""What one rule asks of a packet."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from rulec.catalogue.extension import Given
from rulec.model import Match, Rule
from rulec.packetset.packetset import PacketSet
from rulec.resources import lazy
from rulec.semantics.base import base_conditions
from rulec.semantics.matches import MEANINGS
from rulec.semantics.opaque import opaque_condition
from rulec.semantics.place import Asked, Condition, Place


def conditions(rule: Rule, place: Place) -> Iterator[tuple[str, Condition]]:
    """All that a rule asks, in the order in which it is written; with the name of the match, "" for iptables' own."""
    for condition in base_conditions(rule, place):
        yield "", condition
    for match in rule.matches:
        for condition in match_conditions(match, place):
            yield match.name, condition


def matching(rule: Rule, place: Place, care: PacketSet | None = None) -> PacketSet:
    """The packets that a rule matches there, among those of ``care``."""
    found = place.space.everything if care is None else care
    sets = [condition.packets for _, condition in conditions(rule, place)]
    for packets in sorted(sets, key=lambda packets: packets.function.node_count()):
        found &= packets
    return found


def asked(rule: Rule, place: Place, care: PacketSet | None = None) -> Asked:
    """What it matches there, found once for all hooks and rulesets in which the same is asked of the same packets."""
    answers = place.memory.asked.setdefault((rule.base, rule.matches, place.values, care), {})
    found = answers.get(None) or answers.get(place.where)
    if found is None:
        found = Asked(matching(rule, place, care), place.asked)
        answers[place.where if place.asks_where else None] = found
    return found


def match_conditions(match: Match, place: Place) -> Iterator[Condition]:
    """What one match asks."""
    if match.name in MEANINGS:
        yield from _meaning(match.name)(Given(place.family, match.uses), place)
    else:
        yield opaque_condition(match, place)


@cache
def _meaning(name: str) -> Any:
    return lazy(f"rulec.semantics.matches.{name}").conditions
