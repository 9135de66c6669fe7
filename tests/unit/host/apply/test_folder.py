"""The folder of the runs: one at a time, and nobody else's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rulec.errors import RulecError
from rulec.host.apply import folder
from rulec.host.apply.guard import BACK, KEPT, WAITING, decide


def run_in(home: Path) -> Path:
    """The folder of a run whose turn lasts as long as this process."""
    return folder.made(folder.turn(str(home)))


def test_a_run_has_a_folder_of_its_own(tmp_path: Path) -> None:
    turn = folder.turn(str(tmp_path / "a/b"))
    place = folder.made(turn)
    assert {path.stat().st_mode & 0o777 for path in (place, place.parent)} == {0o700}
    with pytest.raises(RulecError, match="another rulec apply waits"):
        folder.turn(str(tmp_path / "a/b"))
    os.close(turn.lock)
    assert run_in(tmp_path / "a/b") != place


def test_a_folder_that_others_may_write_to(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(RulecError, match="others may write there"):
        folder.turn(str(tmp_path))


def test_a_folder_is_the_same_from_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard lives in the root folder."""
    monkeypatch.chdir(tmp_path)
    assert run_in(Path("state")).parent == tmp_path / "state"


def test_a_run_that_has_only_begun_is_not_confirmed(tmp_path: Path) -> None:
    before = folder.turn(str(tmp_path))
    decide(folder.made(before), BACK)
    os.close(before.lock)
    folder.turn(str(tmp_path))
    with pytest.raises(RulecError, match="still being loaded"):
        folder.confirm(str(tmp_path))


@pytest.mark.parametrize("word", [KEPT, BACK])
def test_a_run_that_waits_is_confirmed_unless_it_is_decided(tmp_path: Path, word: str) -> None:
    place = run_in(tmp_path)
    with pytest.raises(RulecError, match="still being loaded"):
        folder.confirm(str(tmp_path))
    (place / WAITING).touch()
    if word == BACK:
        decide(place, BACK, "nobody came")
    found = folder.confirm(str(tmp_path))
    assert (found.word, folder.came_too_late(found)) == (word, word == BACK)


def test_the_run_that_waits_is_confirmed_whatever_the_clock_said(tmp_path: Path) -> None:
    """It may have been set back since the run before, or both began in one second."""
    later = tmp_path / "apply-99991231-235959-zzzzzzzz"
    later.mkdir()
    decide(later, BACK, "nobody came")
    place = run_in(tmp_path)
    (place / WAITING).touch()
    assert folder.confirm(str(tmp_path)) == (place, KEPT, "")


def test_a_run_whose_guard_is_gone_waits_no_more(tmp_path: Path) -> None:
    turn = folder.turn(str(tmp_path))
    place = folder.made(turn)
    (place / WAITING).touch()
    os.close(turn.lock)
    with pytest.raises(RulecError, match="is gone"):
        folder.confirm(str(tmp_path))


def test_old_runs_are_deleted(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"apply-2000{number:02}").mkdir()
    place = run_in(tmp_path)
    left = sorted(path.name for path in tmp_path.glob("apply-*"))
    assert len(left) == 21
    assert left[-1] == place.name
    assert left[0] == "apply-200010"
