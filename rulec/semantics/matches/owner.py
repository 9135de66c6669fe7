"""owner: the user and the group of the process that sent the packet (xt_owner.c).

A packet without a socket, such as one that is forwarded, has no owner, and
matches what is negated.  So does one of a socket that belongs to no process,
such as those of the kernel: it counts here as one of a user and a group that no
rule can name (2**32 - 1).
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.model import Use
from rulec.packetset.packetset import PacketSet
from rulec.semantics.matches._conditions import turned
from rulec.semantics.place import Condition, Place


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """Socket, user, group."""
    has_socket = place.flag("has_socket") if place.hook.path == "output" else place.space.nothing
    for use in given:
        if use.option == "--socket-exists":
            yield turned(use, has_socket)
        elif use.option == "--suppl-groups":
            yield Condition(use, has_socket)
        else:
            yield turned(use, has_socket & (_owned(use, place) | _by_another_group(use, given, place)))


def _owned(use: Use, place: Place) -> PacketSet:
    """A number or a range; of a name it is unknown what it stands for."""
    if isinstance(use.value, str):
        return place.unknown(("owner", use.option, use.value))
    return place.field(use.option[2:5]).between(*use.value)


def _by_another_group(use: Use, given: Given, place: Place) -> PacketSet:
    """A process may be in more groups than one; nobody knows from here in which."""
    if use.option == "--uid-owner" or "--suppl-groups" not in given:
        return place.space.nothing
    return place.unknown(("group", use.value)) - place.field("gid").equals(2**32 - 1)
