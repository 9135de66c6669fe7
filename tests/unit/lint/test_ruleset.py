"""The checks of the group ruleset: what they speak of, what they name, and what they leave alone."""

from __future__ import annotations

import pytest

from rulec import api
from rulec.analysis import redundant
from rulec.semantics import walk
from tests.unit.lint.linting import found, rules_named, said, text_of

GROUP = (
    "unreachable-rule", "shadowed-rule", "never-matches", "port-match-on-wrong-protocol", "dead-after-terminal",
    "duplicate-rule", "redundant-rule", "policy-accept-without-catch-all", "unused-chain", "empty-chain-jump",
    "jump-loop",
)  # fmt: skip

DROP, OPEN = ":INPUT DROP [0:0]", ":INPUT ACCEPT [0:0]"
LIMIT = "-m limit --limit 5/min"

DEAD = [
    # one earlier rule takes all of it
    ("unreachable-rule", ("INPUT -s 192.0.2.0/24 -j ACCEPT", "INPUT -s 192.0.2.7 -j ACCEPT", "INPUT -j DROP"), 1, [0]),
    ("shadowed-rule", ("INPUT -s 192.0.2.0/24 -j DROP", "INPUT -s 192.0.2.7 -j ACCEPT"), 1, [0]),
    ("shadowed-rule", ("INPUT -p tcp -j REJECT", "INPUT -p tcp --dport 22 -j ACCEPT"), 1, [0]),
    ("unreachable-rule", ("INPUT -p tcp -j REJECT", "INPUT -p tcp --dport 22 -j DROP"), 1, [0]),
    # several together
    ("shadowed-rule", (
        "INPUT -p tcp --dport 1:99 -j DROP", "INPUT -p udp -j DROP", "INPUT -p tcp --dport 100:200 -j DROP",
        "INPUT -p tcp --dport 50:150 -j ACCEPT"), 3, [0, 2]),
    # one of them decides alike
    ("unreachable-rule", (
        "INPUT -p tcp --dport 1:99 -j ACCEPT", "INPUT -p tcp --dport 100:200 -j DROP",
        "INPUT -p tcp --dport 50:150 -j ACCEPT"), 2, [0, 1]),
    # the packets of connections that are there already do not count
    ("shadowed-rule", (
        "INPUT -m state --state ESTABLISHED -j ACCEPT", "INPUT -s 192.0.2.0/25 -j DROP",
        "INPUT -s 192.0.2.128/25 -j DROP", "INPUT -s 192.0.2.0/24 -j ACCEPT"), 3, [0, 1, 2]),
    ("shadowed-rule", (
        "INPUT -m state --state ESTABLISHED -j ACCEPT", "INPUT -p tcp -j DROP", "INPUT -p tcp --dport 22 -j ACCEPT"),
        2, [1]),
    ("unreachable-rule", (
        "INPUT -m state --state ESTABLISHED -j ACCEPT", "INPUT -p tcp -m state --state ESTABLISHED -j ACCEPT"), 1, [0]),
    # a rule that decides nothing
    ("unreachable-rule", ("INPUT -p tcp -j DROP", "INPUT -p tcp --dport 22 -j LOG"), 1, [0]),
    ("unreachable-rule", ("INPUT -p tcp -j DROP", "INPUT -p tcp --dport 22"), 1, [0]),
    # behind a jump
    ("shadowed-rule", (
        ":tcp - [0:0]", "INPUT -p tcp -j tcp", "INPUT -p tcp --dport 22 -j ACCEPT",
        "tcp -s 192.0.2.0/24 -j DROP", "tcp ! -s 192.0.2.0/24 -j DROP"), 2, [1]),
    ("unreachable-rule", (
        ":tcp - [0:0]", "INPUT -p tcp -j tcp", "INPUT -p tcp --dport 22 -j ACCEPT",
        "tcp -s 192.0.2.0/24 -j ACCEPT", "tcp ! -s 192.0.2.0/24 -j DROP"), 2, [1]),
    # before the jump: no packet is sent into its chain, or they are taken before
    ("unreachable-rule", (
        ":ssh - [0:0]", "INPUT -s 192.0.2.0/24 -p tcp -j ssh", "ssh -s 198.51.100.0/24 -j ACCEPT",
        "ssh -p tcp --dport 22 -j ACCEPT"), 2, [1]),
    ("shadowed-rule", (
        ":ssh - [0:0]", "INPUT -s 192.0.2.0/24 -j DROP", "INPUT -j ssh", "ssh -s 192.0.2.7 -j ACCEPT",
        "ssh -p tcp --dport 22 -j ACCEPT"), 3, [1]),
    ("unreachable-rule", (
        ":a - [0:0]", ":b - [0:0]", "INPUT -p udp -j ACCEPT", "INPUT -j a", "a -j b", "b -p udp --dport 53 -j ACCEPT",
        "b -p tcp --dport 53 -j DROP"), 5, [2]),
    ("port-match-on-wrong-protocol", (
        ":udp - [0:0]", "INPUT -p udp -j udp", "udp -p udp --dport 53 -j ACCEPT",
        "udp -p tcp -m multiport --dports 53,853 -j ACCEPT"), 3, [1]),
    # what never holds
    ("never-matches", ("INPUT -p tcp --syn -m tcp --tcp-flags ACK ACK -j ACCEPT",), 0, []),
    ("never-matches", ("INPUT -m conntrack --ctstate NEW -m state --state INVALID -j ACCEPT",), 0, []),
    ("never-matches", ("INPUT -s 192.0.2.1 -m iprange --src-range 198.51.100.1-198.51.100.9 -j ACCEPT",), 0, []),
    ("never-matches", (":in - [0:0]", "INPUT -j in", "in -o eth0 -j ACCEPT"), 2, []),
    # the same again
    ("duplicate-rule", ("INPUT -p tcp --dport 22 -j ACCEPT", "INPUT -p udp -j DROP",
        "INPUT -p tcp -m tcp --dport 22 -j ACCEPT"), 2, [0]),
    ("duplicate-rule", ("INPUT -p icmp -j ACCEPT -m comment --comment one",
        "INPUT -p icmp -j ACCEPT -m comment --comment two"), 1, [0]),
    ("duplicate-rule", ("INPUT -p tcp -j LOG", "INPUT -p udp -j DROP", "INPUT -p tcp -j LOG"), 2, [0]),
    # behind one that takes everything
    ("dead-after-terminal", ("INPUT -p icmp -j ACCEPT", "INPUT -j DROP", "INPUT -p tcp -j ACCEPT"), 2, [1]),
    ("dead-after-terminal", ("INPUT -s 0.0.0.0/0 -p all -i + -m comment --comment end -j DROP",
        "INPUT -p tcp -j ACCEPT"), 1, [0]),
    ("dead-after-terminal", (":rest - [0:0]", "INPUT -g rest", "INPUT -p tcp -j ACCEPT", "rest -p icmp -j ACCEPT"),
        2, [1]),
    ("dead-after-terminal", (":rest - [0:0]", "INPUT -j rest", "INPUT -p tcp -j ACCEPT", "rest -p icmp -j ACCEPT",
        "rest -j DROP"), 2, [1]),
    # jumps to nothing
    ("empty-chain-jump", (":none - [0:0]", "INPUT -p tcp -j none", "INPUT -p udp -j DROP"), 1, [0]),
]  # fmt: skip
"""A check, a ruleset, the line that it finds, and the lines that it names besides."""


@pytest.mark.parametrize(("slug", "lines", "line", "others"), DEAD)
def test_names_the_rule_and_the_others(slug: str, lines: tuple[str, ...], line: int, others: list[int]) -> None:
    (finding,) = found(slug, text_of(*lines))
    assert rules_named(finding) == [lines[line], *(lines[other] for other in others)]


@pytest.mark.parametrize(("slug", "lines", "line"), [case[:3] for case in DEAD])
def test_a_dead_rule_is_said_once(slug: str, lines: tuple[str, ...], line: int) -> None:
    told = [other for other in GROUP if other != "redundant-rule" for _ in found(other, text_of(*lines))]
    assert told == [slug]
    assert (slug, lines[line]) in said(text_of(*lines))


ALIVE = [
    # the answer is not known, so it may let packets through
    (DROP, f"INPUT -p tcp {LIMIT} -j DROP", "INPUT -p tcp --dport 22 -j ACCEPT"),
    (DROP, "INPUT -p tcp -m recent --name seen --rcheck -j DROP", "INPUT -p tcp --dport 22 -j ACCEPT"),
    (DROP, "INPUT -p tcp -m set --match-set bad src -j DROP", "INPUT -p tcp --dport 22 -j ACCEPT"),
    (DROP, "INPUT -p tcp -m string --algo bm --string x -j DROP", "INPUT -p tcp --dport 22 -j ACCEPT"),
    ("# rulec: opaque[geoip]", "INPUT -p tcp -m geoip --src-cc XX -j DROP", "INPUT -p tcp --dport 22 -j ACCEPT",
        "INPUT -j DROP"),
    ("# rulec: opaque[TARPIT]", "INPUT -p tcp -j TARPIT", "INPUT -p tcp --dport 22 -j ACCEPT", "INPUT -j DROP"),
    # a memory may say something else the second time
    (DROP, f"INPUT -p tcp {LIMIT} -j ACCEPT", f"INPUT -p tcp {LIMIT} -j ACCEPT"),
    # what does not decide takes nothing
    (DROP, "INPUT -p tcp -j LOG", "INPUT -p tcp --dport 22 -j ACCEPT"),
    (DROP, "INPUT -p tcp", "INPUT -p tcp --dport 22 -j ACCEPT"),
    (DROP, ":none - [0:0]", "INPUT -p tcp -j none", "INPUT -p tcp --dport 22 -j ACCEPT",
        "none -p tcp --dport 23 -j RETURN"),
    # dead at one hook, and not at the other
    (DROP, ":FORWARD DROP [0:0]", ":both - [0:0]", "INPUT -p tcp -j DROP", "INPUT -j both", "FORWARD -j both",
        "both -p tcp --dport 22 -j ACCEPT"),
    # one of the addresses of the line is met
    (DROP, "INPUT -s 192.0.2.0/24 -j ACCEPT", "INPUT -s 192.0.2.7,198.51.100.7 -j ACCEPT"),
    # a rule in front returns, and the caller decides
    (DROP, ":a - [0:0]", "INPUT -p tcp -j a", "INPUT -p tcp --dport 22 -j ACCEPT", "a -s 192.0.2.0/24 -j RETURN",
        "a -p tcp --dport 23 -j ACCEPT"),
]  # fmt: skip


@pytest.mark.parametrize("lines", ALIVE)
def test_a_rule_that_packets_may_meet_is_not_dead(lines: tuple[str, ...]) -> None:
    dead = {"unreachable-rule", "shadowed-rule", "never-matches", "dead-after-terminal", "duplicate-rule"}
    assert {slug for slug, _ in said(text_of(*lines))} & dead == set()


def test_pure_match_gives_the_same_answer_twice() -> None:
    rule = "INPUT -p tcp -m set --match-set bad src"
    (finding,) = found("shadowed-rule", text_of(f"{rule} -j DROP", f"{rule} --dport 22 -j ACCEPT"))
    assert rules_named(finding) == [f"{rule} --dport 22 -j ACCEPT", f"{rule} -j DROP"]


CHANGED = [
    (("PREROUTING -j MARK --set-mark 1", "PREROUTING -m mark --mark 2 -j DROP", "PREROUTING -m mark --mark 1"), 1, [0]),
    (("PREROUTING -p udp -j NOTRACK", "COMMIT", "*filter",
        "INPUT -i eth0 -p udp -m state --state NEW -j ACCEPT"), 3, [0]),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "line", "others"), CHANGED)
def test_a_packet_that_was_changed_before(lines: tuple[str, ...], line: int, others: list[int]) -> None:
    """The rules ask for nothing that contradicts itself."""
    text = text_of(*lines, table="raw" if "NOTRACK" in lines[0] else "mangle").replace("-A COMMIT", "COMMIT")
    (finding,) = found("unreachable-rule", text.replace("-A *", "*"))
    assert rules_named(finding) == [lines[line], *(lines[other] for other in others)]
    assert finding.message == "no packet is by then what this rule asks for: it was changed"
    assert finding.witness


def test_rules_of_a_chain_that_no_packet_enters_are_not_said_one_by_one() -> None:
    lines = (":a - [0:0]", "INPUT -p tcp -j DROP", "INPUT -p tcp --dport 22 -j a", "a -j ACCEPT", "a -p udp -j DROP")
    assert [rules_named(finding)[0] for finding in found("unreachable-rule", text_of(*lines))] == [lines[2]]


def test_earlier_tables_stop_packets() -> None:
    text = text_of("PREROUTING -s 192.0.2.0/24 -j DROP", table="raw") + text_of("INPUT -s 192.0.2.7 -j ACCEPT")
    (finding,) = found("shadowed-rule", text)
    assert rules_named(finding) == ["INPUT -s 192.0.2.7 -j ACCEPT", "PREROUTING -s 192.0.2.0/24 -j DROP"]
    assert finding.witness == "tcp 192.0.2.7:40000 > 192.0.2.1:80 syn in eth0 state NEW"


def test_witness_is_a_packet_that_is_taken() -> None:
    (finding,) = found("shadowed-rule", text_of("INPUT -s 192.0.2.0/24 -j DROP", "INPUT -s 192.0.2.7 -j ACCEPT"))
    assert finding.witness == "tcp 192.0.2.7:40000 > 192.0.2.1:80 syn in eth0 state NEW"


def test_only_the_first_hundred_have_a_witness() -> None:
    rules = (f"INPUT -s 192.0.2.{number} -j ACCEPT" for number in range(101))
    findings = found("shadowed-rule", text_of("INPUT -s 192.0.2.0/24 -j DROP", *rules))
    assert [bool(finding.witness) for finding in findings] == [True] * 100 + [False]


@pytest.mark.parametrize(
    ("rule", "options"),
    [
        ("INPUT -p tcp --syn -m tcp --tcp-flags ACK ACK -j DROP", "--syn and --tcp-flags"),
        ("INPUT -s 192.0.2.1 -p tcp -m iprange --src-range 10.0.0.1-10.0.0.9 -j DROP", "--source and --src-range"),
        ("in -o eth0 -j DROP", "--out-interface"),
    ],
)
def test_never_matches_names_the_options(rule: str, options: str) -> None:
    (finding,) = found("never-matches", text_of(":in - [0:0]", "INPUT -j in", rule))
    assert finding.message == f"this rule can match no packet; never holds here: {options}"


# ── what the structure says ──


def test_block_is_said_once() -> None:
    lines = (DROP, "INPUT -j DROP", "INPUT -p tcp -j ACCEPT", "INPUT -p udp -j ACCEPT", "INPUT -p tcp -j ACCEPT")
    assert said(text_of(*lines)) == {("dead-after-terminal", lines[2])}


@pytest.mark.parametrize(
    "lines",
    [
        ("INPUT -p tcp -j DROP", "INPUT -p udp -j ACCEPT"),
        ("INPUT -i eth0 -j DROP", "INPUT -p udp -j ACCEPT"),
        ("INPUT -s 192.0.2.0/24 -j DROP", "INPUT -p udp -j ACCEPT"),
        ("INPUT -j LOG", "INPUT -p udp -j ACCEPT"),
        (f"INPUT {LIMIT} -j DROP", "INPUT -p udp -j ACCEPT"),
        (":a - [0:0]", "INPUT -j a", "INPUT -p udp -j ACCEPT", "a -p tcp -j RETURN", "a -j DROP"),
    ],
)
def test_block_needs_a_rule_that_takes_everything(lines: tuple[str, ...]) -> None:
    assert found("dead-after-terminal", text_of(*lines)) == []


def test_unused_chains() -> None:
    lines = (":a - [0:0]", ":b - [0:0]", ":c - [0:0]", "INPUT -j a", "a -j DROP", "b -j c", "c -p tcp", "c -p udp")
    findings = found("unused-chain", text_of(*lines))
    assert [rules_named(finding) for finding in findings] == [[":b - [0:0]"], [":c - [0:0]"]]
    assert findings[0].message == "nothing goes to the chain b"
    assert (
        findings[1].message == "nothing goes to the chain c, except from unused chains (b); its 2 rules are never met"
    )


def test_loop_says_where_it_goes_round() -> None:
    lines = (":a - [0:0]", ":b - [0:0]", "INPUT -j DROP", "a -p tcp -j b", "b -s 192.0.2.0/24 -g a")
    (finding,) = found("jump-loop", text_of(*lines))
    assert rules_named(finding) == [lines[3], lines[4]]
    assert finding.message == "these chains jump in a circle: a > b > a"


def test_of_chains_in_a_circle_no_meaning_is_asked() -> None:
    lines = (":a - [0:0]", "INPUT -s 192.0.2.0/24 -j DROP", "INPUT -s 192.0.2.7 -j ACCEPT", "a -p tcp -j a")
    assert {slug for slug, _ in said(text_of(*lines))} == {"jump-loop", "unused-chain"}


def test_going_to_an_empty_chain_for_good_is_no_jump_to_nothing() -> None:
    """It ends the way through the calling chain."""
    assert found("empty-chain-jump", text_of(":none - [0:0]", "INPUT -p tcp -g none", "INPUT -j DROP")) == []


@pytest.mark.parametrize(
    "lines",
    [
        (f"INPUT -p tcp {LIMIT} -j ACCEPT",) * 2,
        (
            "PREROUTING -m mark --mark 1 -j DROP",
            "PREROUTING -j MARK --set-mark 1",
            "PREROUTING -m mark --mark 1 -j DROP",
        ),
        ("PREROUTING -j MARK --or-mark 1",) * 2,
    ],
)
def test_the_same_words_are_not_always_a_duplicate(lines: tuple[str, ...]) -> None:
    table = "mangle" if lines[0].startswith("PREROUTING") else "filter"
    assert found("duplicate-rule", text_of(*lines, table=table)) == []


def test_nat_rules_may_be_duplicates() -> None:
    lines = (
        "POSTROUTING -o eth0 -j MASQUERADE",
        "POSTROUTING -o eth1 -j MASQUERADE",
        "POSTROUTING -o eth0 -j MASQUERADE",
    )
    (finding,) = found("duplicate-rule", text_of(*lines, table="nat"))
    assert finding.message == "the same rule stands on line 2"


# ── rules without which nothing would change ──

REDUNDANT = [
    # a later rule decides the same
    ((DROP, "INPUT -s 192.0.2.7 -j ACCEPT", "INPUT -s 192.0.2.0/24 -j ACCEPT"), 1, [2]),
    ((DROP, "INPUT -s 192.0.2.0/28 -j ACCEPT", "INPUT -p udp -j DROP", "INPUT -s 192.0.2.16/29 -p tcp -j ACCEPT",
        "INPUT -s 192.0.2.0/24 -j ACCEPT"), 3, [4]),
    # the policy does
    ((DROP, "INPUT -s 192.0.2.0/24 -j ACCEPT", "INPUT -p tcp --dport 23 -j DROP"), 2, []),
    ((DROP, "INPUT -p tcp --dport 23 -j RETURN"), 1, []),
    # a last rule
    ((DROP, "INPUT -p tcp --dport 23 -j REJECT", "INPUT -p udp -j ACCEPT", "INPUT -j REJECT"), 1, [3]),
    # a chain behind a jump
    ((DROP, ":a - [0:0]", "INPUT -s 192.0.2.7 -j ACCEPT", "INPUT -j a", "a -s 192.0.2.0/24 -j ACCEPT",
        "a -p tcp -j DROP"), 2, [3]),
    # in a chain of its own
    ((DROP, ":a - [0:0]", "INPUT -j a", "a -s 192.0.2.7 -j RETURN", "a -s 192.0.2.0/24 -j RETURN",
        "a -p tcp --dport 22 -j ACCEPT"), 3, [4]),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "line", "others"), REDUNDANT)
def test_redundant(lines: tuple[str, ...], line: int, others: list[int]) -> None:
    (finding,) = found("redundant-rule", text_of(*lines))
    assert rules_named(finding) == [lines[line], *(lines[other] for other in others)]


NEEDED = [
    # something in between decides otherwise
    (DROP, "INPUT -s 192.0.2.7 -j ACCEPT", "INPUT -p tcp -j DROP", "INPUT -s 192.0.2.0/24 -j ACCEPT"),
    # something in between does something
    (DROP, "INPUT -s 192.0.2.7 -j ACCEPT", "INPUT -p tcp -j LOG", "INPUT -s 192.0.2.0/24 -j ACCEPT"),
    (DROP, "INPUT -s 192.0.2.7 -j ACCEPT", f"INPUT -s 192.0.2.0/24 {LIMIT} -j ACCEPT",
        "INPUT -s 192.0.2.0/24 -j ACCEPT"),
    (DROP, ":log - [0:0]", "INPUT -s 192.0.2.7 -j ACCEPT", "INPUT -j log", "INPUT -s 192.0.2.0/24 -j ACCEPT",
        "log -j LOG"),
    (DROP, "INPUT -s 192.0.2.7 -j ACCEPT", "INPUT -m recent --name x --set", "INPUT -s 192.0.2.0/24 -j ACCEPT"),
    # it does something itself
    (DROP, f"INPUT -s 192.0.2.7 {LIMIT} -j ACCEPT", "INPUT -s 192.0.2.0/24 -j ACCEPT"),
    # to reject is more than to drop, and one answer is not the other
    (DROP, "INPUT -p tcp --dport 23 -j REJECT"),
    (DROP, "INPUT -p tcp --dport 23 -j REJECT --reject-with tcp-reset", "INPUT -j REJECT"),
    # it says what the policy is
    (DROP, "INPUT -s 192.0.2.7 -j ACCEPT", "INPUT -j DROP"),
    # the ruleset does not say what the policy is
    ("INPUT -p tcp --dport 23 -j ACCEPT",),
    # the caller would decide otherwise
    (DROP, ":a - [0:0]", "INPUT -j a", "a -s 192.0.2.7 -j ACCEPT"),
    # the end of a chain that a program fills
    (DROP, ":a - [0:0]", "INPUT -j a", "a -s 192.0.2.7 -j RETURN"),
]  # fmt: skip


@pytest.mark.parametrize("lines", NEEDED)
def test_needed(lines: tuple[str, ...]) -> None:
    assert found("redundant-rule", text_of(*lines)) == []


@pytest.mark.parametrize("lines", [case[0] for case in REDUNDANT] + NEEDED + [case[1] for case in DEAD] + ALIVE)
def test_of_a_large_table_nothing_else_is_said(lines: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    known = said(text_of(*lines))
    monkeypatch.setattr(walk, "LARGE", -1)
    assert said(text_of(*lines)) <= known


def test_what_many_chains_decide_is_forgotten_for_the_rules_before_them(monkeypatch: pytest.MonkeyPatch) -> None:
    before = "INPUT -s 192.0.2.7 -j DROP"
    text = text_of(DROP, ":a - [0:0]", before, "INPUT -p tcp -j a", "a -p tcp --dport 80 -j ACCEPT", "a -j DROP")
    text = text.replace("--dport 80", "-s 192.0.2.8")
    assert [named[0] for named in map(rules_named, found("redundant-rule", text))] == [before]
    monkeypatch.setattr(redundant, "_LARGEST", 0)
    assert found("redundant-rule", text) == []


def test_of_two_that_stand_for_each_other_one_is_redundant() -> None:
    lines = (DROP, "INPUT -p tcp -j ACCEPT", "INPUT -s 192.0.2.0/24 -j ACCEPT", "INPUT -p tcp --dport 22 -j DROP",
             "INPUT -s 192.0.2.0/24 -p udp -j ACCEPT")  # fmt: skip
    for finding in found("redundant-rule", text_of(*lines)):
        assert rules_named(finding)[0] != lines[1]


def test_a_rule_behind_which_a_dead_one_decides_otherwise_is_needed() -> None:
    """Deleting the first would bring the second to life."""
    lines = (OPEN, "INPUT -s 192.0.2.0/24 -j ACCEPT", "INPUT -s 192.0.2.7 -j DROP", "OUTPUT -p tcp -j ACCEPT")
    assert {slug for slug, _ in said(text_of(*lines))}.intersection(GROUP) == {"shadowed-rule"}


# ── a policy that accepts ──


def test_open_policy_names_the_first_of_its_rules() -> None:
    lines = (OPEN, "INPUT -i lo -j ACCEPT", "INPUT -p tcp --dport 80 -j ACCEPT", "INPUT -p tcp --dport 443 -j ACCEPT")
    (finding,) = found("policy-accept-without-catch-all", text_of(*lines))
    assert rules_named(finding) == [OPEN, lines[1]]
    assert finding.message.startswith("the policy of INPUT accepts what is left, so that 3 rules that accept may")
    assert found("redundant-rule", text_of(*lines)) == []


@pytest.mark.parametrize(
    "lines",
    [
        (OPEN, "INPUT -s 192.0.2.0/24 -j DROP"),  # it only refuses
        (OPEN, "INPUT -s 192.0.2.7 -j ACCEPT", "INPUT -s 192.0.2.0/24 -j DROP"),  # an exception of what it refuses
        (OPEN, "INPUT -i lo -j ACCEPT"),
        (":OUTPUT ACCEPT [0:0]", "OUTPUT -p udp --dport 68 -j ACCEPT"),  # most let everything out
        (OPEN, "INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT"),
        (OPEN, "INPUT -p tcp --dport 80 -j ACCEPT", "INPUT -j REJECT"),
        (OPEN, "INPUT -p tcp --dport 80 -j ACCEPT", "INPUT -p tcp -j DROP", "INPUT -p udp -j DROP"),
        (OPEN, "INPUT -j ACCEPT"),
        ("INPUT -p tcp --dport 80 -j ACCEPT",),
    ],
)
def test_policy_is_meant(lines: tuple[str, ...]) -> None:
    assert found("policy-accept-without-catch-all", text_of(*lines)) == []


# ── when nothing is said ──


@pytest.mark.parametrize(
    "text",
    ["*filter\nCOMMIT\n", "*filter\n-A INPUT -j DROP\n-A INPUT -p tcp -j ACCEPT\n-A INPUT -j NOWHERE\nCOMMIT\n"],
)
def test_nothing_is_said_of_no_rules_and_of_errors(text: str) -> None:
    assert [finding.slug for finding in api.lint(api.parse(text), api.checks(["ruleset", "exposure"])).findings] == []
