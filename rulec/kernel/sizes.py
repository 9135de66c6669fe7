"""How large a kernel makes its table of connections by itself, and what memory that takes.

Measured on Linux 5.10, 6.1 and 6.12 with 256 MB to 8 GB, and on 6.18 with 24 GB: the thresholds,
the rounding, and that ``hashsize=N`` makes the table 8 x N entries large.  All else is from the sources
(ip_conntrack_core.c of 2.6.18, nf_conntrack_core.c since) and not tried.
"""

from __future__ import annotations

from typing import NamedTuple

from rulec.kernel.generations import KERNELS, Kernel

PER_BUCKET = 8
"""Entries for each bucket where ``hashsize`` is given (nf_conntrack_core.c; measured)."""

_GIB = 1 << 30
_SHARE = 16384
"""Up to 1 GiB the buckets take this part of the memory."""

_PAGE = 4096
_MEASURED_AS = {"5.x": (5, 10), "6.x": (6, 1)}
"""The kernel that a generation stands for where its members differ."""


class Formula(NamedTuple):
    """How a table is sized: ``above`` GiB of memory it has so many buckets, each ``ratio`` entries.

    ``head`` are the octets of a bucket, for a machine of 64 bits; ``least`` the fewest buckets; ``paged`` says
    whether buckets fill whole pages.
    """

    above: tuple[tuple[int, int], ...]
    ratio: int
    head: int
    least: int
    paged: bool
    source: str


class Size(NamedTuple):
    """A table: its buckets, its most entries, and the octets of a bucket."""

    buckets: int
    entries: int
    head: int

    def octets(self, entry: int) -> int:
        """The memory of the full table, with entries of so many octets."""
        return self.entries * entry + self.buckets * self.head


_SOURCES = {
    "ip": "ip_conntrack_core.c of Linux 2.6.18: memory/16384/16 buckets, 8192 above 1 GiB; 8 entries each",
    "nf": "nf_conntrack_core.c since Linux 2.6.20: memory/16384/8 buckets, 16384 above 1 GiB; 4 entries each",
    "4": "nf_conntrack_core.c since Linux 4.0 (December 2014): as before it, and 65536 above 4 GiB; 4 entries each",
    "5": "commit d532bcd0b269 (Linux 5.15): 65536 buckets above 1 GiB, 262144 above 4 GiB; one entry each",
}
_IP = Formula(((1, 8192),), 8, 16, 16, paged=False, source=_SOURCES["ip"])
_NF = Formula(((1, 16384),), 4, 8, 32, paged=True, source=_SOURCES["nf"])
_NF_4 = Formula(((4, 65536), (1, 16384)), 4, 8, 32, paged=True, source=_SOURCES["4"])
_NF_5 = Formula(((4, 262144), (1, 65536)), 1, 8, 1024, paged=True, source=_SOURCES["5"])


def version_of(kernel: Kernel, version: tuple[int, ...] = ()) -> tuple[int, ...]:
    """The version that is meant: the one that is said, else the one that was measured of the generation."""
    return version or _MEASURED_AS.get(kernel.name, kernel.version)


def formula(kernel: Kernel, version: tuple[int, ...] = ()) -> Formula:
    """How a kernel sizes its table; RHEL 7 does it as Linux 4.0 does (it prints 65536 buckets)."""
    version = version_of(kernel, version)
    if kernel.core == "ip_conntrack":
        return _IP
    if kernel.name == "el9" or (4, 0) <= version < (5, 15) or kernel is KERNELS["el7"]:
        return _NF_4
    return _NF_5 if version >= (5, 15) else _NF


def by_itself(memory: int, bits: int, kernel: Kernel, version: tuple[int, ...] = ()) -> Size:
    """The table that a kernel makes with so many octets of memory (MemTotal), on a machine of 32 or 64 bits."""
    rule = formula(kernel, version)
    head = rule.head * bits // 64
    buckets = max(rule.least, _rounded(memory // _SHARE // head, head) if rule.paged else memory // _SHARE // head)
    buckets = next((most for above, most in rule.above if memory > above * _GIB), buckets)
    return Size(buckets, buckets * rule.ratio, head)


def with_hashsize(buckets: int, bits: int, kernel: Kernel) -> Size:
    """The table that a kernel makes where it is told how many buckets it has."""
    rule = formula(kernel)
    head = rule.head * bits // 64
    rounded = _rounded(buckets, head) if rule.paged else buckets
    return Size(rounded, rounded * PER_BUCKET, head)


def _rounded(buckets: int, head: int) -> int:
    """Whole pages of buckets."""
    page = _PAGE // head
    return -(-buckets // page) * page
