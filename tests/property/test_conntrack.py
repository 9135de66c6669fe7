"""Whatever a dump holds: nothing is raised, and every line is counted or told."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

import rulec.policy
from rulec.host.conntrack.draft import drafts, policy
from rulec.host.conntrack.own import Own
from rulec.host.conntrack.own import given as named
from rulec.host.conntrack.table import table
from rulec.host.conntrack.tally import tally
from rulec.report.hot import render, unread
from tests.unit.host.conntrack.dumps import FORMS, XML

PIECES = st.sampled_from(
    [b"", b" ", b"9" * 5000, b"src=", b"::", b"300.1.1.1", b"\xff", b"<", b"</flow>", b"-", b"\0", b"["]
)


@st.composite
def edited(draw: st.DrawFn, text: bytes) -> bytes:
    """A text with some pieces put in place of others."""
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(text)))
        text = text[:start] + draw(PIECES) + text[start + draw(st.integers(0, 12)) :]
    return text


SOUND = st.sampled_from([form.encode() for form in FORMS.values()])
ADDRESSES = st.sampled_from([b"300.1.1.1", b"2:::1", b"::", b"127.0.0.1", b"2001:db8::10", b"1.2.3.4.5"])


@st.composite
def renamed(draw: st.DrawFn, text: bytes) -> bytes:
    """A text in which the hosts have other addresses, some of them none."""
    return text.replace(b"198.51.100.7", draw(ADDRESSES)).replace(b"192.0.2.10", draw(ADDRESSES))


LINES = st.lists(st.one_of(SOUND.flatmap(edited), SOUND.flatmap(renamed)), max_size=6)
OWN = st.sampled_from([None, named(["192.0.2.10"]), named(["192.0.2.0/24", "2001:db8::/32"])])


def counted(lines: list[bytes], own: Own | None) -> tuple[int, int]:
    """How many entries there are, and how many lines that are none; all that can be said of them is said."""
    found = tally(iter([lines]), lambda _: own, "peer")
    shown = table(found, "peer", 256)
    proposed = drafts(shown)
    for form in ("full", "json"):
        assert list(render("dump", shown, found.missed, proposed, None, 10, form, "1"))
    assert len(list(unread("dump", found.missed, shown.entries))) <= 22
    if any(draft.is_taken for draft in proposed):
        assert rulec.policy.read(policy(proposed, shown, "dump"), "hot.yaml")[1] == []
    return shown.entries, found.missed.count


@given(LINES, OWN)
def test_every_line_is_counted_or_told(lines: list[bytes], own: Own | None) -> None:
    whole = b"\n".join(lines).splitlines(keepends=True)
    if whole and whole[0].lstrip().startswith(b"<"):
        whole = [b"x\n", *whole]  # what begins so is XML
    entries, missed = counted(whole, own)
    assert entries + missed == sum(bool(line.strip()) for line in whole)


@given(st.one_of(edited(XML.encode() * 2), renamed(XML.encode())), OWN)
def test_no_xml_is_too_strange(text: bytes, own: Own | None) -> None:
    entries, missed = counted(text.splitlines(keepends=True), own)
    assert entries + missed > 0
