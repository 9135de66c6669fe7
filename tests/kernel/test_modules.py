"""The modules of connection tracking on the running machine: what rulec says, and what the kernel lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from rulec.host.modules.live import live
from tests.running import rulec

LOADED = Path("/proc/modules")


def loaded() -> dict[str, int]:
    """The modules that were loaded, with their counts; none where the kernel has all built in."""
    lines = LOADED.read_text().splitlines() if LOADED.exists() else []
    return {line.split()[0]: int(line.split()[2]) for line in lines}


def test_says_what_is_there() -> None:
    found = live()
    if not found.core:
        pytest.skip("connection tracking is not loaded")
    assert found.is_built_in is (found.core not in loaded())
    done = rulec("modules")
    assert (done.code, done.err) == (0, "")
    assert (
        f"{found.core} is part of this kernel" in done.out
        if found.is_built_in
        else f"modprobe -r {found.core}" in done.out
    )


def test_counts_are_those_of_the_kernel() -> None:
    if not live().order:
        pytest.skip("connection tracking is no module of this kernel, or not loaded")
    for module in live().order:
        assert loaded()[module.name] == module.in_use + len(module.holders)
