"""A look at the packets that changed rules concern, against a look at all packets."""

from __future__ import annotations

from random import Random

import pytest

import rulec
from rulec.model import Family
from rulec.packetset.space import Space
from rulec.query import diff
from rulec.query.diff import Difference, compare
from rulec.query.diff_concern import concern
from rulec.query.diff_rules import chains, edits
from rulec.query.diff_walks import walk_both
from rulec.semantics.concern import ComesAgain, Concern
from rulec.semantics.program import Step
from rulec.semantics.ruleset import Prepared, in_space
from rulec.syntax.ruleset import Ruleset
from tests.kernel.fuzz.coverage import Coverage
from tests.kernel.fuzz.rules import RulesetText
from tests.kernel.fuzz.rulesets import Maker
from tests.unit.query.test_diff_focus import HASHLIMIT, LIMITED, PAIRS, filtered, read

OWN = ":a - [0:0]\n:b - [0:0]\n"
SENT = ("FORWARD -i eth0 -j a", "FORWARD -i eth1 -j b", "a -p tcp --dport 22 -j ACCEPT", "b -p udp -j ACCEPT")
LIMIT = "-m limit --limit 5/sec -j ACCEPT"
TWICE = ("FORWARD -p tcp -j a", "FORWARD -p tcp -j a", f"a {LIMIT}")
BY_NAME = "-m recent --update --name seen -j ACCEPT"
TELLS_APART = {
    "one chain of many": (filtered(*SENT, chains=OWN), filtered(*SENT, "b -p icmp -j ACCEPT", chains=OWN)),
    "a base chain that was empty": (filtered(chains=OWN), filtered("INPUT -p tcp -j DROP", chains=OWN)),
    "a limit behind a rule": (filtered(f"INPUT {LIMIT}", "INPUT -j DROP"),
                              filtered("INPUT -p tcp -j DROP", f"INPUT {LIMIT}", "INPUT -j DROP")),
    "a list that all ask": (filtered(f"INPUT {BY_NAME}", f"FORWARD {BY_NAME}"),
                            filtered("INPUT -p tcp -j DROP", f"INPUT {BY_NAME}", f"FORWARD {BY_NAME}")),
    "a chain that is asked twice": (filtered(*TWICE, chains=OWN),
                                    filtered("FORWARD -p tcp --dport 23 -j ACCEPT", *TWICE, chains=OWN)),
    "an answer that nobody knows": (filtered("OUTPUT -m helper --helper x -j RETURN", "OUTPUT -j LOG"),
                                    filtered("OUTPUT -j LOG")),
    "a memory that changed": (filtered(f"INPUT -p tcp {HASHLIMIT}"), filtered(f"INPUT -p udp {HASHLIMIT}")),
}  # fmt: skip


def both_ways(old: Ruleset, new: Ruleset, monkeypatch: pytest.MonkeyPatch) -> tuple[Difference, Difference]:
    """What is said with a look at some packets, and at all."""
    few = compare(old, new, most=None)
    with monkeypatch.context() as patch:
        patch.setattr(diff, "concern", lambda *_: None)
        return few, compare(old, new, most=None)


@pytest.mark.parametrize("name", [*PAIRS, *TELLS_APART])
def test_the_same_is_said_of_those_it_concerns_and_of_all(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = {**PAIRS, **TELLS_APART}[name]
    few, every = both_ways(read(old), read(new, "b"), monkeypatch)
    assert few == every
    assert few.flows or few.edits


# ── rulesets of all matches and targets ──


def edited(text: RulesetText, random: Random) -> RulesetText:
    """Another version, with some rules of the table filter deleted, moved, or said otherwise."""
    rules = list(text.rules)
    for _ in range(random.randint(1, 3)):
        numbers = [number for number, rule in enumerate(rules) if rule.table == "filter"]
        if not numbers:
            break
        number, other = random.choice(numbers), random.choice(numbers)
        rule = rules[number]
        if random.random() < 0.4:
            del rules[number]
        elif random.random() < 0.5:
            rules[number] = rule._replace(parts=rules[other].parts)
        elif random.random() < 0.5:
            rules[number] = rule._replace(target=random.choice(["-j ACCEPT", "-j DROP", "-j RETURN", ""]))
        elif rules[other].chain == rule.chain:
            rules[number], rules[other] = rules[other], rule
    return text._replace(rules=tuple(rules))


@pytest.mark.parametrize("seed", range(20, 45))
def test_the_same_is_said_of_random_rulesets(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    random = Random(seed)
    family = random.choice([Family.IPV4, Family.IPV6])
    before = Maker(random, family, "legacy", Coverage()).ruleset()
    versions = before, edited(before, random)
    old, new = (rulec.parse(str(text), name, family=family.value) for text, name in zip(versions, "ab", strict=True))
    if old.valid and new.valid:
        few, every = both_ways(old, new, monkeypatch)
        assert few == every


# ── which packets that are ──


def about(old: str, new: str) -> tuple[tuple[Prepared, Prepared], Concern | None]:
    prepared = Prepared(read(old)), Prepared(read(new))
    return prepared, concern(*prepared, tuple(edits(*chains(*prepared))))


def tables(old: str, new: str) -> str:
    found = about(old, new)[1]
    return found.table if found else ""


RAW = "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p udp -j DROP\nCOMMIT\n"
MANGLE = "*mangle\n:FORWARD ACCEPT [0:0]\n-A FORWARD -p udp -j DROP\nCOMMIT\n"


@pytest.mark.parametrize(
    ("old", "new", "table"),
    [
        (*TELLS_APART["one chain of many"], "filter"),
        (LIMITED + filtered("INPUT -p tcp -j DROP"), LIMITED + filtered(), "filter"),
        (RAW + filtered("INPUT -p tcp -j DROP"), filtered(), ""),
        (MANGLE + filtered(), MANGLE.replace("udp", "tcp") + filtered(), ""),
        (*TELLS_APART["a memory that changed"], ""),
        (RAW, RAW + filtered("INPUT -p tcp -j DROP"), ""),
    ],
    ids=["filter alone", "a memory elsewhere", "two tables", "a table met twice", "a memory", "a table that is new"],
)
def test_one_table_must_differ_in_rules_that_remember_nothing(old: str, new: str, table: str) -> None:
    assert tables(old, new) == table


LISTED = "INPUT -m recent --set --name seen"
JUMP, CHANGED = "INPUT -i eth0 -j a", "a -p tcp -j DROP"


@pytest.mark.parametrize(
    ("rules", "is_worth_it"),
    [
        ((JUMP, LISTED), False),
        ((JUMP, "INPUT -j b", LISTED.replace("INPUT", "b")), False),
        ((JUMP, LISTED.replace("INPUT", "a")), False),
        ((LISTED, JUMP), True),
        ((JUMP, LISTED.replace("INPUT", "b")), True),
    ],
)
def test_nothing_is_tried_where_changed_rules_lead_to_a_list_by_name(rules: tuple[str, ...], is_worth_it: bool) -> None:
    """What they let through is put on the list: a look at a few packets would end in one at all."""
    _, found = about(filtered(*rules, chains=OWN), filtered(CHANGED, *rules, chains=OWN))
    assert (found is not None) == is_worth_it


def rules_met(old: str, new: str) -> set[tuple[str, str]]:
    prepared, found = about(old, new)

    def job(space: Space) -> set[tuple[str, str]]:
        walks = walk_both(*prepared, space, frozenset[Step](), found)
        reaches = (reach for meaning in (walks.old, walks.new) for way in meaning.ways for reach in way.reaches)
        return {(reach.hook.path, reach.step.chain) for reach in reaches}

    return in_space(prepared, job)


def test_chains_are_left_out_into_which_none_of_them_comes() -> None:
    assert rules_met(*TELLS_APART["one chain of many"]) == {("forward", "FORWARD"), ("forward", "b")}


def test_what_comes_again_to_a_chain_that_remembers_is_not_told_of_a_few() -> None:
    with pytest.raises(ComesAgain):
        rules_met(*TELLS_APART["a chain that is asked twice"])
