"""The table of connections from moment to moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from rulec.errors import InputError
from rulec.host.conntrack import watch
from rulec.host.conntrack.here import machine
from rulec.host.conntrack.own import Own
from rulec.host.conntrack.table import Service, Table
from rulec.host.conntrack.watch import Moment, View, Watch, counters, of_conntrack, of_proc

WEB = Service("tcp", 80, "server", "", 3, (), 0, (), 0, 0, 0)
TABLE = Table(4, Own((), ""), (WEB,), (), (), (), "peer", (), 0, (), 256)
STAT = """\
entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop icmp_error  search_restart
0000001e  00000000 00000001 00000000 00000000 00000000 00000000 00000000 00000000 00000002 0000000a 00000001 00000000  00000000
0000001e  00000000 00000001 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000010 00000000 00000000  00000000
"""  # noqa: E501  (as the kernel prints it)
LISTED = (
    "cpu=0   \tfound=1 insert_failed=2 drop=10 early_drop=1 \ncpu=1   \tfound=1 insert_failed=0 drop=16 early_drop=0 \n"
)


def views(*moments: Moment, table: Callable[[], Table] | None = None) -> list[View]:
    following = iter(moments)
    reader = Watch(table, lambda: next(following), iter(range(1000)).__next__)
    return [reader.look() for _ in moments]


def moment(at: float, entries: int, most: int = 100, **counted: int) -> Moment:
    return Moment(at, entries, most, counted or {"drop": 0})


def test_the_counters_of_all_processors_are_added_up() -> None:
    found = of_proc(STAT)
    assert (found["drop"], found["insert_failed"], found["early_drop"]) == (26, 2, 1)
    assert "entries" not in found


def test_both_forms_tell_the_same() -> None:
    assert of_conntrack(LISTED).items() <= of_proc(STAT).items()


@pytest.mark.parametrize("text", ["", "\n", "entries drop\n", "entries drop\nzz 00000001 00000002\n"])
def test_what_is_odd_is_no_counter(text: str) -> None:
    assert set(of_proc(text)) <= {"drop"}


def test_the_file_of_the_kernel_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "conntrack_counters", lambda: "cpu=0 drop=7\n")
    assert counters(tmp_path) == {"drop": 7}
    (tmp_path / "stat").mkdir()
    (tmp_path / "stat/ip_conntrack").write_text(STAT)
    assert counters(tmp_path)["drop"] == 26


def test_growth_and_rates_are_per_second() -> None:
    first, second = views(moment(10, 40, drop=5), moment(12, 50, drop=9))
    assert (first.growth, first.rates, first.part) == (None, {}, 0.4)
    assert (second.growth, second.rates) == (5, {"drop": 2})
    assert second.full_in == 10


@pytest.mark.parametrize(
    ("entries", "most", "drop", "state"),
    [
        (0, 100, 0, "room"), (89, 100, 0, "room"), (90, 100, 0, "near"), (100, 100, 0, "full"), (120, 100, 0, "full"),
        (10, 100, 1, "dropping"), (500, 0, 0, "room"), (500, 0, 1, "dropping"),
    ],
)  # fmt: skip
def test_how_full_it_is(entries: int, most: int, drop: int, state: str) -> None:
    *_, found = views(moment(1, entries, most), moment(2, entries, most, drop=drop))
    assert found.state == state


@pytest.mark.parametrize(("before", "after", "most"), [(50, 40, 100), (50, 50, 100), (90, 100, 100), (1, 9, 0)])
def test_what_does_not_grow_or_has_no_limit_or_no_room_is_never_full(before: int, after: int, most: int) -> None:
    *_, found = views(moment(1, before, most), moment(2, after, most))
    assert found.full_in is None


def test_counters_that_went_back_are_no_rates() -> None:
    *_, found = views(moment(1, 1, drop=9), moment(2, 1, drop=1))
    assert found.rates == {"drop": 0}


def test_two_looks_at_one_moment_have_no_rates() -> None:
    *_, found = views(moment(1, 1, drop=9), moment(1, 2, drop=10))
    assert (found.growth, found.rates) == (None, {})


def test_the_table_is_read_again_after_ten_times_as_long_as_it_took() -> None:
    times: list[float] = []
    clock: Iterator[float] = iter(float(second) for second in range(1000))

    def table() -> Table:
        times.append(0)
        return TABLE

    reader = Watch(table, lambda: moment(1, 4), clock.__next__)
    found = [reader.look() for _ in range(20)]
    assert 1 < len(times) < 10
    assert all((view.services, view.read) == ((WEB,), 4) for view in found)
    assert max(view.age for view in found) > 1


def test_without_services_nothing_is_read() -> None:
    (found,) = views(moment(1, 4))
    assert (found.services, found.unread) == ((), ())


def test_what_cannot_be_read_is_told_and_the_rest_goes_on() -> None:
    def table() -> Table:
        raise InputError("/proc/net/nf_conntrack: only root may read it")

    (found,) = views(Moment(1, 4, 100, {}), table=table)
    assert found.moment.entries == 4
    assert found.unread[0] == "services: /proc/net/nf_conntrack: only root may read it"
    assert found.unread[1].startswith("drops: this kernel has no /proc/net/stat/nf_conntrack")


@pytest.mark.parametrize("setting", [None, 7])
def test_there_is_something_to_watch_where_tracking_is_loaded(
    setting: int | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    known = machine()._replace(entries=setting, most=setting)
    counted: Mapping[str, int] = {}
    monkeypatch.setattr(watch, "machine", lambda: known)
    monkeypatch.setattr(watch, "conntrack_counters", lambda: "")
    if setting is None:
        with pytest.raises(InputError, match="not loaded here"):
            watch.now(tmp_path)
    else:
        assert watch.now(tmp_path)[1:] == (7, 7, counted)
