"""rulec lint: findings that are known, from a baseline, the settings or git."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.running import rulec

SSH = "-A INPUT -p tcp --dport 22 -j ACCEPT\n"
SQL = "-A INPUT -p tcp --dport 3306 -j ACCEPT\n"


def rules(*lines: str) -> str:
    return f"*filter\n:INPUT DROP [0:0]\n{''.join(lines)}COMMIT\n"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules.v4").write_text(rules(SSH))
    return tmp_path / "rules.v4"


def found(*arguments: str) -> list[int]:
    """The lines of what is reported."""
    document = json.loads(rulec("lint", "--output-format", "json", *arguments, "rules.v4").out)
    return [finding["line"] for finding in document["diagnostics"]]


def test_only_what_is_new_is_reported(path: Path) -> None:
    assert found() == [3]
    assert rulec("lint", "--write-baseline", "rules.v4").err == "rulec: rulec-baseline.json written: 1 finding\n"
    known = ("--baseline", "rulec-baseline.json")
    assert found(*known) == []
    path.write_text(rules("-A INPUT -i lo -j ACCEPT\n", "-A INPUT -p udp --dport 53 -j ACCEPT\n", SSH))
    assert found(*known) == []
    path.write_text(rules(SSH, SQL))
    assert found(*known) == [4]
    assert found(*known, "--no-ignores") == [3, 4]


def test_errors_of_a_file_may_be_known_too(path: Path) -> None:
    path.write_text(rules("-A INPUT -j NOWHERE\n"))
    rulec("lint", "--write-baseline", "rules.v4")
    assert found("--baseline", "rulec-baseline.json") == []
    path.write_text(rules("-A INPUT -j NOWHERE\n", "-A INPUT -j NOWHERE\n"))
    assert found("--baseline", "rulec-baseline.json") == [4]


def test_a_baseline_of_the_settings(path: Path) -> None:
    Path("rulec.toml").write_text("lint.baseline = 'known/base.json'\n")
    Path("known").mkdir()
    rulec("lint", "--write-baseline", "rules.v4")
    assert found() == []
    document = json.loads(Path("known/base.json").read_text())
    assert document["schema_version"] == 1
    assert [(entry["file"], entry["slug"]) for entry in document["findings"]] == [("../rules.v4", "open-to-world")]


def test_a_baseline_is_the_same_each_time(path: Path) -> None:
    path.write_text(rules(SSH, SQL, SSH))
    texts = []
    for _ in range(2):
        rulec("lint", "--write-baseline", "--baseline", "base.json", "rules.v4")
        texts.append(Path("base.json").read_bytes())
    assert texts[0] == texts[1]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema_version": 2, "findings": []}', '{"schema_version": 1}'])
def test_what_is_no_baseline(text: str, path: Path) -> None:
    Path("base.json").write_text(text)
    done = rulec("lint", "--baseline", "base.json", "rules.v4")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("rulec: error: base.json: this ")


def test_a_single_finding_of_the_settings(path: Path) -> None:
    known = json.loads(rulec("lint", "--output-format", "json", "rules.v4").out)["diagnostics"][0]["fingerprint"]
    Path("rulec.toml").write_text(f"[[lint.ignore-finding]]\nfingerprint = '{known}'\nreason = 'the bastion'\n")
    assert found() == []
    assert found("--no-ignores") == [3]
    document = json.loads(rulec("lint", "--output-format", "json", "rules.v4").out)
    assert [one["suppression"]["reason"] for one in document["suppressed"]] == ["the bastion"]


def git(*arguments: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.net", "-c", "commit.gpgsign=false"]
    try:
        subprocess.run(["git", *who, *arguments], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("git is not installed")


def test_only_what_is_new_since_a_version(path: Path) -> None:
    git("init", "-q", ".")
    git("add", "rules.v4")
    git("commit", "-q", "-m", "a")
    assert found("--against", "HEAD") == found("--against", "git:HEAD") == []
    path.write_text(rules(SQL, SSH))
    assert found("--against", "HEAD") == [3]
    Path("new.v4").write_text(rules(SSH))
    done = rulec("lint", "--against", "HEAD", "--output-format", "concise", "new.v4")
    assert done.out == "new.v4:3:1: note[open-to-world]: tcp/22: open to everybody\n"
    done = rulec("lint", "--against", "absent", "rules.v4")
    assert (done.code, done.err) == (2, "rulec: error: --against: absent: git knows no version of that name\n")


def test_no_version_of_standard_input(path: Path) -> None:
    assert rulec("lint", "--against", "HEAD", "-", stdin=path.read_text()).code == 2


def test_comments_are_added_where_they_help(path: Path) -> None:
    path.write_text("*nat\nCOMMIT\n" + rules(SSH, SSH, "# rulec: ignore\n", SQL))
    done = rulec("lint", "--add-ignore=legacy", "rules.v4")
    assert done.err == "rules.v4: 4 suppressed, 1 left\n"
    assert path.read_text() == "# rulec: ignore[conntrack-loaded] legacy\n*nat\nCOMMIT\n" + rules(
        "# rulec: ignore[open-to-world] legacy\n",
        SSH,
        "# rulec: ignore[duplicate-rule] legacy\n",
        SSH,
        "# rulec: ignore\n",
        "# rulec: ignore[open-to-world] legacy\n",
        SQL,
    )
    assert found() == [10]


def test_no_comment_is_added_for_what_does_not_load(path: Path) -> None:
    path.write_text(text := rules("-A INPUT -j NOWHERE\n"))
    assert rulec("lint", "--add-ignore", "because", "rules.v4").err == "rules.v4: 0 suppressed, 1 left\n"
    assert path.read_text() == text


def test_a_file_is_no_reason(path: Path) -> None:
    """``--add-ignore FILE FILE`` would take the first one for the reason, and write into the second."""
    Path("other.v4").write_text(text := rules(SSH))
    done = rulec("lint", "--add-ignore", "rules.v4", "other.v4")
    assert done.err == "rulec: error: --add-ignore: rules.v4 is a file; a reason is given as --add-ignore=REASON\n"
    assert (done.code, Path("other.v4").read_text()) == (2, text)


def test_what_is_gone_from_a_baseline_is_told(path: Path) -> None:
    """Of the files that are linted; what it knows of others may still be there."""
    path.write_text(rules(SSH, SQL))
    Path("other.v4").write_text(rules(SSH))
    rulec("lint", "--write-baseline", "rules.v4", "other.v4")
    known = ("lint", "--baseline", "rulec-baseline.json", "rules.v4")
    assert rulec(*known).err == ""
    path.write_text(rules(SQL))
    said = "rulec: rulec-baseline.json: 1 finding is not found any more; --write-baseline writes it anew\n"
    assert rulec(*known).err == said
    assert rulec(*known, "-q").err == rulec(*known, "--ignore", "exposure").err == ""


def test_how_to_see_errors_that_a_baseline_knows(path: Path) -> None:
    path.write_text(rules("-A INPUT -j NOWHERE\n"))
    assert rulec("lint", "--write-baseline", "rules.v4").code == 0
    told = rulec("lint", "--baseline", "rulec-baseline.json", "rules.v4").out
    assert "in error, so it is not known what is tracked; --no-ignores shows the errors\n" in told
