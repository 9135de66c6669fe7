"""Sets of ipset(8): what they say of who asks they say of whom the answer is for."""

from __future__ import annotations

import pytest

import rulec
from rulec.compiler.prove import SETS_BOTH_WAYS, prove
from tests.unit.compiler.compiling import policy, server

WEB = policy(server(80, more="icmp-errors: leave"))
HEAD = ":INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT DROP [0:0]"
KNOWN = "-m conntrack --ctstate ESTABLISHED -j ACCEPT"
RAW = """\
*raw
-A PREROUTING ! -i lo -p tcp --dport 80 -m addrtype --dst-type LOCAL -j CT --notrack
-A OUTPUT ! -o lo -p tcp --sport 80 -j CT --notrack
COMMIT
"""


def filtered(asked: str, states: str = "NEW", *more: str) -> str:
    """A server that asks a set whom to let in, with OUTPUT filtered."""
    first = f"-A INPUT -p tcp --dport 80 {asked} -m conntrack --ctstate {states} -j ACCEPT"
    return "\n".join(["*filter", HEAD, f"-A INPUT {KNOWN}", first, *more, f"-A OUTPUT {KNOWN}", "COMMIT", ""])


def answers(asked: str) -> str:
    flags = "! --tcp-flags SYN,ACK SYN"
    return f"-A OUTPUT ! -o lo -p tcp --sport 80 {flags} {asked} -m conntrack --ctstate UNTRACKED,INVALID -j ACCEPT"


@pytest.mark.parametrize(
    ("asked", "answered", "parts"),
    [
        ("-m set --match-set good src", "-m set --match-set good dst", set()),
        ("-m set ! --match-set bad src", "-m set ! --match-set bad dst", set()),
        ("-m set --match-set pairs src,dst", "-m set --match-set pairs dst,src", set()),
        ("-m set --match-set good src", "", {"opened"}),
        ("-m set --match-set good src", "-m set --match-set others dst", {"kept", "opened"}),
        ("-m set --match-set good src", "-m set --match-set good src", {"kept", "opened"}),
        ("-m set --match-set good src", "-m set ! --match-set good dst", {"kept", "opened"}),
        ("-m set --match-set pairs src,dst", "-m set --match-set pairs src,dst", {"kept", "opened"}),
    ],
)
def test_the_sides_are_exchanged(asked: str, answered: str, parts: set[str]) -> None:
    texts = filtered(asked), filtered(asked, "NEW,UNTRACKED", answers(answered)) + RAW
    old, new = (rulec.parse(text, family="ipv4") for text in texts)
    certificate = prove(old, new, WEB)
    assert {failure.part for failure in certificate.failures} == parts, certificate.failures
    if not parts:
        assert SETS_BOTH_WAYS in certificate.assumptions
