"""How large kernels make their tables."""

from __future__ import annotations

import pytest

from rulec.kernel.generations import KERNELS
from rulec.kernel.release import generation, version
from rulec.kernel.sizes import by_itself, with_hashsize
from tests.pages import ROOT

MIB, GIB = 1 << 20, 1 << 30

MEASURED = [
    (206, 2048, 8192, 2048), (213, 2048, 8192, 2048), (457, 4096, 16384, 4096), (464, 4096, 16384, 4096),
    (961, 8192, 32768, 8192), (968, 8192, 32768, 8192), (1033, 16384, 65536, 65536), (1042, 16384, 65536, 65536),
    (1463, 16384, 65536, 65536), (3922, 16384, 65536, 65536), (4305, 65536, 262144, 262144),
    (7941, 65536, 262144, 262144),
]  # fmt: skip
"""MemTotal in MiB; buckets and entries of Linux 5.10; both of 6.1 and 6.12."""


@pytest.mark.parametrize(("memory", "buckets", "entries", "later"), MEASURED)
def test_measured(memory: int, buckets: int, entries: int, later: int) -> None:
    older = by_itself(memory * MIB, 64, KERNELS["5.x"])
    assert older[:2] == (buckets, entries)
    assert by_itself(memory * MIB, 64, generation("5.10.0-28-amd64"), version("5.10.0-28-amd64")) == older
    for name in ("6.1.0", "6.12.0", "6.x"):
        kernel = KERNELS.get(name) or generation(name)
        assert by_itself(memory * MIB, 64, kernel, version(name))[:2] == (later, later)


def test_measured_between() -> None:
    assert by_itself(837 * MIB, 64, KERNELS["6.x"])[:2] == (7168, 7168)


@pytest.mark.parametrize(
    ("memory", "bits", "kernel", "buckets", "entries"),
    [
        (64 * GIB, 64, "el5", 8192, 65536),
        (64 * GIB, 64, "el6", 16384, 65536),
        (64 * GIB, 64, "el7", 65536, 262144),
        (64 * GIB, 64, "el8", 65536, 262144),
        (64 * GIB, 64, "el9", 65536, 262144),
        (64 * GIB, 64, "4.14", 65536, 262144),
        (64 * GIB, 64, "5.14.21", 65536, 262144),
        (64 * GIB, 64, "5.15.0", 262144, 262144),
        (GIB, 64, "el5", 4096, 32768),
        (GIB, 32, "el5", 8192, 65536),
        (GIB, 64, "el6", 8192, 32768),
        (GIB, 32, "el6", 16384, 65536),
        (4 * GIB, 64, "el7", 16384, 65536),
        (MIB, 64, "el5", 16, 128),
        (MIB, 64, "el6", 512, 2048),
        (MIB, 64, "6.x", 1024, 1024),
    ],
)
def test_formulas(memory: int, bits: int, kernel: str, buckets: int, entries: int) -> None:
    found = by_itself(memory, bits, KERNELS.get(kernel) or generation(kernel), version(kernel))
    assert found[:2] == (buckets, entries)


@pytest.mark.parametrize(
    ("hashsize", "buckets", "entries"), [(8192, 8192, 65536), (100000, 100352, 802816), (1, 512, 4096)]
)
def test_hashsize_was_measured(hashsize: int, buckets: int, entries: int) -> None:
    for kernel in ("5.x", "6.x"):
        assert with_hashsize(hashsize, 64, KERNELS[kernel])[:2] == (buckets, entries)


def test_memory_of_a_full_table() -> None:
    """65,536 entries do not take a gigabyte."""
    assert by_itself(2 * GIB, 64, KERNELS["el6"]).octets(320) == 65536 * 320 + 16384 * 8
    assert by_itself(2 * GIB, 64, KERNELS["el6"]).octets(320) < 21 * MIB


@pytest.mark.parametrize("name", KERNELS)
def test_the_largest_is_that_of_the_generation(name: str) -> None:
    """But for 5.x, which has kernels of both kinds, and is taken for 5.10 here."""
    expected = 65536 if name == "5.x" else KERNELS[name].buckets
    assert by_itself(1 << 40, 64, KERNELS[name]).buckets == expected


def rows() -> str:
    """The table of docs/sizing.md."""
    lines = []
    for memory, label in ((512 * MIB, "512 MiB"), (GIB, "1 GiB"), (2 * GIB, "2 GiB"), (8 * GIB, "8 GiB and more")):
        sizes = (by_itself(memory, 64, KERNELS[name]) for name in ("el5", "el6", "el7", "6.x"))
        lines.append(f"| {label} | {' | '.join(f'{one.buckets:,} / {one.entries:,}' for one in sizes)} |\n")
    return "".join(lines)


def test_the_page_has_the_same_figures() -> None:
    assert rows() in (ROOT / "docs" / "sizing.md").read_text(encoding="utf-8")
