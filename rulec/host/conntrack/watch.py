"""The table of connections from moment to moment: how full it is, how it grows, and what the kernel has dropped.

Count and maximum are settings that everybody may read; the counters of each processor stand in
/proc/net/stat/nf_conntrack, in hexadecimal.  The log undercounts drops, which it mentions ten times in five
seconds at most (measured on Linux 5.10, 6.1 and 6.12); the counters have each of them.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from rulec.errors import InputError
from rulec.host.conntrack.here import conntrack_counters, machine
from rulec.host.conntrack.table import Service, Table

SHOWN = ("drop", "early_drop", "insert_failed")
"""What tells that the table is too small, or nearly."""

NEAR = 0.9
_REST = 10
"""The table of connections is read again after so many times the time that this took."""

_STATS = ("nf_conntrack", "ip_conntrack")
_NET = Path("/proc/thread-self/net")


class Moment(NamedTuple):
    """What holds at a moment, in seconds of a clock that only goes forwards; ``most`` is 0 where there is no limit.

    ``counters`` are those of all processors together; none where the kernel does not tell them.
    """

    at: float
    entries: int
    most: int
    counters: Mapping[str, int]


class View(NamedTuple):
    """A moment, what became since the one before (None at first), and the services that hold most.

    ``growth`` is in entries a second, ``rates`` in events a second; ``services`` are those of a table that was
    read ``age`` seconds ago and had ``read`` entries.  ``unread`` says what could not be read.
    """

    moment: Moment
    growth: float | None
    rates: Mapping[str, float]
    services: tuple[Service, ...]
    read: int
    age: float
    unread: tuple[str, ...]

    @property
    def part(self) -> float | None:
        """How much of the table is taken, from 0 to 1; None without a limit."""
        return self.moment.entries / self.moment.most if self.moment.most else None

    @property
    def state(self) -> str:
        """``dropping``: packets are being lost; ``full``: the next ones will be; ``near``; or ``room``."""
        if self.rates.get("drop", 0) > 0:
            return "dropping"
        if self.part is None or self.part < NEAR:
            return "room"
        return "near" if self.part < 1 else "full"

    @property
    def full_in(self) -> float | None:
        """The seconds until the table is full, if it grows on like this; None where it does not."""
        left = self.moment.most - self.moment.entries
        return left / self.growth if self.growth and self.growth > 0 and self.moment.most and left > 0 else None


class Watch:
    """Looks at the table again and again; ``table`` reads all of it, which takes long where it is large."""

    def __init__(
        self,
        table: Callable[[], Table] | None,
        moment: Callable[[], Moment] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._table, self._moment, self._clock = table, moment or now, clock
        self._before: Moment | None = None
        self._known: Table | None = None
        self._read_at, self._next_at, self._why = 0.0, 0.0, ""

    def look(self) -> View:
        """What holds now."""
        moment, before = self._moment(), self._before
        self._before = moment
        passed = moment.at - before.at if before else 0.0
        self._read_table()
        services, entries = (self._known.services, self._known.entries) if self._known else ((), 0)
        unread = [self._why] if self._why else []
        if not moment.counters:
            unread.append("drops: this kernel has no /proc/net/stat/nf_conntrack, and conntrack -S says nothing")
        return View(
            moment,
            (moment.entries - before.entries) / passed if before and passed > 0 else None,
            _rates(before, moment, passed) if before and passed > 0 else {},
            services,
            entries,
            self._clock() - self._read_at if self._known else 0.0,
            tuple(unread),
        )

    def _read_table(self) -> None:
        begun = self._clock()
        if self._table is None or begun < self._next_at:
            return
        try:
            self._known, self._why = self._table(), ""
        except InputError as error:
            reason, _, _ = str(error).partition(";")  # behind it stands that a file would do, which it would not here
            self._known, self._why = None, f"services: {reason}"
        self._read_at = self._clock()
        self._next_at = self._read_at + _REST * (self._read_at - begun)


def _rates(before: Moment, moment: Moment, passed: float) -> dict[str, float]:
    """What became of the counters; one that went back was set to nothing in between, or ran over."""
    known = before.counters
    return {name: max(value - known.get(name, value), 0) / passed for name, value in moment.counters.items()}


def now(net: Path = _NET) -> Moment:
    """This moment; InputError where connection tracking is not loaded."""
    found = machine()
    if found.entries is None or found.most is None:
        raise InputError("connection tracking is not loaded here, so there is no table to watch")
    return Moment(time.monotonic(), found.entries, found.most, counters(net))


def counters(net: Path = _NET) -> dict[str, int]:
    """The counters of all processors together; where /proc has none, those of conntrack(8)."""
    for name in _STATS:
        path = net / "stat" / name
        if os.path.exists(path):
            return of_proc(path.read_text(encoding="ascii", errors="replace"))
    return of_conntrack(conntrack_counters())


def of_proc(text: str) -> dict[str, int]:
    """The counters of /proc/net/stat/nf_conntrack: a line of names, and one a processor.

    ``entries`` is the same in every line, and no counter.
    """
    names, *lines = [line.split() for line in text.splitlines() if line.strip()] or [[]]
    found = dict.fromkeys(names, 0)
    for line in lines:
        for name, number in zip(names, line, strict=False):
            found[name] += int(number, 16) if re.fullmatch("[0-9a-fA-F]+", number) else 0
    found.pop("entries", None)
    return found


def of_conntrack(text: str) -> dict[str, int]:
    """The counters that ``conntrack -S`` prints: ``cpu=0 found=1 ...``, a line a processor."""
    found: dict[str, int] = {}
    for name, number in re.findall(r"\b(\w+)=(\d+)", text):
        if name != "cpu":
            found[name] = found.get(name, 0) + int(number)
    return found
