"""What is seen of the table of connections: text, terminal, JSON, Prometheus."""

from __future__ import annotations

import io
import json
import re

import pytest
from rich.console import Console

from rulec.host.conntrack.table import Service
from rulec.host.conntrack.watch import Moment, View
from rulec.report.watch import document, lines, screen
from rulec.report.watch_prometheus import text

WEB = Service("tcp", 80, "server", "", 700, (), 0, (), 0, 0, 0)
PING = Service("icmp echo", None, "client", "SNAT", 200, (), 0, (), 0, 0, 0)
COUNTERS = {"found": 1, "insert_failed": 2, "drop": 26, "early_drop": 3, "new": 4}
ROOM = View(Moment(5.0, 1000, 65536, COUNTERS), 12.5, {"drop": 0.0}, (WEB, PING), 1000, 0.0, ())
FULL = ROOM._replace(moment=Moment(5.0, 65536, 65536, COUNTERS), rates={"drop": 4.0})
FIRST = ROOM._replace(growth=None, rates={})


def shown(view: View, top: int = 10) -> str:
    return "\n".join(lines(view, top))


def test_text() -> None:
    assert shown(ROOM) == (
        "1,000 of 65,536 entries: 1.5%, +12.5 a second\n"
        "26 dropped, 3 evicted, 2 not inserted\n"
        "  tcp/80 server                                        700    70.0%\n"
        "  icmp echo client SNAT                                200    20.0%"
    )


def test_a_full_table_says_what_next() -> None:
    said = shown(FULL).replace("\n  ", " ")
    assert "26 dropped (+4.0 a second)" in said
    assert "packets are being dropped; next: rulec hot says what fills it" in said
    assert "rulec size" in said
    assert "next:" not in shown(ROOM)


@pytest.mark.parametrize(("entries", "words"), [(60000, "nearly full"), (65536, "the table is full: packets")])
def test_how_full(entries: int, words: str) -> None:
    assert words in shown(ROOM._replace(moment=ROOM.moment._replace(entries=entries)))


@pytest.mark.parametrize(
    ("growth", "words"), [(1000.0, ", full in 65 s"), (100.0, ", full in 11 min"), (1.0, "a second\n")]
)
def test_when_it_is_full_is_told_if_it_is_soon(growth: float, words: str) -> None:
    assert words in shown(ROOM._replace(growth=growth))


def test_what_is_not_known_is_not_made_up() -> None:
    bare = View(Moment(5.0, 7, 0, {}), None, {}, (), 0, 0.0, ("drops: nobody tells",))
    assert shown(bare) == "7 entries, no limit\ndrops: not known\nnot read: drops: nobody tells"
    found = json.loads(document(bare, 10, "1"))
    nothing = ("maximum", "growth_per_second", "full_in_seconds", "counters", "rates_per_second")
    assert all(found[name] is None for name in nothing)


def test_no_more_services_than_asked_for() -> None:
    assert "icmp" not in shown(ROOM, 1)
    assert len(json.loads(document(ROOM, 1, "1"))["services"]) == 1
    assert "icmp" not in text(ROOM, 1, False)


def test_json_is_one_line() -> None:
    written = document(FULL, 10, "1")
    assert "\n" not in written
    found = json.loads(written)
    assert (found["state"], found["entries"], found["counters"]["drop"]) == ("dropping", 65536, 26)
    assert found["services"][1] == {
        "protocol": "icmp echo", "port": None, "role": "client", "nat": "SNAT", "entries": 200, "share": 0.2,
    }  # fmt: skip


@pytest.mark.parametrize("view", [ROOM, FULL, FIRST])
def test_a_terminal_shows_the_same(view: View) -> None:
    stream = io.StringIO()
    Console(file=stream, width=100).print(screen(view, 10))
    printed = stream.getvalue()
    assert {"tcp/80 server", "700", "70.0%"} <= set(re.split(r"\s\s+", printed.replace("\n", "  ")))
    assert ("packets are being dropped" in printed) == (view is FULL)


METRIC = re.compile(r'[a-z_]+(?:\{[a-z]+="[^"\\]*"(?:,[a-z]+="[^"\\]*")*\})? -?\d+(?:\.\d+)?')


@pytest.mark.parametrize("view", [ROOM, FULL, FIRST])
def test_metrics_have_the_form_of_prometheus(view: View) -> None:
    written = text(view, 10, False)
    assert written.endswith("\n")
    names = []
    for line in written.splitlines():
        if line.startswith("# TYPE "):
            names.append(line.split()[2])
        assert line.startswith("# ") or (METRIC.fullmatch(line) and line.startswith(names[-1])), line
    assert len(names) == len(set(names))


def test_metrics_have_the_names_of_node_exporter_or_own_ones() -> None:
    written = text(FULL, 10, False)
    assert "\nnode_nf_conntrack_entries 65536\n" in written
    assert "\nnode_nf_conntrack_entries_limit 65536\n" in written
    assert "\nnode_nf_conntrack_stat_drop 26\n" in written
    assert '\nrulec_conntrack_state{state="dropping"} 1\n' in written
    assert '\nrulec_conntrack_service_entries{protocol="tcp",port="80",role="server",nat=""} 700\n' in written
    assert "stat_new" not in written
    own = text(FULL, 10, True)
    assert "node_" not in own
    assert "\nrulec_conntrack_stat_drop 26\n" in own


def test_growth_is_left_out_where_it_is_not_known() -> None:
    assert "growth" in text(ROOM, 10, False)
    assert "growth" not in text(FIRST, 10, False)
