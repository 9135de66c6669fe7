"""pkttype: match on whether the frame was for this host, for all, for a group, or for another.

It is what the link layer says; with ``--pkt-type unicast`` also whatever this
host sends itself.
"""

from __future__ import annotations

from rulec.catalogue.extension import Example, Extension, Option
from rulec.catalogue.values.text import choice

_TYPES = {
    "unicast": "unicast",
    "broadcast": "broadcast",
    "multicast": "multicast",
    "otherhost": "otherhost",
    "host": "unicast",
    "bcast": "broadcast",
    "mcast": "multicast",
}

EXTENSION = Extension(
    name="pkttype",
    summary="match on whether the frame was for this host, for all, for a group, or for another",
    modules=("xt_pkttype",),
    options=(
        Option(
            "--pkt-type",
            choice(_TYPES, "unicast, broadcast, multicast or otherhost", ignore_case=True),
            invertible=True,
            required=True,
        ),
    ),
    valid=(
        Example("-m pkttype --pkt-type broadcast"),
        Example("-m pkttype ! --pkt-type mcast", saved="-m pkttype ! --pkt-type multicast"),
        Example("-m pkttype --pkt-type HOST", saved="-m pkttype --pkt-type unicast"),
    ),
    invalid=(
        "-m pkttype",
        "-m pkttype --pkt-type outgoing",
        "-m pkttype --pkt-type host --pkt-type host",
    ),
)
