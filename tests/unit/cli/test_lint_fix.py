"""rulec lint --fix: what is written, and what is not since packets would fare otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from rulec import api
from rulec.diagnostics import Edit, Fix, Safety
from rulec.errors import InputError
from rulec.linting import fixing
from rulec.linting.checking import Linter
from rulec.linting.files import File, read
from rulec.linting.fixing import Wanted, apart, fixed
from rulec.settings.model import Settings
from rulec.source import Span
from tests.running import rulec
from tests.unit.lint.test_fixes import accepts_alike, by_chance

DEAD = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 80 -j ACCEPT\n-A INPUT -p tcp --dport 80 -j DROP\nCOMMIT\n"
FIXED = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 80 -j ACCEPT\nCOMMIT\n"


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "rules.v4"
    path.write_text(DEAD)
    return path


def test_a_fix_is_written(rules: Path) -> None:
    done = rulec("lint", "--fix", "rules.v4")
    assert (done.code, rules.read_text()) == (0, FIXED)
    assert done.err == "rules.v4: 1 fixed: shadowed-rule\n"


def test_standard_input_goes_to_standard_output_fixed(rules: Path) -> None:
    done = rulec("lint", "--fix", "-", stdin=DEAD)
    assert (done.code, done.out) == (0, FIXED)
    assert "nothing here has IPv4 tracked" in done.err
    assert rulec("lint", "--fix-only", "-", stdin=FIXED).out == FIXED


def test_what_packets_meet_is_asked_within_the_memory_that_is_allowed(rules: Path) -> None:
    rule = "-A INPUT -p tcp --dport 80 -j ACCEPT\n"
    text = FIXED.replace(rule, 2 * rule)
    rules.write_text(text)
    asked = ("lint", "--select", "duplicate-rule", "--fix", "--memory")
    assert "whether it keeps what packets meet is not known: " in rulec(*asked, "0", "rules.v4").err
    assert rules.read_text() == text
    assert "1 fixed" in rulec(*asked, "64", "rules.v4").err
    assert rules.read_text() == FIXED


def test_a_suppressed_finding_is_not_fixed(rules: Path) -> None:
    text = DEAD.replace(
        "-A INPUT -p tcp --dport 80 -j DROP", "# rulec: ignore[ruleset]\n-A INPUT -p tcp --dport 80 -j DROP"
    )
    rules.write_text(text)
    assert rulec("lint", "--fix", "rules.v4").code == 0
    assert rules.read_text() == text


def wanted(text: str, start: str, new: str, safety: Safety = Safety.SAFE, slug: str = "redundant-rule") -> Wanted:
    """A fix that puts other words in the place of some."""
    at = text.index(start)
    return Wanted(slug, 3, Fix("say so", (Edit(Span(at, at + len(start)), new),), safety))


RULES = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 80 -j ACCEPT\n-A INPUT -p udp -j DROP\nCOMMIT\n"


def tried(text: str, *fixes: Wanted) -> tuple[str, list[str]]:
    """What a file is after some fixes, and what is said of those that are not taken."""
    file, declined = read("rules", "rules", text, Settings()), dict[fixing._Key, str]()
    while True:
        left = [one for one in fixes if fixing._key(file, one) not in declined]
        file, taken = fixing._with(file, left, declined)
        fixes = tuple(one for one in left if one not in taken) if taken else ()
        if not fixes:
            return file.source.text, list(declined.values())


def test_a_fix_that_lets_more_in_is_not_taken() -> None:
    text, declined = tried(RULES, wanted(RULES, "--dport 80", "--dport 80:81"))
    assert text == RULES
    assert declined == ["rules:3: the fix of redundant-rule is not taken: packets would fare otherwise"]


def test_the_good_ones_of_several_are_taken() -> None:
    good, bad = wanted(RULES, "-A INPUT -p udp -j DROP\n", ""), wanted(RULES, "--dport 80", "--dport 81")
    text, declined = tried(RULES, bad, good)
    assert text == RULES.replace("-A INPUT -p udp -j DROP\n", "")
    assert "packets would fare otherwise" in declined[0]


def test_a_fix_after_which_nothing_would_load_is_not_taken() -> None:
    for safety in Safety:
        text, declined = tried(RULES, wanted(RULES, "--dport 80", "--dport eighty", safety))
        assert (text, declined[0].rpartition(": ")[2]) == (RULES, "iptables-restore would not load the result")


def test_an_unsafe_fix_may_change_what_packets_meet() -> None:
    text, declined = tried(RULES, wanted(RULES, "--dport 80", "--dport 81", Safety.UNSAFE))
    assert (text, declined) == (RULES.replace("80", "81"), [])


def test_a_repair_lets_in_and_keeps_out_nothing() -> None:
    wider = wanted(RULES, "--dport 80", "--dport 80:81", slug="untracked-not-accepted")
    assert tried(RULES, wider)[0] == RULES.replace("80", "80:81")
    narrower = wanted(RULES, "-p tcp --dport 80", "-p tcp --dport 80 -s 192.0.2.1", slug="untracked-not-accepted")
    assert tried(RULES, narrower)[0] == RULES


def test_an_error_is_repaired_only_if_fewer_are_left() -> None:
    bad = RULES.replace("--dport 80", "--dprt 80")
    assert tried(bad, wanted(bad, "--dprt", "--dport"))[0] == RULES
    assert tried(bad, wanted(bad, "--dprt", "--dpport"))[0] == bad


def test_comments_may_always_change() -> None:
    bad = "# a\n" + RULES.replace("--dport 80", "--dprt 80")
    assert tried(bad, wanted(bad, "# a\n", ""))[0] == bad.removeprefix("# a\n")


def test_fixes_that_touch_each_other_are_not_taken_together() -> None:
    one, two = wanted(RULES, "--dport 80", "x"), wanted(RULES, "80 -j", "y")
    three, four = wanted(RULES, "-p udp", "z"), wanted(RULES, "-p", "w")
    assert apart([two, one, three, one]) == [one, three]
    assert apart([four, three]) == [four, three]


def test_the_repair_of_a_rule_that_does_not_accept_untracked_packets(rules: Path) -> None:
    rules.write_text(
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -p icmp --icmp-type fragmentation-needed -j ACCEPT\n"
        "-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n"
        "-A INPUT -p tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT\nCOMMIT\n"
        "*raw\n-A PREROUTING ! -i lo -p tcp --dport 80 -m addrtype --dst-type LOCAL -j CT --notrack\n"
        "-A OUTPUT ! -o lo -p tcp --sport 80 -j CT --notrack\nCOMMIT\n"
    )
    done = rulec("lint", "--fix", "rules.v4")
    assert done.err == "rules.v4: 1 fixed: untracked-not-accepted\n"
    assert "--ctstate NEW,UNTRACKED -j ACCEPT" in rules.read_text()


CONFIG = 'IPTABLES_SAVE_ON_STOP="yes"\n'


@pytest.mark.parametrize(("options", "text"), [("", CONFIG), ("--unsafe-fixes", CONFIG.replace("yes", "no"))])
def test_configuration_files_are_fixed_if_asked(options: str, text: str, rules: Path) -> None:
    config = rules.parent / "iptables-config"
    config.write_text(CONFIG)
    rulec("lint", "--fix", *options.split(), "rules.v4", "iptables-config")
    assert config.read_text() == text


def test_fixing_goes_on_until_nothing_changes() -> None:
    text = "*filter\n  # a\n-A INPUT -j DROP # b\n-A INPUT -p tcp -j ACCEPT\n-A INPUT -p udp -j ACCEPT\nCOMMIT\n"
    done = fixed([read("rules", "rules", text, Settings())], Linter())
    assert isinstance(done.files[0], File)
    assert done.files[0].source.text == "*filter\n# a\n# b\n-A INPUT -j DROP\nCOMMIT\n"
    assert [one.slug for one in done.taken[0]] == ["indented-comment", "trailing-comment", "dead-after-terminal"]
    assert fixed(done.files, Linter()).number == 0


def test_an_unknown_meaning_is_a_reason_not_to_write(monkeypatch: pytest.MonkeyPatch) -> None:
    def undecided(*_: object) -> None:
        raise InputError("it does not fit into memory")

    monkeypatch.setattr(api, "diff", undecided)
    text, declined = tried(RULES, wanted(RULES, "-A INPUT -p udp -j DROP\n", ""))
    assert text == RULES
    assert declined[0].endswith("whether it keeps what packets meet is not known: it does not fit into memory")


def test_a_piece_that_ufw_loads_is_fixed_where_it_loads_the_same(rules: Path) -> None:
    text = "*filter # a\n:ufw-before-input - [0:0]\n-A ufw-before-input -p tcp --dport 80 -j ACCEPT\nCOMMIT\n"
    (rules.parent / "before.rules").write_text(text)
    assert rulec("lint", "--fix", "before.rules").err == "before.rules: 1 fixed: trailing-comment\n"


def test_a_file_that_cannot_be_written_stops_no_other(rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other, write = rules.parent / "other.v4", api.write
    other.write_text(DEAD)

    def refuse(path: str, text: str) -> None:
        if path == "rules.v4":
            raise InputError("rules.v4: Read-only file system")
        write(path, text)

    monkeypatch.setattr(api, "write", refuse)
    done = rulec("lint", "--fix", "-s", "rules.v4", "other.v4")
    assert (done.code, rules.read_text(), other.read_text()) == (2, DEAD, FIXED)
    assert done.err == "rulec: error: rules.v4: Read-only file system\n"


@pytest.mark.parametrize("seed", [*range(12), 1079])
def test_all_safe_fixes_are_taken_and_keep_what_is_accepted(seed: int) -> None:
    text = by_chance(seed)
    done = fixed([read("rules", "rules", text, Settings())], Linter())
    assert done.declined == []
    assert accepts_alike(text, done.files[0].source.text)
    left = [finding.fix for finding in done.reports[0].findings if finding.fix is not None]
    assert [fix for fix in left if fix.safety is Safety.SAFE] == []
