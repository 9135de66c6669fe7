"""How packets go through chains, tables and hooks."""

from __future__ import annotations

import pytest

import rulec
from rulec.errors import Undecided
from rulec.model import Family
from rulec.packetset.fields import TRACKED_STATES
from rulec.packetset.packet import as_set, read_packet
from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import Space
from rulec.semantics import walk
from rulec.semantics.order import orders
from rulec.semantics.place import Memory
from rulec.semantics.ruleset import Meaning, Prepared, in_space, meaning

ORDINARY = "first=1 later_fragment=0 prior=nothing mark 0"
WEB = "tcp 198.51.100.7:40000 > 192.0.2.1:80 syn in eth0 to local state NEW"
SSH = "tcp 198.51.100.7:40000 > 192.0.2.1:22 syn in eth0 to local state NEW"


def prepared(text: str, family: str = "ipv4") -> Prepared:
    ruleset = rulec.parse(text, family=family)
    assert ruleset.valid, ruleset.findings
    return Prepared(ruleset)


def filtering(*rules: str, chains: str = "", policy: str = "DROP") -> Prepared:
    lines = [f":INPUT {policy} [0:0]", *(f":{name} - [0:0]" for name in chains.split()), *rules]
    return prepared("*filter\n" + "".join(f"{line}\n" for line in lines) + "COMMIT\n")


def walked(one: Prepared) -> Meaning:
    return in_space((one,), lambda space: meaning(one, space), interfaces=frozenset(("eth0", "eth1")))


def packets(space: Space, text: str) -> PacketSet:
    return as_set(read_packet(text), space)


def fate(one: Prepared, text: str, path: str = "input") -> str:
    """Whether a packet passes: yes, no, or perhaps."""
    found = walked(one)
    way = found.way(path)
    asked = packets(found.space, f"{text} {ORDINARY}") & way.enters & way.guesses
    assert not asked.is_empty(), text
    if not asked.meets(way.accepted):
        return "no"
    return "perhaps" if asked.meets(~way.accepted) else "yes"


CHAINS = [
    ("the policy decides in the end", filtering(), "no"),
    ("a policy may accept", filtering(policy="ACCEPT"), "yes"),
    ("a rule accepts", filtering("-A INPUT -p tcp --dport 80 -j ACCEPT"), "yes"),
    ("the first rule decides", filtering("-A INPUT -p tcp -j DROP", "-A INPUT -p tcp -j ACCEPT"), "no"),
    ("REJECT ends the way", filtering("-A INPUT -j REJECT", "-A INPUT -j ACCEPT"), "no"),
    ("LOG does not", filtering("-A INPUT -j LOG", "-A INPUT -j ACCEPT"), "yes"),
    ("a chain accepts for its caller", filtering("-A INPUT -j A", "-A A -j ACCEPT", chains="A"), "yes"),
    ("a chain that ends returns", filtering("-A INPUT -j A", "-A INPUT -j ACCEPT", chains="A"), "yes"),
    ("RETURN returns", filtering("-A INPUT -j A", "-A INPUT -j ACCEPT", "-A A -j RETURN", "-A A -j DROP", chains="A"),
     "yes"),
    ("RETURN from a base chain is its policy", filtering("-A INPUT -j RETURN", "-A INPUT -j ACCEPT"), "no"),
    ("goto does not come back", filtering("-A INPUT -g A", "-A INPUT -j ACCEPT", chains="A"), "no"),
    ("goto returns to the caller of its chain",
     filtering("-A INPUT -j A", "-A INPUT -j ACCEPT", "-A A -g B", "-A A -j DROP", chains="A B"), "yes"),
    ("nested calls come back one by one",
     filtering("-A INPUT -j A", "-A INPUT -j DROP", "-A A -j B", "-A A -j ACCEPT", "-A B -p udp -j DROP", chains="A B"),
     "yes"),
    ("a mark is seen by later rules",
     filtering("-A INPUT -p tcp -j MARK --set-mark 5", "-A INPUT -m mark --mark 5 -j ACCEPT"), "yes"),
    ("a mark in a chain is seen by its caller",
     filtering("-A INPUT -j A", "-A INPUT -m mark --mark 5 -j ACCEPT", "-A A -p tcp -j MARK --set-mark 5", chains="A"),
     "yes"),
    ("one bit of a mark leaves the others",
     filtering("-A INPUT -j MARK --set-mark 4", "-A INPUT -j MARK --or-mark 1",
               "-A INPUT -m mark --mark 5 -j ACCEPT"), "yes"),
    ("a program decides over QUEUE", filtering("-A INPUT -j NFQUEUE"), "perhaps"),
    ("a limit may let it pass", filtering("-A INPUT -m limit --limit 1/s -j ACCEPT"), "perhaps"),
    ("a limit that only logs decides nothing",
     filtering("-A INPUT -m limit --limit 1/s -j LOG", "-A INPUT -j ACCEPT"), "yes"),
    ("what a set holds is the same question twice",
     filtering("-A INPUT -m set --match-set a src -j ACCEPT", "-A INPUT -m set ! --match-set a src -j ACCEPT"), "yes"),
    ("a limit is another question each time",
     filtering("-A INPUT -m limit --limit 1/s -j ACCEPT", "-A INPUT -m limit --limit 1/s -j DROP",
               "-A INPUT -j ACCEPT"), "perhaps"),
    ("a set after SET is another question",
     filtering("-A INPUT -m set ! --match-set a src -j SET --add-set a src",
               "-A INPUT -m set --match-set a src -j ACCEPT"), "perhaps"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "passes"), [case[1:] for case in CHAINS], ids=[case[0] for case in CHAINS])
def test_a_packet_goes_through_chains(one: Prepared, passes: str) -> None:
    assert fate(one, WEB) == passes


@pytest.mark.parametrize("one", [case[1] for case in CHAINS], ids=[case[0] for case in CHAINS])
def test_a_few_packets_get_as_far_as_they_do_among_all(one: Prepared) -> None:
    found = walked(one)
    way, few = found.way("input"), packets(found.space, f"{WEB} {ORDINARY}") & found.way("input").enters
    assert way.alive.among(few) == few & way.accepted


ZONES = """*nat
-A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 10.0.0.5:8080
-A POSTROUTING -s 10.0.0.0/8 -j MASQUERADE
COMMIT
*filter
:FORWARD DROP [0:0]
:zone - [0:0]
-A FORWARD -p icmp -j ACCEPT
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -m conntrack --ctstate INVALID -j DROP
-A FORWARD -m limit --limit 1/s -j ACCEPT
-A FORWARD -m state --state UNTRACKED -j RETURN
-A FORWARD -d 10.0.0.0/24 -j zone
-A FORWARD -m conntrack --ctstate ESTABLISHED -j LOG
-A FORWARD -m mac --mac-source 00:00:5e:00:53:01 -j ACCEPT
-A FORWARD -j all
-A FORWARD -s 192.0.2.7 -j ACCEPT
-A FORWARD -i eth0 -j ACCEPT
-A all -s 192.0.2.0/24 -j ACCEPT
-A all -j DROP
-A zone -d 10.0.0.5 -p tcp --dport 8080 -j ACCEPT
-A zone -s 192.0.2.1 -j RETURN
-A zone -m conntrack --ctstate RELATED -j DROP
-A zone -d 10.0.0.6 -g zone2
-A zone2 -j REJECT
COMMIT
""".replace(":zone ", ":zone2 - [0:0]\n:all - [0:0]\n:zone ")


UNTRACKED = """*raw
-A PREROUTING -d 10.0.0.5 -p udp --dport 53 -j CT --notrack
-A PREROUTING -s 10.0.0.5 -p udp --sport 53 -j CT --notrack
COMMIT
"""
ACCEPTED = ZONES.replace("RELATED,ESTABLISHED", "RELATED,ESTABLISHED,UNTRACKED")


@pytest.mark.parametrize("text", [ZONES, UNTRACKED + ZONES, UNTRACKED + ACCEPTED])
def test_a_large_table_is_walked_as_a_small_one(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    one = prepared(text)

    def of_size(space: Space, memory: Memory, large: int) -> list[object]:
        monkeypatch.setattr(walk, "LARGE", large)
        ways = meaning(one, space, memory).ways
        reaches = [(reach.step, reach.is_met, reach.arrives, reach.matches) for way in ways for reach in way.reaches]
        return [*(way.accepted for way in ways), *reaches]

    def compared(space: Space) -> bool:
        memory = Memory()
        return of_size(space, memory, 1000) == of_size(space, memory, 0)

    assert in_space((one,), compared)


@pytest.mark.parametrize(("text", "matter"), [(ZONES, False), (UNTRACKED + ZONES, True), (UNTRACKED + ACCEPTED, False)])
def test_behind_what_a_large_table_accepts_first_no_other_packets_matter(
    text: str, matter: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "LARGE", 0)
    meant = walked(prepared(text))
    cares = {reach.care for reach in meant.way("forward").reaches if reach.step.chain == "zone"}
    established = meant.space.field("ctstate").equals(TRACKED_STATES.index("ESTABLISHED"))
    assert [care is not None and care.meets(established) for care in cares] == [matter]


def test_behind_a_large_table_rules_may_be_taken_to_get_what_came_to_it() -> None:
    drops = "-A FORWARD -s 10.0.0.1 -j DROP\n" * (walk.LARGE + 1)
    one = prepared(f"*nat\n-A POSTROUTING -s 10.0.0.1 -j MASQUERADE\nCOMMIT\n*filter\n{drops}COMMIT\n")

    def compared(space: Space) -> list[tuple[PacketSet, bool]]:
        memory = Memory()
        ways = [meaning(one, space, memory, exact=exact).way("forward") for exact in (True, False)]
        return [(way.accepted.onto(space.fields), way.reaches[-1].is_met) for way in ways]

    (surely, met), (roughly, may_be_met) = in_space((one,), compared)
    assert (met, may_be_met) == (False, True)
    assert surely == roughly


@pytest.mark.parametrize("calls", [1, 2])
def test_a_chain_with_a_memory_answers_each_call_of_a_packet_anew(calls: int) -> None:
    """The first look may find the limit reached, the second find it not reached."""
    one = filtering(*["-A INPUT -j A"] * calls, "-A A -m limit --limit 1/s -j ACCEPT", chains="A")
    asked = [reach for reach in walked(one).way("input").reaches if reach.step.chain == "A"]
    assert [reach.is_met for reach in asked] == [True] * calls


def rule_is_met(one: Prepared, line: int) -> bool:
    return any(reach.is_met for way in walked(one).ways for reach in way.reaches if reach.step.line == line)


def test_a_rule_that_nothing_reaches_is_not_met() -> None:
    one = filtering("-A INPUT -j ACCEPT", "-A INPUT -p tcp -j DROP")
    assert rule_is_met(one, 3)
    assert not rule_is_met(one, 4)


def test_forgetting_fields_keeps_what_meets_a_rule() -> None:
    """The source is looked at by the first rules only; behind them the sets know nothing of it."""
    one = filtering(
        "-A INPUT -s 192.0.2.1 -j DROP",
        "-A INPUT ! -s 192.0.2.0/24 -j DROP",
        "-A INPUT -p tcp --dport 80 -j ACCEPT",
        "-A INPUT -p udp -j ACCEPT",
    )
    found = walked(one)
    (last,) = [reach for reach in found.way("input").reaches if reach.step.line == 6]
    assert "src" not in found.space.depends_on(last.entry.outline.function)
    assert "src" in found.space.depends_on(last.matches.function)
    assert last.arrives.onto(["proto"]) == last.entry.outline.onto(["proto"]) & last.passing.onto(["proto"])


def test_notrack_makes_a_packet_untracked_before_the_filter() -> None:
    raw = "*raw\n-A PREROUTING -p tcp --dport 80 -j CT --notrack\nCOMMIT\n"
    head = raw + "*filter\n:INPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate "
    new, untracked = (prepared(f"{head}{state} -j ACCEPT\nCOMMIT\n") for state in ("NEW", "UNTRACKED"))
    assert fate(new, WEB) == "no"
    assert fate(untracked, WEB) == "yes"
    assert fate(new, SSH) == "yes"
    assert fate(untracked, SSH) == "no"


def test_every_packet_is_invalid_in_raw() -> None:
    one = prepared("*raw\n-A PREROUTING -m conntrack --ctstate INVALID -j DROP\nCOMMIT\n")
    assert fate(one, WEB) == "no"


def test_icmpv6_discovery_is_never_tracked() -> None:
    one = prepared("*filter\n:INPUT DROP [0:0]\n-A INPUT -m state --state UNTRACKED -j ACCEPT\nCOMMIT\n", "ipv6")
    discovery = "icmp [2001:db8::7] > [2001:db8::1] type 135/0 in eth0 to local"
    assert fate(one, discovery) == "yes"
    assert fate(one, discovery.replace("135", "128")) == "no"


NAT = "*nat\n-A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 10.0.0.5:8080\nCOMMIT\n*filter\n"


@pytest.mark.parametrize(
    ("rule", "passes"),
    [
        ("-A FORWARD -d 10.0.0.5 -p tcp --dport 8080 -j ACCEPT", True),
        ("-A FORWARD -d 192.0.2.1 -j ACCEPT", False),
        ("-A FORWARD -m conntrack --ctstate DNAT -j ACCEPT", True),
        ("-A FORWARD -m conntrack --ctorigdst 192.0.2.1 --ctorigdstport 80 -j ACCEPT", True),
        ("-A FORWARD -m conntrack --ctreplsrc 10.0.0.5 --ctreplsrcport 8080 -j ACCEPT", True),
    ],
)
def test_the_filter_sees_what_nat_made_of_the_first_packet(rule: str, passes: bool) -> None:
    """Whether the new address is one of this host, which is then not forwarded to, nobody can say."""
    one = prepared(f"{NAT}:FORWARD DROP [0:0]\n{rule}\nCOMMIT\n")
    text = "tcp 198.51.100.7:40000 > 192.0.2.1:80 syn in eth0 out eth1 state NEW ttl 64 to unicast"
    assert fate(one, text, "forward") == ("perhaps" if passes else "no")


@pytest.mark.parametrize(("protocol", "passes"), [("udp", "no"), ("dccp", "perhaps"), ("esp", "perhaps")])
def test_an_address_that_nat_changes_says_nothing_of_ports_that_a_connection_is_not_known_by(
    protocol: str, passes: str
) -> None:
    one = prepared(
        f"{NAT.replace('-p tcp --dport 80', f'-p {protocol}').replace(':8080', '')}:FORWARD DROP [0:0]\n"
        "-A FORWARD -m conntrack --ctreplsrcport 81 -j ACCEPT\nCOMMIT\n"
    )
    ends = "198.51.100.7 > 192.0.2.1" if protocol == "esp" else "198.51.100.7:40000 > 192.0.2.1:80"
    text = f"{protocol} {ends} in eth0 out eth1 state NEW ttl 64 to unicast"
    assert fate(one, text, "forward") == passes


def test_a_range_of_nat_is_one_of_its_addresses() -> None:
    nat = NAT.replace("10.0.0.5:8080", "10.0.0.5-10.0.0.6")
    text = "tcp 198.51.100.7:40000 > 192.0.2.1:80 syn in eth0 out eth1 state NEW ttl 64 to unicast"
    both = prepared(f"{nat}:FORWARD DROP [0:0]\n-A FORWARD -d 10.0.0.0/29 -j ACCEPT\nCOMMIT\n")
    other = prepared(f"{nat}:FORWARD DROP [0:0]\n-A FORWARD -d 10.0.0.7 -j ACCEPT\nCOMMIT\n")
    assert fate(both, text, "forward") == "perhaps"
    assert fate(other, text, "forward") == "no"


def test_a_forwarded_packet_has_lost_a_hop() -> None:
    one = prepared("*filter\n:FORWARD DROP [0:0]\n-A FORWARD -m ttl --ttl-eq 4 -j ACCEPT\nCOMMIT\n")
    text = "udp 198.51.100.7:40000 > 203.0.113.9:53 in eth0 out eth1 state NEW to unicast ttl "
    assert fate(one, text + "5", "forward") == "yes"
    assert fate(one, text + "4", "forward") == "no"


MARKED = "*mangle\n-A OUTPUT -p tcp --dport 80 -j MARK --set-mark 1\n"
OUT = ":POSTROUTING DROP [0:0]\n-A POSTROUTING -o eth0 -j ACCEPT\nCOMMIT\n"
BACK = "*filter\n-A OUTPUT -j MARK --set-mark 0\nCOMMIT\n"
RESTORED = "*mangle\n-A OUTPUT -m connmark --mark 0x1/0x3 -j CONNMARK --restore-mark\n"
OTHER = "*nat\n-A OUTPUT -p tcp --dport 80 -j DNAT --to-destination 10.0.0.5\nCOMMIT\n*mangle\n"

SENT_ANEW = [
    ("a packet goes where it went", f"*mangle\n{OUT}", "80", "yes"),
    ("one with another mark may go elsewhere", MARKED + OUT, "80", "perhaps"),
    ("its neighbour does not", MARKED + OUT, "22", "yes"),
    ("nor does it come back when the mark does", MARKED + OUT + BACK, "80", "perhaps"),
    ("filter sends nothing anew", f"*mangle\n{OUT}{BACK.replace('0', '1')}", "80", "yes"),
    ("nor does the first table", f"*raw\n{BACK[8:].replace('0', '1')}*mangle\n{OUT}", "80", "yes"),
    ("nat does, where the address is another", OTHER + OUT, "80", "perhaps"),
    ("and leaves all others alone", OTHER + OUT, "22", "yes"),
    ("a TTL sends no packet elsewhere", f"*mangle\n-A OUTPUT -j TTL --ttl-set 9\n{OUT}", "80", "yes"),
    ("the mark of a connection comes as a whole", RESTORED + OUT, "80 connmark 1", "perhaps"),
    ("or not at all", RESTORED + OUT, "80 connmark 2", "yes"),
]


@pytest.mark.parametrize(
    ("text", "port", "passes"), [case[1:] for case in SENT_ANEW], ids=[case[0] for case in SENT_ANEW]
)
def test_a_packet_that_changed_in_output_may_leave_by_another_interface(text: str, port: str, passes: str) -> None:
    port, *more = port.split(" ", 1)
    packet = f"tcp 192.0.2.1:40000 > 198.51.100.7:{port} out eth0 state NEW ttl 64 {' '.join(more)}"
    assert fate(prepared(text), packet, "output") == passes


def test_an_ipv6_packet_with_another_hop_limit_is_sent_anew() -> None:
    packet = "tcp [2001:db8::1]:40000 > [2001:db8::7]:80 out eth0 state NEW ttl 64"
    assert fate(prepared(f"*mangle\n-A OUTPUT -j HL --hl-set 9\n{OUT}", "ipv6"), packet, "output") == "perhaps"


def test_rules_that_do_not_fit_are_undecided_and_named() -> None:
    rules = [f"-A INPUT -s 10.{n % 200}.{n * 7 % 250}.0/24 -p tcp --dport {n * 37 % 60000} -j DROP" for n in range(900)]
    one = filtering(*rules)
    with pytest.raises(Undecided, match=r"^-: undecided: .* do not fit into 1 MB.*--memory"):
        in_space((one,), lambda space: meaning(one, space), memory=1 << 20)


@pytest.mark.parametrize(
    ("rule", "order"),
    [("-i eth0", "interfaces"), ("-s 192.0.2.1", "source"), ("-d 192.0.2.1", "destination")],
)
def test_the_field_that_a_base_chain_sends_packets_on_by_comes_first(rule: str, order: str) -> None:
    one = filtering(f"-A INPUT {rule} -j A", "-A INPUT -p tcp -j ACCEPT", chains="A")
    assert orders(one.programs.values())[0] == order


def test_two_rulesets_in_one_space_ask_the_same_questions() -> None:
    text = ("-A INPUT -m set --match-set a src -j ACCEPT", "-A INPUT -m limit --limit 1/s -j ACCEPT")
    old, new = filtering(*text), filtering(*text, "-A INPUT -p udp -j ACCEPT")

    def compared(space: Space) -> tuple[PacketSet, PacketSet]:
        memory = Memory()
        first = meaning(old, space, memory).way("input").accepted
        second = meaning(new, space, memory, "'").way("input").accepted
        return first - second, second - first

    closed, opened = in_space((old, new), compared)
    assert closed.is_empty()
    assert opened <= opened.space.field("proto").equals(17)


def test_what_a_rule_remembers_may_be_told_apart() -> None:
    one = filtering("-A INPUT -m limit --limit 1/s -j ACCEPT")

    def compared(space: Space) -> bool:
        memory = Memory()
        first = meaning(one, space, memory).way("input").accepted
        second = meaning(one, space, memory, "'", remembers=lambda step: ("other", step.key)).way("input").accepted
        return first == second

    assert not in_space((one, one), compared)


def test_families_have_their_own_addresses() -> None:
    assert prepared("*filter\n-A INPUT -s 2001:db8::1 -j DROP\nCOMMIT\n", "ipv6").ruleset.family is Family.IPV6
