"""The text about a table of connections fits a terminal, whatever the table holds."""

from __future__ import annotations

import json

import pytest

from rulec.host.conntrack.draft import drafts
from rulec.host.conntrack.lines import Missed
from rulec.report.hot import octets, render, unread
from tests.unit.host.conntrack.dumps import counted
from tests.unit.host.conntrack.test_table import CLIENT, HOST, flow

LONG = "2001:db8:1111:2222:3333:4444:5555:6666"
TEXT = (
    flow(CLIENT, HOST, dport=8080)
    + flow(HOST, LONG, dport=11371)
    + flow(LONG, LONG.replace("1111", "9999"), dport=443)
    + flow(CLIENT, HOST, dport=10051, back="src=10.0.0.5 dst=10.0.0.1 sport=443 dport=40000", state="SYN_RECV")
    + flow(CLIENT, HOST, dport=45000, state="LAST_ACK", unreplied="yes")
)


def test_eighty_columns() -> None:
    found = counted(TEXT, HOST)
    lines = list(render("a table", found, Missed(), drafts(found), None, 10, "full", "1"))
    assert [line for line in lines if len(line) > 80] == []
    assert any(line.startswith("  tcp/11371 hkp client 1 server") for line in lines)


def test_rows_stand_below_their_heads() -> None:
    found = counted(TEXT, HOST)
    lines = list(render("a table", found, Missed(), (), None, 10, "full", "1"))
    heads = next(line for line in lines if line.startswith("services"))
    rows = [line for line in lines if line.startswith("  tcp/")]
    assert {len(row) for row in rows} == {len(heads)}


def test_the_first_are_shown_and_the_rest_is_counted() -> None:
    found = counted(TEXT, HOST)
    lines = list(render("a table", found, Missed(), (), None, 1, "full", "1"))
    (more,) = (line for line in lines if " more " in line and "%" in line)
    assert more.split()[:3] == ["3", "more", "3"]


def test_json_has_all_counts() -> None:
    found = counted(TEXT, HOST)
    (text,) = render("a table", found, Missed(), drafts(found), None, 10, "json", "1")
    table = json.loads(text)["table"]
    assert table["entries"] == 5
    assert sum(one["entries"] for one in (*table["services"], *table["translated"])) == 5
    assert sum(table["states"].values()) == 5


def test_lines_that_are_no_entries_are_told_with_their_places() -> None:
    missed = Missed()
    for number in range(30):
        missed.add(number + 1, b"x" * 200)
    told = list(unread("table", missed, 0))
    assert told[0].startswith("table:1: no entry of a conntrack table: xxx")
    assert told[-1] == "table: 10 more lines are no entries"
    assert max(map(len, told)) < 130


@pytest.mark.parametrize(("said", "lines"), [(2, 1), (5, 0)])
def test_entries_that_conntrack_printed_and_that_are_missing(said: int, lines: int) -> None:
    missed = Missed()
    missed.add(9, b"conntrack v1.4.7 (conntrack-tools): %d flow entries have been shown.\n" % said)
    assert len(list(unread("table", missed, 5))) == lines


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (64 << 20, "64.0 MiB"), (3 << 40, "3072.0 GiB")],
)
def test_sizes(number: int, text: str) -> None:
    assert octets(number) == text
