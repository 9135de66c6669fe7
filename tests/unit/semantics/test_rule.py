"""What a rule asks of packets, all of them or a few."""

from __future__ import annotations

import pytest

from rulec.model import Family
from rulec.semantics.place import Hook, Memory, Place, Values
from rulec.semantics.rule import asked, asked_of_few, matching
from tests.unit.semantics.asking import matched, place, rule_of, space

RULES = (
    "-j ACCEPT",
    "-s 192.0.2.0/24 -j DROP",
    "-s 192.0.2.7 -p tcp -m tcp --dport 22 -j ACCEPT",
    "! -s 192.0.2.0/25 -m mac --mac-source 00:16:3e:00:00:01 -j RETURN",
    "-i eth0 -m conntrack --ctstate NEW -j ACCEPT",
    "-o eth0 -j ACCEPT",
    "-m limit --limit 1/s -j ACCEPT",
)


@pytest.mark.parametrize("few", ["-s 192.0.2.7", "-p tcp --syn", "-d 203.0.113.1 -p udp --dport 53", "-o eth0"])
@pytest.mark.parametrize("text", RULES)
def test_of_a_few_packets_the_same_match(text: str, few: str) -> None:
    rule, memory = rule_of(text, chain="FORWARD"), Memory()
    care = matched(few, place(at="forward FORWARD"))
    here = [
        Place(space(Family.IPV4), Family.IPV4, Hook("forward", "FORWARD", "mangle"), Values({}), memory, "", care)
        for _ in range(3)
    ]
    assert asked_of_few(rule, here[0]).packets == asked(rule, here[1]).packets & care == matching(rule, here[2]) & care
