"""What one rule asks of a packet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from rulec.catalogue.extension import Given
from rulec.model import Match, Rule
from rulec.packetset.packetset import PacketSet
from rulec.resources import lazy
from rulec.semantics.base import ENDS, base_conditions
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


def matching(rule: Rule, place: Place) -> PacketSet:
    """The packets that a rule matches there; of those that do not matter nobody knows."""
    return place.space.intersection(condition.packets for _, condition in conditions(rule, place))


def asked(rule: Rule, place: Place) -> Asked:
    """What it matches there, found once for all hooks and rulesets in which the same is asked of the same packets.

    Of rules that differ in their addresses only, the rest is put together once.
    """
    return _once("all", rule, place, _asked)


def asked_of_few(rule: Rule, place: Place) -> Asked:
    """The same, of those that matter alone, where these are few: of most rules it is soon seen that they match none."""
    return _once("of few", rule, place, _asked_of_few)


def _asked_of_few(rule: Rule, place: Place) -> Asked:
    left = place.space.everything if place.care is None else place.care
    for _, condition in conditions(rule, place):
        left &= condition.packets
        if left.is_empty():
            break
    return Asked(left, place.asked, place.asks_where)


def _asked(rule: Rule, place: Place) -> Asked:
    ends = tuple([use for use in rule.base if use.option in ENDS])
    others = rule._replace(base=tuple([use for use in rule.base if use.option not in ENDS]))
    besides = _once("besides", others, place, _besides)
    addresses = (condition.packets for condition in base_conditions(rule._replace(base=ends), place))
    sets, fields = [*addresses, besides.packets], place.asked | besides.fields
    # Cut where that makes it smaller: a protocol is asked for by most rules, and tells little of a connection.
    if place.care is not None and not fields.isdisjoint(place.care.depends_on - {"proto"}):
        sets.append(place.care)
    return Asked(place.space.intersection(sets), fields, place.asks_where or besides.asks_where)


def _besides(rule: Rule, place: Place) -> Asked:
    return Asked(matching(rule, place), place.asked, place.asks_where)


def _once(what: str, rule: Rule, place: Place, find: Callable[[Rule, Place], Asked]) -> Asked:
    answers = place.memory.asked.setdefault((what, rule.base, rule.matches, place.values, place.care), {})
    found = answers.get(None) or answers.get(place.where)
    if found is None:
        found = find(rule, place)
        answers[place.where if found.asks_where else None] = found
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
