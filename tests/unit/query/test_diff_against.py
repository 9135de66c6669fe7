"""Versions of a file that git has, and what is said when it has none."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from rulec.errors import InputError
from rulec.query.diff_against import version
from tests.running import rulec

OLD = "*filter\n:INPUT DROP [0:0]\nCOMMIT\n"
NEW = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n"


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two versions of ``net/rules.v4``, and a third that is not committed."""
    top = tmp_path / "repository"
    (top / "net").mkdir(parents=True)
    git(top, "init")
    for text in (OLD, OLD.replace("DROP", "ACCEPT")):
        (top / "net/rules.v4").write_text(text)
        git(top, "add", ".")
        git(top, "commit", "-m", "rules")
    (top / "net/rules.v4").write_text(NEW)
    return top


def test_the_version_of_a_reference(repository: Path) -> None:
    path = str(repository / "net/rules.v4")
    assert version("git:HEAD~1", path).text == OLD
    assert version("git:HEAD~1", path).name == f"HEAD~1:{path}"


def test_another_path_begins_at_the_top(repository: Path) -> None:
    read = version("git:HEAD~1:net/rules.v4", str(repository / "net/rules.v4"))
    assert (read.name, read.text) == ("HEAD~1:net/rules.v4", OLD)


@pytest.mark.parametrize(
    ("against", "reason"),
    [
        ("HEAD", "is not git:REF"),
        ("git:", "is not the name of a version"),
        ("git:--output=x", "is not the name of a version"),
        ("git:nowhere", "git knows no version of that name"),
        ("git:HEAD:absent.v4", "HEAD holds no such file"),
    ],
)
def test_what_is_not_there(repository: Path, against: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        version(against, str(repository / "net/rules.v4"))


def test_a_shallow_clone_says_so(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--depth", "1", f"file://{repository}", "shallow")
    with pytest.raises(InputError, match=r"shallow.*fetch-depth: 0"):
        version("git:HEAD~1", str(tmp_path / "shallow/net/rules.v4"))


def test_outside_of_a_repository(tmp_path: Path) -> None:
    (tmp_path / "rules.v4").write_text(OLD)
    with pytest.raises(InputError, match="no git repository"):
        version("git:HEAD", str(tmp_path / "rules.v4"))


def test_the_command_compares_with_it(repository: Path) -> None:
    path = repository / "net/rules.v4"
    done = rulec("diff", "--against", "git:HEAD~1", path)
    assert done.code == 1
    assert done.out.endswith("1 flow opened\n")
    assert f"before:  HEAD~1:{path}:2: policy DROP" in done.out
    assert rulec("diff", "--against", "git:nowhere", path).code == 2
