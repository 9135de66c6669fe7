"""The way of one packet is what the packet sets say of it: the same rules met, the same answers, the same verdict."""

from __future__ import annotations

from functools import partial

from hypothesis import given, reject
from hypothesis import strategies as st

import rulec
from rulec.errors import Undecided
from rulec.packetset.fields import INTERFACES
from rulec.packetset.packet import Packet, read_packet
from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import Space
from rulec.query.trace import trace
from rulec.query.trace_events import Hook, Policy, Rule, Trace
from rulec.query.trace_packet import Granted, course
from rulec.semantics.reach import Reach
from rulec.semantics.ruleset import Prepared, in_space, meaning

MEMORY = 32 << 20
CONDITIONS = (
    "", "-p tcp", "-p tcp --dport 80", "-p tcp --dport 1:1023", "-p udp", "-s 198.51.100.0/24", "! -d 192.0.2.1",
    "-m conntrack --ctstate NEW", "-m conntrack ! --ctstate NEW,ESTABLISHED", "-m conntrack --ctstate UNTRACKED",
    "-m limit --limit 5/min", "-m set --match-set blocked src", "-m mark --mark 1/1", "-p tcp --syn",
    "-m conntrack --ctstate NEW --ctorigdst 192.0.2.1", "-m ttl --ttl-lt 9",
    "-m statistic --mode random --probability 0.5",
)  # fmt: skip
ENDS = ("ACCEPT", "DROP", "RETURN", "one", "two", "LOG", "")
TARGETS = {
    "raw": (*ENDS, "NOTRACK", "CT --zone 3"),
    "mangle": (*ENDS, "MARK --set-xmark 1/3", "MARK --or-mark 2", "TTL --ttl-set 7", "CONNMARK --restore-mark"),
    "filter": (*ENDS, "REJECT"),
}
BASE = {
    "raw": ("PREROUTING", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
}
NAT = (
    "-A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 192.0.2.9:8080",
    "-A PREROUTING -p tcp --dport 80 -j ACCEPT",
    "-A POSTROUTING -o eth1 -j MASQUERADE", "-A OUTPUT -d 192.0.2.1 -j DNAT --to-destination 192.0.2.9",
)  # fmt: skip
PACKETS = (
    "tcp 198.51.100.7:40000 > 192.0.2.1:80 syn in eth0 state NEW",
    "tcp 198.51.100.7:40000 > 192.0.2.1:80 ack in eth0 state ESTABLISHED",
    "tcp 198.51.100.7:40000 > 192.0.2.1:80 ack in eth0",
    "tcp * > 192.0.2.1 in eth0 state NEW mark 0x2",
    "udp 198.51.100.7:40000 > 192.0.2.1:53 in eth0 out eth1 state NEW ttl 5",
    "tcp 192.0.2.1:80 > 198.51.100.7:40000 syn,ack out eth0 state ESTABLISHED reply",
    "tcp * > * out eth0",
    "any * > * in lo state UNTRACKED",
)


@st.composite
def chains(draw: st.DrawFn, table: str) -> str:
    """A table: base chains call ``one`` and ``two``, and ``one`` calls ``two``."""
    lines = [f"*{table}", ":one -", ":two -"]
    names = draw(st.lists(st.sampled_from((*BASE[table], "one", "two")), min_size=1, max_size=9))
    for name in names:
        allowed = [end for end in TARGETS[table] if end not in {"one": ("one",), "two": ("one", "two")}.get(name, ())]
        target = draw(st.sampled_from([end for end in allowed if end != "REJECT" or name in ("INPUT", "one", "two")]))
        jump = draw(st.sampled_from(("-j", "-g"))) if target in ("one", "two") else "-j"
        lines.append(f"-A {name} {draw(st.sampled_from(CONDITIONS))} {f'{jump} {target}' if target else ''}")
    policy = draw(st.sampled_from(("ACCEPT", "DROP")))
    lines.insert(1, f":{BASE[table][0]} {policy} [0:0]")
    return "\n".join([*lines, "COMMIT\n"])


@st.composite
def rulesets(draw: st.DrawFn) -> str:
    tables = draw(st.lists(st.sampled_from(sorted(TARGETS)), min_size=1, max_size=3, unique=True))
    nat = draw(st.lists(st.sampled_from(NAT), max_size=2, unique=True))
    rules = "\n".join(nat)
    return "".join(draw(chains(table)) for table in tables) + (f"*nat\n{rules}\nCOMMIT\n" if nat else "")


@given(rulesets(), st.sampled_from(PACKETS))
def test_agrees_with_packet_sets(text: str, said: str) -> None:
    ruleset = rulec.parse(text, family="ipv4")
    assert ruleset.valid, ruleset.findings
    packet, prepared = read_packet(said), Prepared(ruleset)
    names = frozenset(str(packet[name]) for name in INTERFACES if name in packet)
    try:
        (traced,) = trace(ruleset, [packet], memory=MEMORY)
        expected = in_space((prepared,), partial(foretold, prepared, packet), MEMORY, names)
    except Undecided:
        reject()  # no answer is none to compare
    assert told(traced) == expected


Told = tuple[dict[tuple[str, str, int], str], str]
"""The answer of each rule that is met, by path, hook and line; policies count as matched; and the verdict."""


def told(traced: Trace) -> Told:
    """What the trace says."""
    found: dict[tuple[str, str, int], set[str]] = {}
    at = ("", "")
    for event in traced.events:
        if isinstance(event, Hook):
            at = (event.path, event.name)
        elif isinstance(event, Rule):
            found.setdefault((*at, event.line), set()).add(event.answer)
        elif isinstance(event, Policy):
            found.setdefault((*at, 0), set()).add(event.table)
    answers = {place: found[place].pop() if len(found[place]) == 1 else "open" for place in found if place[2]}
    ends = {place: " ".join(sorted(found[place])) for place in found if not place[2]}
    return {**answers, **ends}, traced.verdict


def foretold(prepared: Prepared, packet: Packet, space: Space) -> Told:
    """What the packet sets say."""
    chosen = course(packet)
    moves = any(step.extension == "DNAT" for one in prepared.programs.values() for step in one.steps())
    packets = Granted(packet, chosen, moves).packets(space)
    ways = [way for way in meaning(prepared, space).ways if way.path in chosen.paths]
    met: dict[tuple[str, str, int], list[tuple[PacketSet, PacketSet]]] = {}
    ends: dict[tuple[str, str, int], set[str]] = {}
    dropped = False
    for way in ways:
        for reach in way.reaches:
            place = (reach.hook.path, reach.hook.name, reach.step.line)
            met.setdefault(place, []).append((reach.arrives & packets, reach.matches & packets))
            dropped |= drops(reach, packets)
        for policy in way.policies:
            if policy.arrives.meets(packets):
                ends.setdefault((policy.hook.path, policy.hook.name, 0), set()).add(policy.hook.table)
                dropped |= policy.policy == "DROP"
    answers = {
        place: answer(space.union(one for one, _ in sets), space.union(hit for _, hit in sets))
        for place, sets in met.items()
    }
    verdicts = {"DROP"} if dropped else set()
    verdicts |= {"ACCEPT"} if any(way.accepted.meets(packets) for way in ways) else set()
    verdict = "depends" if len(verdicts) > 1 else min(verdicts or {"DROP"})
    known = {place: one for place, one in answers.items() if one}
    return {**known, **{place: " ".join(sorted(tables)) for place, tables in ends.items()}}, verdict


def drops(reach: Reach, packets: PacketSet) -> bool:
    ends = reach.step.verdict == "DROP" or reach.step.extension == "REJECT"
    return ends and reach.matches.meets(packets)


def answer(arriving: PacketSet, matching: PacketSet) -> str:
    """What is said of a rule that some packets meet; empty where none does."""
    if arriving.is_empty():
        return ""
    return "no" if matching.is_empty() else "yes" if matching == arriving else "open"
