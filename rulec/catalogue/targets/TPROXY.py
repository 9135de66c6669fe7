"""TPROXY: hand the packet to a local program, with the addresses as they are.

The program must ask for it (``IP_TRANSPARENT``), and a routing rule for the mark
must deliver the packets locally.  Nothing is translated, and no connection is
tracked.  A port that is given as 0 is that of the packet.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import IPV4, IPV6, Example, Extension, Given, Option, Value
from rulec.catalogue.values.addresses import show_address
from rulec.catalogue.values.hosts import LOOKED_UP_HOST
from rulec.catalogue.values.marks import show_change
from rulec.catalogue.values.numbers import MARK
from rulec.catalogue.values.ports import PORTS_EITHER_WAY
from rulec.model import Family
from rulec.model.protocols import TCP, UDP


def _read_port(family: Family, text: str) -> int:
    port: int = PORTS_EITHER_WAY.read(family, text)[0]
    return port


PORT = Value(("PORT",), "a port", _read_port)
"""A port as getaddrinfo(3) reads it: a number is decimal."""


def _save(given: Given) -> Iterator[str]:
    host = given.get("--on-ip", (0,))[0]
    yield from ("--on-port", str(given.get("--on-port")))
    yield from ("--on-ip", show_address(given.family, host))
    yield from ("--tproxy-mark", show_change(given.get("--tproxy-mark", (0, 0))))


EXTENSION = Extension(
    name="TPROXY",
    summary="hand the packet to a local program, with the addresses as they are",
    modules=("xt_TPROXY", "nf_tproxy_ipv4", "nf_tproxy_ipv6", "nf_defrag_ipv4", "nf_defrag_ipv6"),
    tables=("mangle",),
    hooks=("PREROUTING",),
    protocols=(TCP, UDP),
    options=(
        Option("--on-port", PORT, required=True),
        Option("--on-ip", LOOKED_UP_HOST),
        Option("--tproxy-mark", MARK),
    ),
    save=_save,
    valid=(
        Example("-p tcp -j TPROXY --on-port 8080", table="mangle", chain="PREROUTING", families=IPV4,
                saved="-p tcp -j TPROXY --on-port 8080 --on-ip 0.0.0.0 --tproxy-mark 0x0/0x0"),
        Example("-p udp -j TPROXY --tproxy-mark 1 --on-ip 10.1 --on-port domain", table="mangle", chain="PREROUTING",
                saved="-p udp -j TPROXY --on-port 53 --on-ip 10.0.0.1 --tproxy-mark 0x1/0xffffffff", families=IPV4),
        Example("-p tcp -j TPROXY --on-port 010 --on-ip ::1 --tproxy-mark 0x1/0x1", table="mangle",
                chain="PREROUTING", saved="-p tcp -j TPROXY --on-port 10 --on-ip ::1 --tproxy-mark 0x1/0x1",
                families=IPV6),
    ),
    invalid=(
        Example("-p tcp -j TPROXY", table="mangle", chain="PREROUTING"),
        Example("-p tcp -j TPROXY --on-port 0x10", table="mangle", chain="PREROUTING"),
        Example("-p tcp -j TPROXY --on-port 80 --on-ip x.", table="mangle", chain="PREROUTING"),
    ),
    refused=(
        Example("-j TPROXY --on-port 80", table="mangle", chain="PREROUTING"),
        Example("! -p tcp -j TPROXY --on-port 80", table="mangle", chain="PREROUTING"),
        Example("-p sctp -j TPROXY --on-port 80", table="mangle", chain="PREROUTING"),
        Example("-p tcp -j TPROXY --on-port 80", table="mangle", chain="OUTPUT"),
        Example("-p tcp -j TPROXY --on-port 80", table="nat", chain="PREROUTING"),
    ),
)  # fmt: skip
