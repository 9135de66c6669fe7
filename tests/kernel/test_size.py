"""The size of the table: what rulec says of the running kernel, and what it has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rulec.host.conntrack.here import Machine, machine
from rulec.host.conntrack.sizing import Host, Need, sizing
from rulec.kernel.release import version
from rulec.kernel.sizes import by_itself, with_hashsize

SET_IN = ("/etc/sysctl.conf", "/etc/sysctl.d", "/etc/modprobe.d", "/usr/lib/sysctl.d")


def somebody_set_it() -> bool:
    files = [file for place in map(Path, SET_IN) for file in (place.rglob("*") if place.is_dir() else [place])]
    texts = (file.read_text(errors="replace") for file in files if file.is_file())
    return any(re.search(r"(?m)^[^#\n]*(conntrack_(max|buckets)|conntrack.*hashsize)", text) for text in texts)


@pytest.fixture
def here() -> Machine:
    found = machine()
    if found.most is None or found.memory is None:
        pytest.skip("connection tracking is not loaded")
    return found


def test_what_the_kernel_takes_by_itself(here: Machine) -> None:
    if not here.kernel.measured or somebody_set_it():
        pytest.skip("the formula of this kernel is inferred, or its table was set")
    assert here.memory is not None
    found = by_itself(here.memory, 64, here.kernel, version(here.release))
    assert (found.entries, found.buckets) == (here.most, here.buckets)


def test_what_an_entry_takes(here: Machine) -> None:
    if not here.kernel.measured or here.entry is None:
        pytest.skip("the size of entries is inferred for this kernel, or its slabs are merged")
    assert here.entry == here.kernel.entry


def test_buckets_are_whole_pages(here: Machine) -> None:
    assert here.buckets is not None
    assert with_hashsize(here.buckets, 64, here.kernel).buckets == here.buckets


def test_the_commands_are_about_what_is_there(here: Machine) -> None:
    """The parameter and the settings exist under the names that rulec prints."""
    assert here.memory is not None
    host = Host(here.kernel, version(here.release), here.memory, 64, here.kernel.entry, idle=7200)
    buckets, *settings = sizing(host, Need(1 << 30, "")).commands
    assert Path(buckets.split(" > ")[1]).exists()
    assert len(settings) == 2
    for command in settings:
        name = command.removeprefix("sysctl -w ").partition("=")[0]
        assert Path("/proc/sys", *name.split(".")).exists()
