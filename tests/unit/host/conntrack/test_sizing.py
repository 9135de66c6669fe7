"""How large a table should be, and the files that make it so."""

from __future__ import annotations

from pathlib import Path

import pytest

from rulec import advice
from rulec.errors import InputError
from rulec.host.conntrack.sizing import Host, Need, by_rate, sizing
from rulec.kernel.generations import KERNELS
from tests.running import rulec

GIB = 1 << 30


def host(kernel: str, memory: int = 16 * GIB, **also: object) -> Host:
    return Host(KERNELS[kernel], (), memory, 64, KERNELS[kernel].entry, **also)  # type: ignore[arg-type]


def test_a_table_needs_rate_times_lifetime() -> None:
    assert by_rate(2000, 121).entries == 242_000


@pytest.mark.parametrize(
    ("kernel", "entries", "most", "buckets"),
    [
        ("6.x", 131072, None, None),  # 262144 is twice that
        ("6.x", 131073, 524288, 524288),
        ("el7", 131073, 524288, 131072),
        ("el9", 750_000, 2097152, 524288),
        ("el6", 40_000, 131072, 16384),
        ("el5", 40_000, 131072, 16384),
    ],
)
def test_twice_the_need_in_the_next_power_of_two(
    kernel: str, entries: int, most: int | None, buckets: int | None
) -> None:
    found = sizing(host(kernel), Need(entries, "")).wanted
    assert (found and found.entries, found and found.buckets) == (most, buckets)


def test_what_is_set_here_may_be_enough() -> None:
    assert sizing(host("6.x"), Need(500_000, ""), (1 << 20, 1 << 20)).wanted is None
    assert sizing(host("6.x"), Need(500_000, ""), (1 << 18, 1 << 18)).wanted is not None


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("idle", [None, 10800])
def test_lint_finds_nothing_wrong_with_the_files(kernel: str, idle: int | None, tmp_path: Path) -> None:
    asked = ("--ram", "16G", "--kernel", kernel, "--entries", "400000", "--output-dir", tmp_path)
    done = rulec("size", *asked, *(("--established-timeout", str(idle)) if idle else ()))
    assert done.code == 0
    written = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    assert written
    assert done.err == "".join(f"{path} written\n" for path in written)
    linted = rulec("lint", *written, "--kernel", kernel, "--output-format", "json", "--fail-on", "note")
    assert (linted.code, '"diagnostics": []' in linted.out) == (0, True), linted.out


def test_before_systemd_hashsize_sets_both() -> None:
    ((name, text),) = sizing(host("el6"), Need(400_000, "")).files
    assert name == "modprobe.d/conntrack.conf"
    assert text.endswith("options nf_conntrack hashsize=131072\n")


@pytest.mark.parametrize(
    ("kernel", "command"),
    [
        ("el5", "sysctl -w net.ipv4.netfilter.ip_conntrack_max=1048576"),
        ("el6", "sysctl -w net.netfilter.nf_conntrack_max=1048576"),
        ("6.x", "sysctl -w net.netfilter.nf_conntrack_max=1048576"),
    ],
)
def test_names_are_those_of_the_kernel(kernel: str, command: str) -> None:
    found = sizing(host(kernel), Need(400_000, ""))
    assert found.commands[1] == command
    assert found.commands[0].split("/")[3] == KERNELS[kernel].core


def test_what_the_table_bears_is_its_size_through_the_timeout() -> None:
    lives = {life.setting: life for life in sizing(host("6.x", timeouts={"udp_timeout": 16}), None).lives}
    assert lives["tcp_timeout_time_wait"].rate == pytest.approx(262144 / 120)
    assert lives["udp_timeout"].rate == pytest.approx(262144 / 16)
    assert {life.setting: life.seconds for life in sizing(host("el7"), None).lives}["udp_timeout_stream"] == 180


@pytest.mark.parametrize(
    ("text", "octets"),
    [("512M", 512 << 20), ("64G", 64 << 30), ("64GiB", 64 << 30), ("1.5g", 3 << 29), ("2T", 2 << 40), ("4096", 4096)],
)
def test_sizes_are_read(text: str, octets: int) -> None:
    assert advice.size(text, "6.x").host.memory == octets


@pytest.mark.parametrize("text", ["", "64X", "0", "-1G", "G", "1G2"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="no size"):
        advice.size(text, "6.x")
