"""CLUSTERIP: share one address between several hosts, of which each answers some of the connections.

All hosts use one multicast MAC address for it, and a hash of the connection
says who answers.  The kernel has every packet tracked for it, and has had no
such target since Linux 6.3; ``-m cluster`` does the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import IPV4, Example, Extension, Given, Option, Tracking, Value
from rulec.catalogue.values.addresses import MAC
from rulec.catalogue.values.numbers import number
from rulec.catalogue.values.text import choice
from rulec.model import Family

MOST_NODES = 16

HASH_MODE = choice(
    ("sourceip", "sourceip-sourceport", "sourceip-sourceport-destport"),
    "sourceip, sourceip-sourceport or sourceip-sourceport-destport",
)


def _read_multicast(family: Family, text: str) -> bytes:
    value: bytes = MAC.read(family, text)
    if not value[0] & 1:
        raise ValueError(f"{text} is not a multicast address: the first byte must be odd")
    return value


MULTICAST_MAC = Value(
    ("MAC",), "a multicast MAC address such as 01:00:5e:00:00:20", _read_multicast, lambda value: value.hex(":").upper()
)
"""Six bytes, printed in capitals."""

NODE = number(16, high=MOST_NODES)

OPTIONS = (
    Option("--new"),
    Option("--hashmode", HASH_MODE),
    Option("--clustermac", MULTICAST_MAC),
    Option("--total-nodes", NODE),
    Option("--local-node", NODE),
    Option("--hash-init", number(32)),
)


def _check(given: Given) -> None:
    missing = [option.name for option in OPTIONS[:-1] if option.name not in given]
    if missing and given.uses:
        raise ValueError(f"either no option, or all but --hash-init; {', '.join(missing)} not given")


def _save(given: Given) -> Iterator[str]:
    if not given.uses:
        return
    yield "--new"
    for option in OPTIONS[1:]:
        yield from (option.name, option.value.show(given.get(option.name, 0)))


EXTENSION = Extension(
    name="CLUSTERIP",
    summary="share one address between several hosts, of which each answers some of the connections",
    families=IPV4,
    modules=("ipt_CLUSTERIP", "nf_conntrack"),
    tracking=Tracking.TRACKS,
    options=OPTIONS,
    check=_check,
    save=_save,
    valid=(
        Example("-d 192.0.2.1 -j CLUSTERIP", saved="-d 192.0.2.1/32 -j CLUSTERIP"),
        Example(
            "-d 192.0.2.1/32 -j CLUSTERIP --new --hashmode sourceip --clustermac 01:aa:7b:47:f7:d7"
            " --total-nodes 2 --local-node 1",
            saved="-d 192.0.2.1/32 -j CLUSTERIP --new --hashmode sourceip --clustermac 01:AA:7B:47:F7:D7"
            " --total-nodes 2 --local-node 1 --hash-init 0",
        ),
        Example(
            "-d 192.0.2.1/32 -j CLUSTERIP --new --hashmode sourceip-sourceport-destport"
            " --clustermac 01:AA:7B:47:F7:D7 --total-nodes 16 --local-node 16 --hash-init 1"
        ),
    ),
    invalid=(
        "-d 192.0.2.1 -j CLUSTERIP --new",
        "-d 192.0.2.1 -j CLUSTERIP --hash-init 1",
        "-d 192.0.2.1 -j CLUSTERIP --new --hashmode sourceip --clustermac 02:aa:7b:47:f7:d7"
        " --total-nodes 2 --local-node 1",
        "-d 192.0.2.1 -j CLUSTERIP --new --hashmode sourceip --clustermac 01:aa:7b:47:f7:d7"
        " --total-nodes 17 --local-node 1",
        "-d 192.0.2.1 -j CLUSTERIP --new --hashmode destip --clustermac 01:aa:7b:47:f7:d7"
        " --total-nodes 2 --local-node 1",
    ),
)
