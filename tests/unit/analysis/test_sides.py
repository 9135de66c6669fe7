"""Packets sent through a large table come out, and meet rules, as the sets of a small one say."""

from __future__ import annotations

from typing import Any

import pytest

import rulec
from rulec.analysis.sides import Met, Side, is_large, walk
from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import Space
from rulec.semantics.paths import PATHS
from rulec.semantics.place import Memory
from rulec.semantics.ruleset import Prepared, in_space

RULES = """*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 192.0.2.8
-A POSTROUTING -s 10.0.0.0/8 -o eth0 -j SNAT --to-source 198.51.100.1
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:inner - [0:0]
:logged - [0:0]
:outer - [0:0]
-A INPUT -m state --state ESTABLISHED -j ACCEPT
-A INPUT -s 10.0.0.0/8 -j outer
-A INPUT -d 10.0.0.0/8 -j outer
-A INPUT -p tcp -g logged
-A INPUT -p udp -j ACCEPT
-A FORWARD -p tcp -m recent --name seen --update --seconds 60 -j logged
-A FORWARD -s 10.0.0.0/8 -j outer
-A FORWARD -d 192.0.2.8/32 -j ACCEPT
-A OUTPUT -o lo -j ACCEPT
-A OUTPUT -p udp -j REJECT
-A inner -p tcp -m tcp --dport 22 -j ACCEPT
-A inner -p tcp -m tcp --dport 23 -j RETURN
-A inner -p tcp -m tcp --dport 25 -j DROP
-A logged -m limit --limit 1/sec -j LOG
-A logged -j DROP
-A outer -p udp -j RETURN
-A outer -j inner
-A outer -s 10.9.0.0/16 -g inner
-A outer -p tcp -m limit --limit 5/sec -j ACCEPT
COMMIT
"""


def in_both(job: Any) -> None:
    prepared = Prepared(rulec.parse(RULES, "rules", "ipv4"))

    def both(space: Space) -> None:
        memory, nothing = Memory(), space.variables(())
        small, large = (Side(walk(prepared, space, memory, not it), nothing, it) for it in (False, True))
        for path in PATHS:
            for packets in (space.everything, space.field("proto").equals(17), space.field("dport").between(20, 24)):
                job(small, large, path, packets)

    in_space((prepared,), both)


@pytest.fixture(autouse=True)
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rulec.analysis.sides.LARGE", -1)
    monkeypatch.setattr("rulec.semantics.walk.LARGE", -1)


def test_comes_out() -> None:
    def job(small: Side, large: Side, path: str, packets: PacketSet) -> None:
        assert large.alive(path, packets) == small.alive(path, packets)
        assert large.passing(path, packets) == small.passing(path, packets)

    in_both(job)


def test_meets_rules() -> None:
    def job(small: Side, large: Side, path: str, packets: PacketSet) -> None:
        assert together(large.met(path, packets, lambda step: True)) == together(
            small.met(path, packets, lambda step: True)
        )

    in_both(job)


def together(found: Any) -> dict[tuple[str, int], PacketSet]:
    """What each rule matches, all ways to it together."""
    sets: dict[tuple[str, int], PacketSet] = {}
    each: Met
    for each in found:
        key = (each.hook.name, each.step.line)
        sets[key] = sets[key] | each.packets if key in sets else each.packets
    return {key: packets for key, packets in sets.items() if not packets.is_empty()}


@pytest.mark.parametrize(("table", "rule", "is_one"), [("mangle", "POSTROUTING", False), ("raw", "OUTPUT", True)])
def test_is_large(table: str, rule: str, is_one: bool) -> None:
    """Rules behind a large table must know who gets to them, so there all packets are followed."""
    more = f"*{table}\n:{rule} ACCEPT [0:0]\n-A {rule} -p udp -j LOG\nCOMMIT\n"
    assert is_large(Prepared(rulec.parse(RULES + more, "rules", "ipv4"))) == is_one


def test_nobody_is_sent_through_a_large_table_for_rules_that_it_has_not(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = Prepared(rulec.parse(RULES, "rules", "ipv4"))

    def asked(space: Space) -> list[Met]:
        side = Side(walk(prepared, space, Memory(), False), space.variables(()), True)
        monkeypatch.setattr("rulec.semantics.alive.Alive.among", None)
        return list(side.met("input", space.everything, lambda step: step.extension == "TPROXY"))

    assert in_space((prepared,), asked) == []
