"""The ready policies and the examples of docs/policies.md in the real kernel: what rulec writes makes no difference."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.pages import Shown, play, shown
from tests.running import rulec
from tests.test_policies import POLICIES, compiled
from tests.test_policies_page import SECTIONS, WITH_EXAMPLES


def compilations(text: str) -> list[list[str]]:
    """Of each compilation that writes a file: the ruleset, the policy, the result."""
    words = [shlex.split(each.command) for each in shown(text)]
    return [[one[2], one[4], one[6]] for one in words if one[:2] == ["rulec", "compile"] and "-o" in one]


def same(old: Path | str, new: Path | str, policy: Path | str) -> None:
    done = rulec("verify", old, new, "--policy", policy, "--kernel")
    assert done.code == 0, done.out + done.err
    assert ", 0 differences\n" in done.out


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_ready_policy(name: str, root: Path, tmp_path: Path) -> None:
    result = tmp_path / "new.rules"
    assert compiled(name, POLICIES[name], root, tmp_path, "-o", str(result))[0] == 0
    same(tmp_path / f"{name}.rules", result, root / "policies" / f"{name}.yaml")


@pytest.mark.parametrize("name", [name for name in WITH_EXAMPLES if compilations(SECTIONS[name])])
def test_example_of_the_page(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for each in shown(SECTIONS[name]):
        play(Shown(*each))
    for old, policy, new in compilations(SECTIONS[name]):
        same(old, new, policy)
