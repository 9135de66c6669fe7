"""Compiling what was compiled changes nothing, and the result is only ever the old ruleset and more."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from rulec.errors import Refused
from rulec.model import Family
from rulec.policy import Policy
from tests.unit.compiler.compiling import compiled, filtered, policy, server

SOURCES = st.sampled_from(["", "-i eth0 ", "! -i lo ", "-p tcp ", "-p udp "])
PORTS = st.sampled_from(["-p tcp -m tcp --dport 80", "-p tcp -m multiport --dports 80,443", "-p udp -m udp --dport 53"])
STATES = st.sampled_from(["NEW", "NEW,ESTABLISHED", "NEW,UNTRACKED", "NEW,RELATED,ESTABLISHED"])

KNOWN = st.builds("-A INPUT {}-m state --state {} -j ACCEPT".format, SOURCES, st.sampled_from(["RELATED,ESTABLISHED"]))
DROPPED = st.builds("-A INPUT {}-m conntrack --ctstate {} -j DROP".format, SOURCES, st.just("INVALID"))
FIRST = st.builds("-A INPUT {} -m conntrack --ctstate {} -j ACCEPT".format, PORTS, STATES)
PLAIN = st.builds("-A INPUT {} -j {}".format, PORTS, st.sampled_from(["ACCEPT", "DROP", "LOG"]))
OTHERS = st.sampled_from(
    ["-A INPUT -i lo -j ACCEPT", "-A INPUT -m comment --comment x", "# a comment", "-A INPUT -j DROP"]
)

RULES = st.lists(st.one_of(KNOWN, DROPPED, FIRST, PLAIN, OTHERS), min_size=1, max_size=8)
HEADS = st.sampled_from(["", "*raw\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n", "*mangle\n:INPUT ACCEPT [0:0]\nCOMMIT\n"])


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    dialect = draw(st.sampled_from(["ct", "notrack"]))
    errors = draw(st.sampled_from(["exact", "leave"]))
    entries = [server(80, more=f"icmp-errors: {errors}"), server(53, protocol="udp", name="dns")]
    chosen = draw(st.sampled_from([entries[:1], entries[1:], entries]))
    return policy(*chosen, head=f"mode: notrack\ndialect: {dialect}\n")


@given(RULES, HEADS, st.sampled_from(["DROP", "ACCEPT"]), policies(), st.sampled_from(Family))
def test_compiling_again(rules: list[str], head: str, verdict: str, wanted: Policy, family: Family) -> None:
    text = head + filtered("\n".join(["-A INPUT -m state --state ESTABLISHED -j ACCEPT", *rules]), verdict)
    try:
        once = compiled(text, wanted, family).text
    except Refused:
        assume(False)
    assert compiled(once, wanted, family).text == once


@given(RULES, HEADS, policies())
def test_nothing_is_lost(rules: list[str], head: str, wanted: Policy) -> None:
    """Without UNTRACKED and the new lines, the result is the old text but for the place of the raw table."""
    text = head + filtered("\n".join(rules))
    try:
        once = compiled(text, wanted).text
    except Refused:
        assume(False)
    left = once.replace(",UNTRACKED", "").splitlines()
    for line in text.replace(",UNTRACKED", "").splitlines():
        left.remove(line)
    kinds = ("-A PREROUTING ! -i lo", "-A OUTPUT ! -o lo", "# ", "*raw", ":", "COMMIT")
    assert all(line.startswith(kinds) or "-m u32" in line or "--ctstate UNTRACKED" in line for line in left)
