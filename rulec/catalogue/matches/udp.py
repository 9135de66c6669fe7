"""udp: match on the ports of a UDP header.

``-p udp`` brings this match in as soon as one of its options stands on the
line.  Unlike tcp it takes ranges that run backwards, which no packet matches,
reads numbers in decimal only (``022`` is 22), and cuts a number that is too
large to 16 bits (``70000`` is 4464).
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Example, Extension, Given, Option, saved_option
from rulec.catalogue.values.ports import EVERY_PORT, PORTS_EITHER_WAY
from rulec.model.protocols import UDP

_OPTIONS = (
    Option("--sport", PORTS_EITHER_WAY, aliases=("--source-port",), invertible=True),
    Option("--dport", PORTS_EITHER_WAY, aliases=("--destination-port",), invertible=True),
)


def _save(given: Given) -> Iterator[str]:
    for option in _OPTIONS:
        for use in given:
            if use.option == option.name and use.value != EVERY_PORT:
                yield from saved_option(option, use)


EXTENSION = Extension(
    name="udp",
    summary="match on the ports of a UDP header",
    modules=("xt_tcpudp",),
    protocols=(UDP,),
    options=_OPTIONS,
    save=_save,
    valid=(
        Example("-p udp --dport domain", saved="-p udp -m udp --dport 53"),
        Example("-p udp --destination-port 33434:33523 ! --source-port 53",
                saved="-p udp -m udp ! --sport 53 --dport 33434:33523"),
        Example("-p udp --sport :1023 --dport 1024:", saved="-p udp -m udp --sport 0:1023 --dport 1024:65535"),
        Example("-p udp --dport 20:10", saved="-p udp -m udp --dport 20:10"),
        Example("-p udp --dport 022", saved="-p udp -m udp --dport 22"),
        Example("-p udp --dport 70000", saved="-p udp -m udp --dport 4464"),
        Example("-p udp ! --sport :", saved="-p udp -m udp"),
    ),
    invalid=(
        "-p udp --dport 0x16",
        "-p udp --dport 53,123",
        "-p udp --dport 1:2:3",
        "-p udp --dport 53 --dport 54",
        "-p udp --dport nosuchservice",
        "-p udp --syn",
    ),
    refused=("-m udp --dport 53", "-p tcp -m udp --dport 53", "! -p udp -m udp --dport 53"),
)  # fmt: skip
