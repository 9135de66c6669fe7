"""What iptables' own options ask: addresses, interfaces, protocol, fragment."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.values.addresses import pairs
from rulec.model import Rule, Use
from rulec.packetset.packetset import PacketSet
from rulec.semantics.matches._conditions import turned
from rulec.semantics.place import Condition, Place

ENDS = ("--source", "--destination")
"""The options that ask for an address."""

_SEEN_AT = {"--in-interface": "iif", "--out-interface": "oif"}


def base_conditions(rule: Rule, place: Place) -> Iterator[Condition]:
    """The conditions of one rule; ``--set-counters`` asks nothing."""
    for use in rule.base:
        if use.option in ENDS:
            yield turned(use, _address(use, place))
        elif use.option in _SEEN_AT:
            yield turned(use, _interface(use.value, _SEEN_AT[use.option], place))
        elif use.option == "--protocol":
            yield turned(use, place.protocol(use.value) if use.value else place.space.everything)
        elif use.option == "--fragments":
            yield turned(use, place.flag("later_fragment"))


def _address(use: Use, place: Place) -> PacketSet:
    field = place.field("src" if use.option == "--source" else "dst")
    return place.space.union(field.masked(address & mask, mask) for address, mask in pairs(use.value))


def _interface(pattern: str, field: str, place: Place) -> PacketSet:
    """A hook that has no such interface compares with an empty name, which ``+`` alone matches."""
    there = place.hook.has_input if field == "iif" else place.hook.has_output
    if not there:
        return place.space.everything if pattern == "+" else place.space.nothing
    names = place.space.fields[field].names
    assert names is not None
    return place.field(field).among(names.matching(pattern))


def macs(rule: Rule) -> Iterator[str]:
    """The MAC addresses that a rule names."""
    return (use.value.hex(":") for match in rule.matches if match.name == "mac" for use in match.uses)


def interfaces(rule: Rule) -> Iterator[str]:
    """The interface patterns that a rule names, those of bridge ports among them."""
    uses = [*rule.base, *(use for match in rule.matches if match.name == "physdev" for use in match.uses)]
    return (use.value for use in uses if use.option in (*_SEEN_AT, "--physdev-in", "--physdev-out"))
