"""What is said to change, against what must change: rules deleted, moved, added, and said otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import rulec
from rulec.errors import InputError, Undecided
from rulec.packetset.space import Space
from rulec.query.diff import Difference, compare
from rulec.query.diff_flows import opened_and_closed
from rulec.query.diff_walks import walk_both
from rulec.semantics.paths import PATHS
from rulec.semantics.place import Memory
from rulec.semantics.ruleset import Prepared, in_space, meaning
from rulec.syntax.ruleset import Ruleset
from tests.running import rulec as run

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.rules"))
LOADABLE = [path for path in EXAMPLES if path.stem != "broken"]


def ruleset(text: str, name: str = "a.v4") -> Ruleset:
    read = rulec.parse(text, name)
    assert read.valid, read.findings
    return read


def filtered(*rules: str, table: str = "filter", policy: str = "DROP") -> str:
    """A ruleset of one table whose INPUT has a policy."""
    chains = f":INPUT {policy} [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"
    return f"*{table}\n{chains}" + "".join(f"-A INPUT {rule}\n" for rule in rules) + "COMMIT\n"


def compared(old: str, new: str) -> Difference:
    return compare(ruleset(old), ruleset(new, "b.v4"))


def kinds(found: Difference) -> list[tuple[str, bool]]:
    return [(flow.kind, flow.surely) for flow in found.flows]


# ── sets that rules fill ──

ASKS, FILLS, TAKES = (
    "-m set --match-set bad src -j DROP",
    "-p tcp --dport 23 -j SET --add-set bad src",
    "-p tcp --dport 22 -j ACCEPT",
)
OTHER = "-m set --match-set good src -j DROP"


@pytest.mark.parametrize(
    ("old", "new", "kinds_found"),
    [
        ((ASKS, TAKES), (ASKS, FILLS, TAKES), [("doubtful", False)]),
        ((ASKS, FILLS, TAKES), (ASKS, TAKES), [("doubtful", False)]),
        ((ASKS, FILLS, TAKES), (ASKS, FILLS.replace("23", "24"), TAKES), [("doubtful", False)]),
        ((ASKS, FILLS, TAKES), (ASKS, FILLS.replace("add", "del"), TAKES), [("doubtful", False)]),
        ((ASKS, FILLS, TAKES), (ASKS, "-s 10.0.0.1 -j RETURN", FILLS, TAKES), [("closed", False), ("doubtful", False)]),
        ((ASKS, FILLS, TAKES), (ASKS, "-p udp", FILLS, TAKES), []),
        ((OTHER, TAKES), (OTHER, FILLS, TAKES), []),
        ((TAKES,), (FILLS, TAKES), []),
    ],
)
def test_what_a_set_holds_depends_on_the_rules_that_fill_it(
    old: tuple[str, ...], new: tuple[str, ...], kinds_found: list[tuple[str, bool]]
) -> None:
    found = compared(filtered(*old), filtered(*new))
    assert kinds(found) == kinds_found
    for flow in found.flows:
        if flow.kind == "doubtful":
            assert flow.depends_on == ("-m set --match-set bad src (b.v4:5), into which other packets are put",)


# ── the same ──


@pytest.mark.parametrize("path", LOADABLE, ids=lambda path: path.stem)
def test_a_file_and_its_canonical_form_are_the_same(path: Path) -> None:
    read = rulec.load(str(path))
    again = rulec.parse(rulec.canonical(read), path.name, read.family.value)
    assert compare(read, again).is_same


def test_equal_rules_are_compared_without_sets() -> None:
    text = filtered("-p tcp --dport 22 -j ACCEPT")
    counted = text.replace("-A ", "[3:4] -A ").replace("[0:0]", "[5:6]")
    assert compare(ruleset(text), ruleset(counted), memory=1).is_same


def test_disjoint_rules_may_change_places() -> None:
    rules = [f"-p tcp --dport {port} -j ACCEPT" for port in (22, 80, 443)]
    found = compared(filtered(*rules), filtered(*reversed(rules)))
    assert found.is_same
    assert {edit.kind for edit in found.edits} == {"moved"}


def test_a_limit_is_the_same_where_the_same_packets_get_to_it() -> None:
    rules = ["-p tcp --dport 22 -j ACCEPT", "-p tcp --dport 80 -j ACCEPT", "-m limit --limit 5/sec -j ACCEPT"]
    assert compared(filtered(*rules), filtered(rules[1], rules[0], rules[2])).is_same


def test_a_limit_is_the_same_whatever_later_rules_look_at() -> None:
    limited = "-p icmp -m limit --limit 5/sec -j ACCEPT"
    assert compared(filtered(limited), filtered(limited, "-p tcp --dport 80")).is_same


def test_a_table_that_is_missing_accepts_everything() -> None:
    raw = "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n"
    found = compared(filtered(), raw + filtered())
    assert found.is_same
    assert found.missing == (("raw", "a.v4"),)


def test_an_unreachable_rule_is_deleted_without_effect() -> None:
    found = compared(filtered("-j ACCEPT", "-p tcp -j DROP"), filtered("-j ACCEPT"))
    assert found.is_same
    assert [(edit.kind, edit.old and edit.old.line) for edit in found.edits] == [("deleted", 6)]


def test_a_rule_that_stands_for_another_is_part_of_its_change() -> None:
    found = compared(
        filtered("-p tcp -m multiport --dports 80,443 -j ACCEPT"),
        filtered("-p tcp -m multiport --dports 80,443,8080 -j ACCEPT"),
    )
    assert kinds(found) == [("opened", True)]
    assert found.edits == ()


def test_rules_of_a_new_chain_are_looked_at_whatever_stands_beside_the_call() -> None:
    old = filtered().replace(":FORWARD", ":own - [0:0]\n:FORWARD")
    rules = "-A INPUT -p tcp -j ACCEPT\n-A INPUT -j own\n-A own -p udp -j ACCEPT\n-A own -p tcp -j DROP\n"
    found = compared(old, old.replace("COMMIT", f"{rules}COMMIT"))
    assert kinds(found) == [("opened", True)] * 2
    assert found.edits == ()


# ── one rule less ──


def rules_of(path: Path) -> list[int]:
    """The lines of the rules in the table filter; those with a memory change more than they decide."""
    program = Prepared(rulec.load(str(path))).programs["filter"]
    return sorted({step.line for step in program.steps() if not step.has_memory and step.rule.target})


@pytest.mark.parametrize(
    ("path", "line"),
    [(path, line) for path in LOADABLE for line in rules_of(path)],
    ids=lambda value: Path(str(value)).stem,
)
def test_a_deleted_rule_changes_what_it_decided_and_later_rules_do_not_decide_alike(path: Path, line: int) -> None:
    read = rulec.load(str(path))
    lines = read.source.text.split("\n")
    less = again("\n".join(lines[: line - 1] + lines[line:]), read)
    idle = again("\n".join([*lines[: line - 1], lines[line - 1].partition(" -j ")[0], *lines[line:]]), read)
    assert compare(less, idle).is_same
    prepared = Prepared(read), Prepared(less)

    def job(space: Space) -> None:
        walks = walk_both(*prepared, space)
        passed = meaning(Prepared(idle), space, Memory(), "'")
        later = (space.flag("snat") | space.flag("dnat")) - space.flag("first")
        for way in walks.old.ways:
            opened, closed = opened_and_closed(walks, way.path)
            changed = opened.packets | closed.packets
            decided = space.union(reach.matches for reach in way.reaches if reach.step.line == line)
            accepted = walks.settled(way.accepted), walks.settled(passed.way(way.path).accepted)
            assert changed - later == walks.settled(decided) & (accepted[0] ^ accepted[1]) - later

    in_space(prepared, job)


def again(text: str, like: Ruleset) -> Ruleset:
    """Another version of a ruleset."""
    read = rulec.parse(text, "less.rules", like.family.value)
    assert read.valid, read.findings
    return read


# ── what is said ──


def test_a_flow_names_its_deciding_rules() -> None:
    found = compared(filtered("-p tcp --dport 22 -j REJECT"), filtered("-p tcp --dport 22 -j ACCEPT"))
    (flow,) = found.flows
    assert (flow.kind, flow.path, flow.regions) == ("opened", "input", ("tcp * > * dport 22",))
    assert (flow.before.file, flow.before.line, flow.before.text) == ("a.v4", 5, "-A INPUT -p tcp --dport 22 -j REJECT")
    assert (flow.after.file, flow.after.line) == ("b.v4", 5)


def test_many_rules_that_are_alike_are_one_flow() -> None:
    rules = [f"-s 10.0.0.{number} -p tcp --dport 22 -j ACCEPT" for number in range(1, 9)]
    found = compared(filtered(), filtered(*rules))
    (flow,) = found.flows
    assert flow.kind == "opened"


def test_the_largest_flow_comes_first_and_the_rest_is_counted() -> None:
    rules = [f"-p tcp --dport {port} {'-i eth0' * (port % 2)} -j ACCEPT" for port in (1, 2)]
    rules += ["-p udp -j ACCEPT"]
    found = compare(ruleset(filtered()), ruleset(filtered(*rules), "b.v4"), most=1)
    assert found.number("opened") == 3
    (flow,) = found.flows
    assert flow.regions == ("udp * > *",)


LIMITED = "-p icmp -m limit --limit {}/sec -j ACCEPT"
REFUSED = ["-m limit --limit 5/sec -j REJECT", "-p icmp -j LOG", "-j DROP"]
LEFT_OPEN = ["-m limit --limit 5/sec -j REJECT", "-p tcp -j DROP", "-j ACCEPT"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ([LIMITED.format(5)], [LIMITED.format(9)], {("opened", False), ("closed", False)}),
        ([LIMITED.format(5)], ["-s 10.0.0.1 -j DROP", LIMITED.format(5)], {("closed", False), ("doubtful", False)}),
        (REFUSED, ["-s 10.0.0.1 -j ACCEPT", *REFUSED], {("opened", True), ("unlogged", False)}),
        (LEFT_OPEN, ["-s 10.0.0.1 -j DROP", *LEFT_OPEN], {("closed", False), ("doubtful", False)}),
        (["-j DROP"], ["-m set --match-set friends src -j ACCEPT", "-j DROP"], {("opened", False)}),
        (["-p udp -j LOG"], [], {("unlogged", True)}),
        ([], ["-p udp -j NFLOG"], {("logged", True)}),
        ([], ["-p udp -m limit --limit 5/min -j LOG"], {("logged", False)}),
        (["-p udp -m limit --limit 5/min -j LOG"], ["-p tcp -j DROP", "-p udp -m limit --limit 5/min -j LOG"], set()),
    ],
)  # fmt: skip
def test_what_is_sure_and_what_only_may_be(old: list[str], new: list[str], expected: set[tuple[str, bool]]) -> None:
    found = compared(filtered(*old), filtered(*new))
    assert set(kinds(found)) == expected
    assert all(flow.depends_on for flow in found.flows if not flow.surely)


def test_untracked_packets_are_told() -> None:
    raw = "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A PREROUTING -p udp --dport 53 -j NOTRACK\nCOMMIT\n"
    there = compared(filtered(policy="ACCEPT"), raw + filtered(policy="ACCEPT"))
    back = compared(raw + filtered(policy="ACCEPT"), filtered(policy="ACCEPT"))
    assert (kinds(there), kinds(back)) == ([("untracked", True)], [("tracked", True)])
    assert there.flows[0].path == "arriving"


def test_tracking_is_switched_by_one_rule() -> None:
    tracked = filtered("-m conntrack --ctstate NEW,ESTABLISHED,RELATED,INVALID,UNTRACKED -j ACCEPT")
    found = compared(tracked, filtered("-j ACCEPT"))
    assert found.switch is not None
    assert not found.switch.on
    assert [rule.line for rule in found.switch.rules] == [5]
    assert not found.is_same
    assert not any(count.flows for count in found.counts.values())


def nat(target: str) -> str:
    chains = "".join(f":{chain} ACCEPT [0:0]\n" for chain in ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"))
    return f"*nat\n{chains}-A {target}\nCOMMIT\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("PREROUTING -p tcp --dport 80 -j DNAT --to 10.0.0.1", "PREROUTING -p tcp --dport 80 -j DNAT --to 10.0.0.2"),
        ("POSTROUTING -o eth0 -j MASQUERADE", "POSTROUTING -o eth0 -j SNAT --to 192.0.2.1"),
        ("POSTROUTING -o eth0 -j ACCEPT", "POSTROUTING -o eth0 -j MASQUERADE"),
        ("OUTPUT -p tcp --dport 80 -j REDIRECT --to-ports 81", "OUTPUT -p tcp --dport 80 -j ACCEPT"),
    ],
)
def test_another_translation_is_told(old: str, new: str) -> None:
    found = compared(nat(old) + filtered(policy="ACCEPT"), nat(new) + filtered(policy="ACCEPT"))
    assert "rewritten" in {kind for kind, _ in kinds(found)}
    assert not found.number("closed")


def test_the_same_translation_says_nothing() -> None:
    text = nat("POSTROUTING -o eth0 -j MASQUERADE") + filtered("-p tcp -j ACCEPT", "-p udp -j ACCEPT")
    other = nat("POSTROUTING -o eth0 -j MASQUERADE") + filtered("-p udp -j ACCEPT", "-p tcp -j ACCEPT")
    assert compared(text, other).is_same


def test_a_port_that_is_closed_behind_nat_is_closed() -> None:
    masquerade = nat("POSTROUTING -o eth0 -j MASQUERADE")
    found = compared(masquerade + filtered("-p tcp --dport 22 -j ACCEPT"), masquerade + filtered())
    assert kinds(found) == [("closed", True)]


def test_a_range_of_addresses_that_is_accepted_in_part_is_no_sure_thing() -> None:
    rewrite = nat("PREROUTING -i eth0 -p tcp --dport 80 -j DNAT --to 10.0.0.2-10.0.0.3")
    old, new = (
        rewrite
        + f"*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A FORWARD -d 10.0.0.{last}"
        " -i eth0 -p tcp --dport 80 -j ACCEPT\nCOMMIT\n"
        for last in (2, 3)
    )
    found = compared(old, new)
    assert {kind for kind, sure in kinds(found) if not sure} >= {"opened", "closed"}


# ── what is no answer ──


def test_families_are_not_mixed() -> None:
    with pytest.raises(InputError, match="--family"):
        compare(ruleset(filtered()), rulec.parse(filtered(), "b.v6", "ipv6"))


def test_a_loop_is_refused() -> None:
    text = "*filter\n:INPUT ACCEPT [0:0]\n:a - [0:0]\n:b - [0:0]\n-A a -j b\n-A b -j a\nCOMMIT\n"
    with pytest.raises(InputError, match="circle"):
        compare(rulec.parse(text, "a.v4"), ruleset(filtered()))


def test_too_little_memory_is_said() -> None:
    rules = [
        f"-s 10.{number}.{number * 7 % 256}.1 -p tcp --dport {number * 37 % 9999} -j ACCEPT" for number in range(250)
    ]
    with pytest.raises(Undecided, match="--memory"):
        compare(ruleset(filtered(*rules)), ruleset(filtered(*rules[1:])), memory=1 << 16)


# ── the program ──


def test_same_input_same_bytes(tmp_path: Path) -> None:
    old, new = LOADABLE[0].read_text(), "\n".join(LOADABLE[0].read_text().split("\n"))
    (tmp_path / "old.v4").write_text(old)
    (tmp_path / "new.v4").write_text(new.replace("--dports 53", "--dports 5353").replace("ESTABLISHED", "INVALID"))
    command = [sys.executable, "-m", "rulec", "diff", "old.v4", "new.v4", "--output-format", "json", "--all"]
    root = str(Path(__file__).parents[3])
    printed = [
        subprocess.run(
            command,
            cwd=tmp_path,
            capture_output=True,
            check=False,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": root},
        )
        for seed in ("1", "2")
    ]
    assert printed[0].returncode == 1, printed[0].stderr
    assert printed[0].stdout == printed[1].stdout


@pytest.mark.parametrize(("fail_on", "code"), [("opened", 0), ("closed", 1), ("any", 1)])
def test_the_exit_code_is_of_what_was_asked(tmp_path: Path, fail_on: str, code: int) -> None:
    (tmp_path / "a.v4").write_text(filtered("-j ACCEPT"))
    (tmp_path / "b.v4").write_text(filtered())
    assert run("diff", "--fail-on", fail_on, tmp_path / "a.v4", tmp_path / "b.v4").code == code


def test_undecided_is_an_exit_code_of_its_own(tmp_path: Path) -> None:
    rules = [
        f"-s 10.{number}.{number * 7 % 256}.1 -p tcp --dport {number * 37 % 9999} -j ACCEPT" for number in range(250)
    ]
    (tmp_path / "a.v4").write_text(filtered(*rules))
    (tmp_path / "b.v4").write_text(filtered(*rules[1:]))
    done = run("diff", "--memory", "0", tmp_path / "a.v4", tmp_path / "b.v4")
    assert (done.code, done.out) == (3, "")
    assert "undecided" in done.err


def test_markdown_takes_nothing_of_a_ruleset_for_markup(tmp_path: Path) -> None:
    comment = '-m comment --comment "<img src=x> ```*a*" '
    (tmp_path / "a.v4").write_text(filtered())
    (tmp_path / "b.v4").write_text(filtered(f"{comment}-j ACCEPT"))
    printed = run("diff", "--output-format", "markdown", tmp_path / "a.v4", tmp_path / "b.v4").out
    assert printed.count("<details>") == printed.count("</details>") == 1
    assert "````\n" in printed
    assert "<img" not in printed.partition("````")[0]


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_opened_on_a_way_that_did_not_change(path: str) -> None:
    prepared = Prepared(ruleset(filtered())), Prepared(ruleset(filtered("-p tcp -j ACCEPT")))

    def job(space: Space) -> tuple[bool, bool]:
        opened, closed = opened_and_closed(walk_both(*prepared, space), path)
        return opened.packets.is_empty(), closed.packets.is_empty()

    assert in_space(prepared, job) == (path != "input", True)
