"""Whatever the text, ``read`` answers: a policy, or findings that lie in the text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rulec.policy import read
from tests.unit.policy.cases import TOP, WEB

EVERY_KEY = (
    "version mode losses dialect fragments ephemeral icmp-errors loopback hot name role protocol ports servers"
    " clients client-ports interface families reserved << client_ports"
).split()
WORDS = (
    "1 notrack stateless refuse accept ct leave exact wide tracked hot server client forward tcp udp icmp any 80 0"
    " https 32768-60999 1-65535 90-80 192.0.2.1 10.0.0.0/8 2001:db8::1 10.0.0.1-10.0.0.9 ipv4 ipv6 true false lo"
    " eth0 *a &a !!x"
).split()
MARKS = (
    "\n",
    "\n  ",
    "\n  - ",
    "\n    ",
    ": ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "'",
    '"',
    "#",
    "|",
    ">",
    "\t",
    "---\n",
    "\r\n",
)


def check(text: str) -> None:
    policy, findings = read(text, "p.yaml")
    assert (policy is None) == bool(findings)
    for finding in findings:
        for label in finding.labels:
            assert 0 <= label.span.start <= label.span.end <= len(text)
        assert finding.message
        assert (finding.line, finding.column) <= (finding.end_line, finding.end_column)
    assert findings == sorted(findings, key=lambda finding: finding.place.span)
    str(findings)


@given(st.text(st.characters(exclude_categories=())))
def test_any_text(text: str) -> None:
    check(text)


@given(st.binary())
def test_any_bytes(data: bytes) -> None:
    check(data.decode("utf-8", "surrogateescape"))


@given(st.lists(st.sampled_from([*EVERY_KEY, *WORDS, *MARKS])).map("".join))
def test_pieces_of_policies(text: str) -> None:
    check(text)
    check(TOP + WEB + text)


@given(st.data())
def test_a_policy_with_a_stretch_replaced(data: st.DataObject) -> None:
    text = TOP + WEB + "  - {name: b, role: client, protocol: [udp], ports: domain, client-ports: 1024-65535}\n"
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    check(text[:start] + data.draw(st.text(max_size=5)) + text[end:])


SCALARS = st.sampled_from(WORDS) | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS.map(lambda text: "'" + text.replace("'", "''") + "'") | st.sampled_from(["", "~"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(st.sampled_from(EVERY_KEY), inner, max_size=3).map(
            lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs.items()) + "}"
        )
    ),
    max_leaves=12,
)
ENTRY = st.dictionaries(st.sampled_from(EVERY_KEY), VALUES, max_size=8).map(
    lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs.items()) + "}"
)


@given(st.lists(ENTRY | VALUES, max_size=4), st.dictionaries(st.sampled_from(EVERY_KEY), VALUES, max_size=4))
def test_any_value_under_any_key(entries: list[str], top: dict[str, str]) -> None:
    lines = [f"{key}: {value}\n" for key, value in top.items()]
    hot = "hot:\n" + "".join(f"  - {entry}\n" for entry in entries)
    check("".join(lines) + hot)
