"""The sysctl settings of connection tracking: what rulec knows, and what the running kernel has."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rulec.kernel.generations import CURRENT, NEW
from rulec.kernel.settings import TIMEOUTS, default_timeout, exists, right_name
from tests.kernel.network import inside

pytestmark = pytest.mark.skipif(int(os.uname().release.partition(".")[0]) < 6, reason="these are facts of Linux 6")

FOLDER = Path("/proc/sys/net/netfilter")
OTHER = "nf_conntrack_"


def values(ns: str) -> dict[str, str]:
    """The settings of a fresh namespace by their full names."""
    with inside(ns):
        found = {f"net.netfilter.{path.name}": path.read_text().strip() for path in FOLDER.glob(f"{OTHER}*")}
    if not found:
        pytest.skip("connection tracking is not loaded, and its settings are not there")
    return found


def test_all_settings_are_known(netns: str) -> None:
    assert [name for name in values(netns) if not exists(name, CURRENT)] == []


def test_old_names_lead_to_settings_that_are_there(netns: str) -> None:
    there = values(netns)
    for name in there:
        old = name.replace(NEW, "net.ipv4.netfilter.ip_conntrack_")
        assert right_name(old, CURRENT) == name
        assert not Path("/proc/sys", *old.split(".")).exists()


@pytest.mark.parametrize("timeout", TIMEOUTS)
def test_default_timeouts(timeout: str, netns: str) -> None:
    name = NEW + timeout
    there = values(netns)
    if name not in there:
        pytest.skip("the kernel does not track this protocol")
    assert there[name] == str(default_timeout(timeout, CURRENT))
