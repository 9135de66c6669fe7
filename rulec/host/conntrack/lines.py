"""The entries of a conntrack table, as the kernel and conntrack(8) print them, one a line.

The forms are those of ``/proc/net/nf_conntrack`` (nf_conntrack_standalone.c),
``/proc/net/ip_conntrack`` (ip_conntrack_standalone.c of Linux 2.6, without the family and
zones) and ``conntrack -L`` with its options extended, id, ktimestamp, labels and save; all but
that of ip_conntrack were seen on Linux 6.18 with conntrack 1.4.7.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rulec.model.protocols import NUMBERS

Lines = list[bytes]

ADDRESS = rb"([\da-f:.]{2,45}+)"
PROTOCOL, TIMEOUT, PORT, STATE = rb"(\d{1,3}+)", rb"(\d{1,10}+)", rb"(\d{1,5}+)", rb"([A-Z][A-Z0-9_]*+)"
"""The fields, as long as they can be; nothing is given back where what follows does not fit, which is much faster."""

_OTHER = rb"type=%s code=\d++ id=\d++ |srckey=\S++ dstkey=\S++ "
_FIRST = rb"src=%s dst=%s (?:sport=%s dport=%s |%s)?" % (ADDRESS, ADDRESS, PORT, PORT, _OTHER % rb"(\d{1,3}+)")
_BACK = rb"src=%s dst=%s(?: (?:sport=%s dport=%s |%s)?(.*))?" % (ADDRESS, ADDRESS, PORT, PORT, _OTHER % rb"\d++")
_ENTRY = re.compile(
    rb"(?:ipv[46] ++\d++ ++)?[\w-]++ ++%s ++%s ++(?:%s ++)?(?:timeout=\d+, stream_timeout=\d+ )?"
    % (PROTOCOL, TIMEOUT, STATE)
    + _FIRST
    + rb"(?:zone-orig=%s )?(?:packets=\d++ bytes=\d++ )?(\[UNREPLIED\] )?" % PORT
    + _BACK
    + rb"\r?\n?"
)

_SAVED = re.compile(
    rb"-A -t %s -u (\S+)((?: --?[\w-]+ \S+)*?) -s %s -d %s -r %s -q %s -p ([\w-]+)"
    rb"(?: --sport %s --dport %s --reply-port-src %s --reply-port-dst %s(?: --state %s)?)?(?: .*)?\r?\n?"
    % (TIMEOUT, *[ADDRESS] * 4, *[PORT] * 4, STATE)
)
_SAVED_ZONE = re.compile(rb" (?:-w|--(?:orig-|reply-)?zone) ([1-9]\d{0,4})\b")
"""``conntrack -L -o save``: what conntrack would be given to make the entry."""

SAID = re.compile(rb"conntrack v\S+ \(conntrack-tools\): (\d+) flow entries have been shown\.")
"""What conntrack says at the end, on its error output."""

_IDLE = re.compile(rb"\s*|nfct_labelmap_new: .*")
"""Lines that hold no entry and are none: empty ones, and the complaint about names of labels."""

_MOST = 20


class Entry(NamedTuple):
    """The fields of an entry, in the words of whoever printed it; what there is none of is None.

    ``kind`` is the type of an ICMP query, ``rest`` what follows the second direction.
    """

    protocol: bytes
    timeout: bytes
    state: bytes | None
    src: bytes
    dst: bytes
    sport: bytes | None
    dport: bytes | None
    kind: bytes | None
    zone: bytes | None
    unreplied: bytes | None
    reply_src: bytes
    reply_dst: bytes
    reply_sport: bytes | None
    reply_dport: bytes | None
    rest: bytes | None


class Unread(NamedTuple):
    """A line that is no entry, and where it stands."""

    line: int
    text: str


class Missed:
    """What could not be read: all of it is counted, the first lines are kept; and what conntrack says it printed."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[Unread] = []
        self.said: int | None = None

    def add(self, number: int, text: bytes) -> None:
        """A text that is no entry, unless there is nothing in it to be missed."""
        said = SAID.search(text)
        if said:
            self.said = (self.said or 0) + int(said[1])
        elif not _IDLE.fullmatch(text):
            self.count += 1
            if len(self.first) < _MOST:
                self.first.append(Unread(number, text.decode("utf-8", "replace").strip()))


def entries(blocks: Iterable[Lines], missed: Missed) -> Iterator[tuple[bytes | None, ...]]:
    """The entries of lines, each the fields of an :class:`Entry`: a plain tuple is made four times as fast."""
    entry, number = _ENTRY.fullmatch, 0
    for block in blocks:
        for line in block:
            number += 1
            found = entry(line)
            if found:
                yield found.groups()
            elif saved := _SAVED.fullmatch(line):
                yield _of_saved(saved)
            else:
                missed.add(number, line)


def _of_saved(found: re.Match[bytes]) -> Entry:
    timeout, status, also, src, dst, reply_src, reply_dst, name, sport, dport, reply_sport, reply_dport, state = (
        found.groups()
    )
    number = name[:3] if name.isdigit() else b"%d" % NUMBERS.get(name.decode("ascii", "replace"), 0)
    unreplied = None if b"SEEN_REPLY" in status else b"[UNREPLIED]"
    zone = _SAVED_ZONE.search(also)
    tuples = src, dst, sport, dport, None, zone and zone[1], unreplied, reply_src, reply_dst, reply_sport, reply_dport
    return Entry(number, timeout, state, *tuples, None)
