"""Count the entries of a table in one pass; what they mean is for :mod:`rulec.host.conntrack.table`."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator
from itertools import chain
from typing import Any, NamedTuple

from rulec.host.conntrack.lines import Entry, Lines, Missed, entries
from rulec.host.conntrack.own import Own, guessed
from rulec.host.conntrack.xml import flows
from rulec.model.services import services

UNREPLIED, SOURCE, DESTINATION, REVERSED, IDLE, HELPED = 1, 2, 4, 8, 16, 32
"""What is true of an entry: no answer yet, which end NAT rewrites, begun from the server's end, no packet for an hour
(TCP), has a helper."""

FROM_HERE, TO_HERE = 1, 2
"""Which ends of the first direction are this host's own."""

_LOOPED = FROM_HERE | TO_HERE
_ZONE = re.compile(rb"zone(?:-reply)?=([1-9]\d*)")
_HOUR = 3600


class Key(NamedTuple):
    """What entries that are counted together have in common; ``server`` is who answers, ``port`` its port."""

    protocol: bytes
    state: bytes | None
    port: bytes | None
    server: bytes
    ends: int
    flags: int
    zone: bytes | None


class Tally(NamedTuple):
    """The counts, by what is in common and by host."""

    counts: dict[tuple[object, ...], int]
    hosts: dict[bytes, int]
    missed: Missed
    own: Own

    def groups(self) -> Iterator[tuple[Key, int]]:
        """What is in common, and how often."""
        for key, count in self.counts.items():
            yield Key(*key), count  # type: ignore[arg-type]


class Limits(NamedTuple):
    """What of the host bears upon counting: its own ports, and the seconds that an established connection may idle."""

    ephemeral: tuple[int, int] = (32768, 60999)
    established: int = 432000


def tally(
    blocks: Iterable[Lines], own: Callable[[Iterable[bytes]], Own | None], by: str, limits: Limits | None = None
) -> Tally:
    """Count all entries of a dump in any form; ``own`` says for some addresses of it which host sees them.

    ``by`` is which hosts are counted: src, dst (of the first packet), or peer, the end that is not this host.
    """
    blocks, missed = iter(blocks), Missed()
    first = next(blocks, [])
    read = flows if _is_xml(first) else entries
    sample = list(read([first], Missed()))
    host = own({end for entry in sample for end in (entry[3], entry[4]) if end}) or guessed(sample)
    counts, hosts = _counted(read(chain([first], blocks), missed), host.members(), by, limits or Limits())
    return Tally(counts, hosts, missed, host)


def _is_xml(block: Lines) -> bool:
    return next((line for line in block if line.strip()), b"").lstrip().startswith(b"<")


def _counted(
    read: Iterable[Any], own: Container[bytes], by: str, limits: Limits
) -> tuple[dict[tuple[object, ...], int], dict[bytes, int]]:
    """The one loop that meets every entry: plain tuples, and no call that could be spared."""
    ephemeral, known = _ports(limits.ephemeral), _known_ports()
    whole = limits.established - _HOUR
    counts: dict[tuple[object, ...], int] = {}
    hosts: dict[Any, int] = {}
    end_of = {"src": (3, 3, 3, 3), "dst": (4, 4, 4, 4), "peer": (3, 4, 3, 3)}[by]
    for entry in read:
        protocol, timeout, state, src, dst, sport, dport, kind, zone, unreplied, there, here, to, back, rest = entry
        flags = UNREPLIED if unreplied else 0
        if there != dst or here != src or to != dport or back != sport:
            flags |= _translated(entry)
        if state == b"ESTABLISHED" and int(timeout or 0) < whole:
            flags |= IDLE
        if rest and b"helper=" in rest:
            flags |= HELPED
        if rest and b"zone" in rest and b" zone=0 " not in rest:
            zone = zone or _zone(rest)
        ends = (src in own) + 2 * (dst in own) or _LOOPED * src.startswith(b"127.")
        port, server = dport or kind, dst
        if dport in ephemeral and sport in known:
            flags, port, server = flags | REVERSED, sport, src
        key = (protocol, state, port, server, ends, flags, zone)
        counts[key] = counts.get(key, 0) + 1
        host = entry[end_of[ends]]
        hosts[host] = hosts.get(host, 0) + 1
    return counts, hosts


def _translated(fields: tuple[bytes | None, ...]) -> int:
    """Which ends the answers have otherwise (nf_nat_core.c: a tuple and its inverse differ only by NAT)."""
    entry = Entry(*fields)  # type: ignore[arg-type]
    source = (entry.reply_dst, entry.reply_dport) != (entry.src, entry.sport)
    target = (entry.reply_src, entry.reply_sport) != (entry.dst, entry.dport)
    return SOURCE * source | DESTINATION * target


def _zone(rest: bytes) -> bytes | None:
    found = _ZONE.search(rest)
    return found[1] if found else None


def _ports(ports: tuple[int, int]) -> frozenset[bytes]:
    return frozenset(b"%d" % port for port in range(ports[0], ports[1] + 1))


def _known_ports() -> frozenset[bytes]:
    """Ports from which no client asks, as a rule: below 1024, and those that have a name."""
    return frozenset(b"%d" % port for port in (*range(1, 1024), *services().values()) if port < 32768)
