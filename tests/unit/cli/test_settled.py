"""What rulec.toml says to compile, to compare, and to leave out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.repository import Repository
from tests.running import rulec

RULES = (
    "*filter\n-A INPUT -p tcp -m tcp --dport 80 -m state --state NEW,ESTABLISHED -j ACCEPT\n-A INPUT -j DROP\nCOMMIT\n"
)
POLICY = "version: 1\nmode: notrack\nhot:\n  - {name: web, role: server, protocol: tcp, ports: 80}\n"
JOB = '[[compile]]\ninput = "src/rules.v4"\npolicy = "web.yaml"\noutput = "rules.v4"\n'
JOB6 = '[[compile]]\ninput = ["src/rules.v6"]\npolicy = "web.yaml"\noutput-dir = "out"\n'
OPENED = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n"
CLOSED = "*filter\n:INPUT DROP [0:0]\nCOMMIT\n"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    made = Repository(tmp_path / "repository")
    monkeypatch.chdir(made.folder)
    made.put("src/rules.v4", RULES)
    made.put("src/rules.v6", RULES)
    made.put("web.yaml", POLICY)
    return made


def test_what_is_compiled_stands_in_the_configuration(repository: Repository) -> None:
    repository.put("rulec.toml", JOB + JOB6)
    before = rulec("compile", "--check")
    assert (before.code, before.out.splitlines()) == (1, ["rules.v4 would change", "out/rules.v6 would change"])
    assert not Path("rules.v4").exists()
    done = rulec("compile")
    assert (done.code, done.out) == (0, "")
    assert "-j CT --notrack" in Path("rules.v4").read_text()
    assert "-j CT --notrack" in Path("out/rules.v6").read_text()
    after = rulec("compile", "--check")
    assert (after.code, after.out) == (0, "")


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("rules.v4", ("-j DROP", "-j REJECT")),
        ("src/rules.v4", ("80", "81")),
        ("web.yaml", ("ports: 80", "ports: [80, 81]")),
    ],
)
def test_a_stale_result_is_found(repository: Repository, path: str, change: tuple[str, str]) -> None:
    repository.put("rulec.toml", JOB)
    repository.put("src/rules.v4", RULES.replace("80", "80:81"))
    assert rulec("compile").code == 0
    assert rulec("compile", "--check").code == 0
    repository.put(path, Path(path).read_text().replace(*change))
    done = rulec("compile", "--check")
    assert done.code == 1
    assert done.out == "rules.v4 would change\n"


def test_nothing_is_written_when_one_job_is_refused(repository: Repository) -> None:
    repository.put("rulec.toml", JOB + JOB6)
    repository.put("src/rules.v6", "*nat\n-A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 81\nCOMMIT\n" + RULES)
    done = rulec("compile")
    assert (done.code, done.out) == (1, "")
    assert "error[refused]" in done.err
    assert not Path("rules.v4").exists()


def test_the_configuration_counts_from_any_folder(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.put("rulec.toml", JOB)
    assert rulec("compile").code == 0
    monkeypatch.chdir("src")
    assert rulec("compile", "--check").code == 0


@pytest.mark.parametrize(
    ("arguments", "config", "said"),
    [
        ([], "", "no rulec.toml from here upwards says what to compile"),
        (["src/rules.v4"], JOB, "name rulesets and --policy, or none of it"),
        (["--policy", "web.yaml"], JOB, "name rulesets and --policy, or none of it"),
        (["-o", "x"], JOB, "name rulesets and --policy, or none of it"),
        ([], JOB.replace('output = "rules.v4"\n', ""), "say output or output-dir"),
        ([], JOB.replace("policy =", "polcy ="), "did you mean"),
        (["--certificate", "x"], JOB + JOB6, "are for one job"),
    ],
)
def test_what_cannot_be_done_is_said(repository: Repository, arguments: list[str], config: str, said: str) -> None:
    repository.put("rulec.toml", config)
    done = rulec("compile", "--check", *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_another_configuration(repository: Repository) -> None:
    repository.put("ci/other.toml", JOB.replace('"', '"../', 1).replace('"web', '"../web').replace('"rules', '"../new'))
    assert rulec("compile", "--config", "ci/other.toml").code == 0
    assert Path("new.v4").exists()


# ── diff ──


def test_several_files_are_compared_with_git(repository: Repository) -> None:
    for name in ("a.v4", "b.v4"):
        repository.put(name, CLOSED)
    repository.commit()
    repository.put("a.v4", OPENED)
    done = rulec("diff", "--against", "git:HEAD", "a.v4", "b.v4")
    assert done.code == 1
    assert done.out.startswith("a.v4:\nopened: input: tcp * > * dport 22\n")
    assert "\n\nb.v4:\nsame: " in done.out
    assert rulec("diff", "--against", "git:HEAD", "--fail-on", "closed", "a.v4", "b.v4").code == 0
    found = json.loads(rulec("diff", "--against", "git:HEAD", "--output-format", "json", "a.v4", "b.v4").out)
    assert [(each["new"], each["same"]) for each in found["diffs"]] == [("a.v4", False), ("b.v4", True)]
    page = rulec("diff", "--against", "git:HEAD", "--output-format", "markdown", "a.v4", "b.v4").out
    assert [line for line in page.splitlines() if line.startswith("### ")] == [
        "### <code>a.v4</code>",
        "### <code>b.v4</code>",
    ]


@pytest.mark.parametrize(
    "config",
    ['[diff]\nfiles = ["net/a.v4"]\n', '[[compile]]\ninput = "src/a.v4"\npolicy = "p"\noutput = "net/a.v4"\n',
     '[[compile]]\ninput = "src/a.v4"\npolicy = "p"\noutput-dir = "net"\n'],
)  # fmt: skip
def test_the_configuration_says_what_to_compare(repository: Repository, config: str) -> None:
    repository.put("rulec.toml", config)
    repository.put("net/a.v4", CLOSED)
    repository.commit()
    assert rulec("diff", "--against", "git:HEAD").code == 0
    repository.put("net/a.v4", OPENED)
    done = rulec("diff", "--against", "git:HEAD", "--fail-on", "opened")
    assert (done.code, done.out.partition("\n")[0]) == (1, "opened: input: tcp * > * dport 22")


def test_a_new_file_has_no_version(repository: Repository) -> None:
    repository.put("a.v4", CLOSED)
    repository.commit()
    repository.put("b.v4", CLOSED)
    done = rulec("diff", "--against", "git:HEAD", "a.v4", "b.v4")
    assert done.code == 0
    assert "b.v4: new, there is nothing to compare with" in done.err
    alone = rulec("diff", "--against", "git:HEAD", "--output-format", "json", "b.v4")
    assert (alone.code, json.loads(alone.out)["diffs"]) == (0, [])
    named = rulec("diff", "--against", "git:HEAD:b.v4", "b.v4")
    assert named.code == 2
    assert "HEAD holds no such file" in named.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--against", "git:HEAD"], "no ruleset is named, and no rulec.toml"),
        (["a.v4"], "without --against there are two files"),
        ([], "without --against there are two files"),
        (["--against", "git:HEAD:a.v4", "a.v4", "b.v4"], "names one file to compare with"),
    ],
)
def test_what_cannot_be_compared_is_said(repository: Repository, arguments: list[str], said: str) -> None:
    for name in ("a.v4", "b.v4"):
        repository.put(name, CLOSED)
    repository.commit()
    done = rulec("diff", *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_what_can_be_compared_is_compared(repository: Repository) -> None:
    for name in ("a.v4", "b.v4"):
        repository.put(name, CLOSED)
    repository.commit()
    repository.put("a.v4", "*filter\n-A INPUT --nonsense\nCOMMIT\n")
    done = rulec("diff", "--against", "git:HEAD", "a.v4", "b.v4")
    assert (done.code, done.out.partition(":")[0]) == (2, "same")
    assert "a.v4:2:10: error[syntax-error]" in done.err
    alone = rulec("diff", "--against", "git:HEAD", "--output-format", "json", "a.v4")
    assert (alone.code, alone.out) == (2, "")


def test_the_rulesets_of_a_folder_are_compared(repository: Repository) -> None:
    repository.put("hosts/a/rules.v4", CLOSED)
    repository.put("hosts/a/iptables-config", "IPTABLES_MODULES=''\n")
    repository.put("hosts/a/ufw/before.rules", CLOSED.replace("COMMIT", ":ufw-before-input -\nCOMMIT"))
    repository.commit()
    repository.put("hosts/a/rules.v4", OPENED)
    done = rulec("diff", "--against", "git:HEAD", "hosts")
    assert (done.code, done.out.partition("\n")[0]) == (1, "opened: input: tcp * > * dport 22")
    said = "a piece of what ufw loads, which tells not alone what packets meet: not compared"
    assert done.err == f"hosts/a/ufw/before.rules: {said}\n"


# ── files that are left out ──


def test_fmt_leaves_excluded_files_alone(repository: Repository) -> None:
    repository.put("rulec.toml", 'exclude = ["lab/**"]\n')
    repository.put("lab/a.v4", "nonsense\n")
    assert rulec("fmt", "lab/a.v4").code == 1
    done = rulec("fmt", "--force-exclude", "lab/a.v4", "absent/lab.v4")
    assert (done.code, "lab/a.v4" in done.err, "absent/lab.v4" in done.err) == (2, False, True)
    repository.put("net/rules.v4", CLOSED.replace(" [0:0]", ""))
    assert rulec("fmt", "net").code == 0
    assert Path("net/rules.v4").read_text() == CLOSED.replace(" [0:0]", "")
    repository.put("rulec.toml", 'exclude = ["lab/**"]\nforce-exclude = true\n')
    assert rulec("fmt", "lab/a.v4") == rulec("fmt", "--force-exclude", "lab/a.v4")
    assert rulec("fmt", "lab/a.v4").code == 0


@pytest.mark.parametrize("arguments", [["fmt"], ["diff", "--against", "git:HEAD"]])
def test_a_folder_without_rulesets_is_no_input(repository: Repository, arguments: list[str]) -> None:
    repository.put("empty/notes.txt", "nothing\n")
    repository.commit()
    done = rulec(*arguments, "empty")
    assert (done.code, done.err) == (2, "rulec: error: empty: no ruleset is there\n")


def test_diff_leaves_excluded_files_alone(repository: Repository) -> None:
    repository.put("rulec.toml", 'exclude = ["lab"]\n')
    repository.put("lab/a.v4", CLOSED)
    repository.commit()
    repository.put("lab/a.v4", OPENED)
    assert rulec("diff", "--against", "git:HEAD", "lab/a.v4").code == 1
    assert rulec("diff", "--against", "git:HEAD", "--force-exclude", "lab/a.v4") == (0, "", "")
