"""Many files are shared out to processes, and nobody can tell from what is printed."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from rulec.linting.checking import Linter
from rulec.linting.files import File, read
from rulec.linting.workers import spread
from rulec.settings.model import Settings
from tests.running import rulec

RULES = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport {} -j ACCEPT\n{}-A INPUT -s 192.0.2.{} -j ACCEPT\nCOMMIT\n"
WRONG = "-A INPUT --no-such-option\n"


@pytest.fixture(autouse=True)
def a_folder_of_rulesets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for number in range(24):
        Path(f"{number}.rules").write_text(RULES.format(20 + number, WRONG * (number % 5 == 0), number))


def files(number: int) -> list[File]:
    return [
        read(f"{each}.rules", f"{each}.rules", Path(f"{each}.rules").read_text(), Settings()) for each in range(number)
    ]


@pytest.mark.parametrize("form", ["full", "json", "sarif"])
def test_the_same_is_printed(form: str) -> None:
    alone, shared = (rulec("lint", "-j", jobs, "--output-format", form, ".") for jobs in ("1", "3"))
    assert shared == alone
    assert alone.code == 1


def test_reports_are_about_the_files_that_were_read() -> None:
    read_here = files(24)
    for file, report in zip(read_here, Linter(processes=2).reports(read_here), strict=True):
        assert report.ruleset is file.content
        assert all(label.source is file.source for finding in report.findings for label in finding.labels)


def test_what_a_process_does_not_get_to_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its end, whatever it was of, loses nothing: what it did before counts, and the rest is linted by who asked."""
    here, asked = os.getpid(), files(24)
    report = Linter._report

    def dying(linter: Linter, file: File, configs: list[File]) -> object:
        if os.getpid() != here and file.path == "7.rules":
            os._exit(1)
        return report(linter, file, configs)

    monkeypatch.setattr(Linter, "_report", dying)
    came = spread(Linter()._report, [(file, ()) for file in asked], 2)
    assert 0 < len(came) < 24
    expected = [found.findings for found in Linter().reports(asked)]
    assert [found.findings for found in Linter(processes=2).reports(asked)] == expected


def test_who_is_waited_for_no_more_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []
    fork, wait = os.fork, os.waitpid

    def counted() -> int:
        begun.append(fork())
        return begun[-1]

    def interrupted(process: int, options: int) -> tuple[int, int]:
        raise KeyboardInterrupt

    def dawdling(file: File, beside: object) -> object:
        time.sleep(60)
        return None

    monkeypatch.setattr(os, "waitpid", interrupted)
    monkeypatch.setattr(os, "fork", counted)
    with pytest.raises(KeyboardInterrupt):
        spread(dawdling, [(file, ()) for file in files(4)], 2)
    assert [os.WTERMSIG(wait(process, 0)[1]) for process in begun] == [signal.SIGKILL] * 2
