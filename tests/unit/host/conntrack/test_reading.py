"""Entries are read in every form, and what is none is told."""

from __future__ import annotations

import pytest

from rulec.host.conntrack.lines import Entry, Missed, entries
from rulec.host.conntrack.xml import flows
from tests.unit.host.conntrack.dumps import FORMS, WEB, XML, blocks


def read(text: str) -> tuple[list[Entry], Missed]:
    missed = Missed()
    how = flows if text.lstrip().startswith("<") else entries
    return [Entry(*found) for found in how(blocks(text), missed)], missed  # type: ignore[arg-type]


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_lines(form: str) -> None:
    (entry,), missed = read(FORMS[form] + "\n")
    assert missed.count == 0
    assert (entry.protocol, entry.timeout, entry.state) == (b"6", b"431999", b"ESTABLISHED")
    assert (entry.src, entry.sport, entry.dst, entry.dport) == (b"198.51.100.7", b"40000", b"192.0.2.10", b"80")
    assert (entry.reply_src, entry.reply_sport) == (entry.dst, entry.dport)
    assert (entry.reply_dst, entry.reply_dport) == (entry.src, entry.sport)
    assert entry.unreplied is None


@pytest.mark.parametrize("text", [XML, XML.replace("\n", ""), XML.replace("><", ">\n  <"), XML[XML.index("<flow>") :]])
def test_xml_however_it_is_broken(text: str) -> None:
    (entry,), missed = read(text)
    assert missed.count == 0
    (line,), _ = read(FORMS["plain"])
    assert entry._replace(rest=None) == line._replace(rest=None)


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        (
            "ipv4     2 udp      17 29 src=10.0.0.2 dst=10.0.0.1 sport=3 dport=53 zone-orig=8 [UNREPLIED]"
            " src=10.0.0.1 dst=10.0.0.2 sport=53 dport=3 mark=0 use=2",
            {"protocol": b"17", "state": None, "zone": b"8", "unreplied": b"[UNREPLIED] ", "dport": b"53"},
        ),
        (
            "ipv4     2 icmp     1 29 src=10.0.0.2 dst=10.0.0.1 type=8 code=0 id=9 src=10.0.0.1 dst=10.0.0.2"
            " type=0 code=0 id=9 mark=0 zone=0 use=2",
            {"protocol": b"1", "kind": b"8", "dport": None},
        ),
        (
            "ipv6     10 icmpv6   58 30 src=fd77:0000:0000:0000:0000:0000:0000:0001"
            " dst=fd77:0000:0000:0000:0000:0000:0000:0002 type=128 code=0 id=8738"
            " src=fd77:0000:0000:0000:0000:0000:0000:0002 dst=fd77:0000:0000:0000:0000:0000:0000:0001"
            " type=129 code=0 id=8738 mark=0 zone=0 use=2",
            {"protocol": b"58", "kind": b"128", "src": b"fd77:0000:0000:0000:0000:0000:0000:0001"},
        ),
        (
            "ipv4     2 gre      47 29 timeout=30, stream_timeout=180 src=10.0.0.2 dst=10.0.0.1 srckey=0x0"
            " dstkey=0x5 packets=1 bytes=28 [UNREPLIED] src=10.0.0.1 dst=10.0.0.2 srckey=0x5 dstkey=0x0"
            " packets=0 bytes=0 mark=0 zone=0 use=2",
            {"protocol": b"47", "dport": None, "timeout": b"29"},
        ),
        (
            "unknown  50 599 src=10.0.0.2 dst=10.0.0.1 [UNREPLIED] src=10.0.0.1 dst=10.0.0.2 mark=0 use=1",
            {"protocol": b"50", "dport": None},
        ),
        (
            "tcp      6 59 CLOSE_WAIT src=fd77::2 dst=fd77::1 sport=35946 dport=21 src=fd77::1 dst=fd77::2"
            " sport=21 dport=35946 [ASSURED] mark=0 helper=ftp use=1",
            {"src": b"fd77::2", "state": b"CLOSE_WAIT"},
        ),
    ],
)
def test_fields(line: str, fields: dict[str, bytes | None]) -> None:
    (entry,), missed = read(line)
    assert missed.count == 0
    assert {name: getattr(entry, name) for name in fields} == fields


@pytest.mark.parametrize(
    ("line", "protocol", "unreplied"),
    [
        ("-A -t 29 -u UNSET -s 10.0.0.2 -d 10.0.0.1 -r 10.0.0.1 -q 10.0.0.2 -p gre --srckey 0 --dstkey 5", b"47", True),
        ("-A -t 599 -u UNSET -s 10.0.0.2 -d 10.0.0.1 -r 10.0.0.1 -q 10.0.0.2 -p 50", b"50", True),
        ("-A -t 29 -u SEEN_REPLY -s fd77::2 -d fd77::1 -r fd77::1 -q fd77::2 -p icmpv6", b"58", False),
    ],
)
def test_what_conntrack_saves(line: str, protocol: bytes, unreplied: bool) -> None:
    (entry,), missed = read(line)
    assert (missed.count, entry.protocol, entry.dport) == (0, protocol, None)
    assert bool(entry.unreplied) is unreplied


@pytest.mark.parametrize(
    "broken",
    [WEB[:60], WEB.replace("dport=80", "dport=http"), WEB.replace(" src=192", " srd=192"), "-A INPUT -j ACCEPT", "7"],
)
def test_lines_that_are_no_entries_are_told_and_counted(broken: str) -> None:
    found, missed = read(f"{WEB} use=1\n{broken}\n\n{WEB} use=1\n")
    assert len(found) == 2
    assert missed.count == 1
    assert missed.first == [(2, broken)]


def test_all_are_counted_and_the_first_are_kept() -> None:
    _, missed = read("nothing\n" * 50)
    assert (missed.count, len(missed.first), missed.first[-1].line) == (50, 20, 20)


def test_a_flow_of_xml_that_ends_early_is_told_with_its_line() -> None:
    found, missed = read(XML + XML[: XML.index("</flow>")])
    assert len(found) == 1
    assert missed.first[0].line == 7


def test_what_conntrack_says_itself_is_no_entry() -> None:
    said = "conntrack v1.4.7 (conntrack-tools): 1 flow entries have been shown."
    for text in (f"{said}\n{WEB} use=1\n", f"{XML.strip()}{said}\n"):
        found, missed = read(text)
        assert (len(found), missed.count, missed.said) == (1, 0, 1)
