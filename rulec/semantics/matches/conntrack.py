"""conntrack: what connection tracking knows of the packet (xt_conntrack.c, conntrack_mt).

A packet without a connection, untracked or invalid, is judged by its state
alone where the match asks for one, all its other options are passed over; where
it asks for none, such a packet never matches, negated or not.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.model import Use
from rulec.packetset.fields import STATUS
from rulec.packetset.packetset import PacketSet
from rulec.semantics.matches._conditions import turned
from rulec.semantics.place import Condition, Place

_PARTS_OF_TUPLES = {
    "--ctorigsrc": "orig_src",
    "--ctorigdst": "orig_dst",
    "--ctreplsrc": "repl_src",
    "--ctrepldst": "repl_dst",
    "--ctorigsrcport": "orig_sport",
    "--ctorigdstport": "orig_dport",
    "--ctreplsrcport": "repl_sport",
    "--ctrepldstport": "repl_dport",
}


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """The state first; each other option counts for packets that have a connection."""
    connected = place.has_connection
    asks_state = "--ctstate" in given
    if not asks_state:
        yield Condition(None, connected)
    for use in given:
        if use.option == "--ctstate":
            yield turned(use, states(place, use.value))
        else:
            plain = turned(use, _known(use, place)).packets
            yield Condition(use, plain | ~connected if asks_state else plain)


def states(place: Place, names: tuple[str, ...]) -> PacketSet:
    """The packets in one of some states; SNAT and DNAT stand for connections whose address was rewritten."""
    found = place.in_state(*(name for name in names if name not in ("SNAT", "DNAT")))
    for name in {"SNAT", "DNAT"}.intersection(names):
        found |= place.flag(name.lower()) & place.has_connection
    return found


def _known(use: Use, place: Place) -> PacketSet:
    """What an option asks of the connection."""
    if use.option in _PARTS_OF_TUPLES:
        return _end(use, place, _PARTS_OF_TUPLES[use.option])
    if use.option == "--ctproto":
        return place.field("orig_proto").equals(use.value)
    if use.option == "--ctdir":
        reply = place.flag("ctdir")
        return reply if use.value == "REPLY" else ~reply
    if use.option == "--ctexpire":
        return place.field("ctexpire").between(*use.value)
    return _status(place, use.value)


def _end(use: Use, place: Place, field: str) -> PacketSet:
    """An address, of which the host bits do not count, or a range of ports."""
    number = place.field(field)
    if field.endswith("port"):
        return number.between(*use.value)
    address, mask = use.value
    return number.masked(address & mask, mask)


def _status(place: Place, names: tuple[str, ...]) -> PacketSet:
    """One of some bits is set; NONE stands for no bit, which no connection has."""
    status = place.field("ctstatus")
    return place.space.union(~status.masked(0, STATUS[name]) for name in names)
