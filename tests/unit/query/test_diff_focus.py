"""A look at what changed, and at nothing else, against a look at everything."""

from __future__ import annotations

from pathlib import Path

import pytest

import rulec
from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import Space
from rulec.query import diff_flows
from rulec.query.diff import Difference, compare
from rulec.query.diff_courses import Course
from rulec.query.diff_deciders import is_drop
from rulec.query.diff_rules import chains, edits
from rulec.query.diff_walks import Walks, walk_both
from rulec.semantics.program import Step
from rulec.semantics.ruleset import Prepared, in_space
from rulec.syntax.ruleset import Ruleset
from tests.bench import generate

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.rules"))
LOADABLE = [path for path in EXAMPLES if path.stem != "broken"]


def read(text: str, name: str = "a") -> Ruleset:
    found = rulec.parse(text, name)
    assert found.valid, found.findings
    return found


def filtered(*rules: str, forward: str = "DROP", chains: str = "") -> str:
    head = f"*filter\n:INPUT ACCEPT [0:0]\n:FORWARD {forward} [0:0]\n:OUTPUT ACCEPT [0:0]\n{chains}"
    return head + "".join(f"-A {rule}\n" for rule in rules) + "COMMIT\n"


DNAT = (
    "*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n"
    "-A PREROUTING -i eth0 -p tcp --dport 80 -j DNAT --to 10.0.0.2-10.0.0.9\nCOMMIT\n"
)
TWO_HOSTS = [f"FORWARD -d 10.0.0.{number} -j ACCEPT" for number in (2, 3)]
SPOOFED = [
    "FORWARD -i eth1 -j from1",
    *(f"FORWARD -o eth{number} -j to{number}" for number in (2, 3)),
    "from1 -s 10.1.0.1 -m mac --mac-source 02:00:00:00:00:01 -j RETURN",
    "from1 -s 10.1.0.2 -m mac --mac-source 02:00:00:00:00:02 -j RETURN",
    "from1 -j DROP",
    *(f"to{number} -p tcp --dport {port} -j ACCEPT" for number in (2, 3) for port in (22, 80)),
    "to2 -m limit --limit 5/sec -j REJECT",
    "to3 -j REJECT",
]
OWN = "".join(f":{name} - [0:0]\n" for name in ("from1", "to2", "to3"))
LIMITED = "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p udp -m limit --limit 5/sec -j DROP\nCOMMIT\n"
HASHLIMIT = "-m hashlimit --hashlimit-above 10/sec --hashlimit-mode srcip --hashlimit-name flood -j ACCEPT"
PAIRS = {
    "spoofed": (
        filtered(*SPOOFED, chains=OWN),
        filtered(*SPOOFED[:-4], "to3 -p tcp --dport 443 -j ACCEPT", *SPOOFED[-4:], chains=OWN),
    ),
    "deleted in the first chain": (filtered(*SPOOFED, chains=OWN), filtered(*SPOOFED[:3], *SPOOFED[4:], chains=OWN)),
    "a policy as well": (filtered(*SPOOFED, chains=OWN), filtered(*SPOOFED[1:], forward="ACCEPT", chains=OWN)),
    "behind NAT": (DNAT + filtered("FORWARD -s 192.0.2.1 -j DROP", *TWO_HOSTS), DNAT + filtered(*TWO_HOSTS)),
    "a memory that is another's now": (
        filtered(f"FORWARD -p tcp {HASHLIMIT}", f"FORWARD -p udp {HASHLIMIT}"),
        filtered(f"FORWARD -p udp {HASHLIMIT}", f"FORWARD -p udp {HASHLIMIT}"),
    ),
    "a memory on another way": (LIMITED + filtered("OUTPUT -p udp -j DROP"), LIMITED + filtered()),
    **{
        f"{kind} {seed}": (generate.text(kind, 150, seed), generate.text(kind, 150, seed, edits=5))
        for kind in ("campus", "acl")
        for seed in (1, 2)
    },
}  # fmt: skip
"""Rulesets, and what became of them."""


@pytest.mark.parametrize("name", PAIRS)
def test_the_same_is_said_of_few_packets_and_of_many(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Difference] = []
    for nodes in (1 << 30, -1):
        monkeypatch.setattr(diff_flows, "_MANY", nodes)
        old, new = PAIRS[name]
        found.append(compare(read(old), read(new, "b"), most=None))
    assert found[0].flows == found[1].flows
    assert found[0].counts == found[1].counts
    assert found[0].flows


def walked(old: str, new: str, space: Space) -> Walks:
    prepared = Prepared(read(old)), Prepared(read(new))
    changed = frozenset(step for edit in edits(*chains(*prepared)) for step in (edit.old, edit.new) if step is not None)
    return walk_both(*prepared, space, changed)


def looked_at(old: str, new: str) -> tuple[bool, set[str]]:
    """Whether there is one hook to look at, and the chains in which nothing differs by then."""

    def job(space: Space) -> tuple[bool, set[str]]:
        focus = walked(old, new, space).focus("forward")
        return focus is not None, {reach.step.chain for reach in focus.idle} if focus else set()

    return in_space((Prepared(read(old)), Prepared(read(new))), job)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("spoofed", (True, {"FORWARD", "from1", "to2"})),
        ("deleted in the first chain", (True, set())),
        ("a policy as well", (False, set())),
        ("behind NAT", (False, set())),
    ],
)
def test_what_is_the_same_before_anything_differs_is_not_looked_at(name: str, expected: tuple[bool, set[str]]) -> None:
    assert looked_at(*PAIRS[name]) == expected


def everything(step: Step) -> bool:
    return True


@pytest.mark.parametrize("path", LOADABLE, ids=lambda path: path.stem)
def test_packets_that_are_sent_get_to_the_rules_that_they_match(path: Path) -> None:
    prepared = Prepared(rulec.load(str(path)))

    def job(space: Space) -> None:
        walks = walk_both(prepared, prepared, space)
        packets = space.field("proto").among((6, 17)) & space.field("ctstate").equals(0)
        for way in walks.old.ways:
            course = Course(way.reaches)
            sent = dict(course.sent(packets, course.choice(everything)))
            dropped = dict(course.sent(packets, course.choice(is_drop), ending=True))
            for reach in way.reaches:
                matched: PacketSet = packets & reach.matches
                assert sent.get(reach, space.nothing) == matched
                assert not is_drop(reach.step) or dropped.get(reach, space.nothing) == matched

    in_space((prepared, prepared), job)
