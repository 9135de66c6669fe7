"""The benchmark itself: what it measures, what it calls a failure, and what it prints."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import pytest

from rulec import api
from tests.bench import compiling, meaning, process
from tests.bench import run as bench_run
from tests.bench.meaning import Job
from tests.bench.process import COLD, LEGACY, NFT, WARM, Bench, Failed, Run
from tests.bench.run import Figures


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A bench whose rulec is a shell script that knows one command."""
    program = tmp_path / "rulec"
    program.write_text('#!/bin/sh\necho "cache $XDG_CACHE_HOME" >&2\ntest "$1" = --version\n')
    program.chmod(0o755)
    return Bench(str(program), tmp_path, {LEGACY: "it needs root", NFT: "it needs root"})


def figures(*ratios: float) -> Figures:
    """A file of 10,000 rules that legacy read in a tenth of a second."""
    runs = [Run(ratio / 10, 50) for ratio in ratios]
    return Figures("acl", 10_000, [Run(0.1, 14)] * len(runs), {COLD: runs, WARM: runs})


def test_measures_time_and_memory(bench: Bench) -> None:
    """A process that sleeps and takes memory is seen to do so."""
    measured = process.run((sys.executable, "-c", "import time; x = b'x' * 80_000_000; time.sleep(0.2)"), bench)
    assert 0.2 <= measured.seconds < 10
    inherited = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # of this process, which started it
    assert 80 <= measured.megabytes < 200 + inherited


def test_cache_folder(bench: Bench) -> None:
    """The empty cache folder is another one each time and gone afterwards; the warm one stays."""
    said = []
    for cache in (COLD, COLD, WARM, WARM):
        process.rulec(bench, "--version", cache=cache)
        said.append((bench.folder / "said").read_text().split()[1])
    assert len(set(said)) == 3
    assert said[2] == said[3] == str(bench.folder / "cache")
    assert not Path(said[0]).exists()


def test_failing_program(bench: Bench) -> None:
    """A program that fails is named, with what it said."""
    with pytest.raises(Failed, match=r"rulec lint: exit code 1\ncache "):
        process.rulec(bench, "lint", cache=WARM)
    process.rulec(bench, "lint", cache=WARM, codes=(0, 1))


def test_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without rulec there is nothing to measure."""
    assert bench_run.main(["--here", "--rulec", str(tmp_path / "rulec")]) == 1
    assert "make install" in capsys.readouterr().err


def test_ratio_is_that_of_the_median_turn() -> None:
    """One slow turn does not count."""
    assert figures(2, 3, 90).ratio(COLD) == pytest.approx(3)
    assert Figures("acl", 10, [], {COLD: [Run(1, 1)]}).ratio(COLD) is None


@pytest.mark.parametrize(
    ("measured", "said"), [(2.0, "met"), (2.4, "not met, within the bound"), (2.6, "NOT MET")], ids=str
)
def test_verdict(measured: float, said: str) -> None:
    """A goal is met, or its bound is, or neither."""
    assert process.verdict(measured, 2.0, 2.5) == said


def test_goals() -> None:
    """Each goal stands beside its figure."""
    lines = list(bench_run.goals([figures(4.0)]))
    assert [line.split()[-1] for line in lines[1:]] == ["met", "MET", "met"]
    assert "4.00 x   NOT MET" in lines[2]


def told(bench: Bench, *lines: str, code: int = 0) -> Bench:
    """A bench whose rulec prints these lines, whatever it is asked."""
    Path(bench.rulec).write_text("#!/bin/sh\n" + "".join(f"echo '{line}'\n" for line in lines) + f"exit {code}\n")
    return bench


@pytest.mark.parametrize(
    ("command", "line", "code", "said"),
    [
        ("lint", "fine", 0, "met"),
        ("lint", "a finding", 1, "met"),
        ("lint", "x: undecided: too large", 0, "no answer: x: undecided: too large"),
        ("lint", "", 2, "no answer"),
        ("diff", "a packet", 1, "met"),
        ("diff", "no difference", 0, "no answer"),
        ("compile", "*filter", 0, "met"),
        ("compile", "refused", 1, "no answer"),
    ],
)
def test_meaning_takes_answers_alone(
    bench: Bench, command: str, line: str, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is left undecided, fails or does not see the edits is not fast, but no answer."""
    job = Job(command, "acl", 60, wish=5, bound=5, megabytes=5000, edits=3 if command == "diff" else 0)
    assert meaning.report(told(bench, line, code=code), 1, [job]) is (said == "met")
    (row,) = (row for row in capsys.readouterr().out.splitlines() if row.startswith(f"{command} acl 60"))
    assert said in row


def test_stops_what_takes_too_long(bench: Bench) -> None:
    """Nobody waits for what never ends."""
    with pytest.raises(Failed, match="stopped after 0 s"):
        process.run(("sleep", "60"), bench, limit=0.1)


def test_meaning_gives_both_versions(bench: Bench) -> None:
    """A difference is that of two rulesets, which differ."""
    before, after = Job("diff", "acl", 60, 1, 1, 100, edits=3).files(bench)
    assert Path(before).read_text() != Path(after).read_text()


def test_compiling_gives_the_policy(bench: Bench) -> None:
    """A compilation is told what is hot, and rulec can read it."""
    for job in compiling.JOBS:
        path = job._replace(rules=100).arguments(bench)[-1]
        assert api.read_policy(path)[1] == []


def test_compiling_asks_no_analysers(bench: Bench) -> None:
    """They do not compile."""
    assert list(meaning.analysers(bench, compiling.JOBS)) == []


def test_meaning_verdict() -> None:
    """Time and memory both count."""
    job = Job("lint", "acl", 50, wish=1, bound=2, megabytes=100)
    runs = [Run(0.5, 50), Run(1.5, 50), Run(2.5, 50), Run(0.5, 150)]
    assert [meaning.Figures(job, [run], {}).verdict for run in runs] == ["met", "bound", "NOT MET", "NOT MET"]


def test_meaning_says_what_is_not_installed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to wonder why a program is not in the table."""
    monkeypatch.setenv("PATH", str(bench.folder))
    assert list(meaning.analysers(bench, meaning.JOBS)) == ["", "fffuu is not installed", "fffuu6 is not installed"]
    assert [line for line in meaning.heading(bench) if line.startswith("without")]


def test_meaning_in_hundred_columns(bench: Bench) -> None:
    """The table fits a terminal of 100 columns, also with large figures."""
    runs = [Run(123.4, 12345)]
    found = [
        meaning.Figures(job, runs, {LEGACY: [Run(0.1, 10)], NFT: [Run(0.1, 10)]})
        for job in (*meaning.JOBS, *compiling.JOBS)
    ]
    for line in [*meaning.heading(bench), *meaning.heading(bench, compiling.TITLE), *map(meaning.row, found)]:
        assert len(line) <= 100


def test_hundred_columns(bench: Bench) -> None:
    """The table fits a terminal of 100 columns, also with large figures."""
    large = Figures("kube", 200_000, [Run(12.3, 1234)], {cache: [Run(123.4, 1234)] for cache in (COLD, WARM)})
    small = large._replace(rulec={cache: [Run(0.1, 1)] for cache in (COLD, WARM)})
    starts = {"python -c pass": [Run(0.02, 9)], "rulec --version": [Run(1, 9)]}
    lines = [bench_run.row(large), bench_run.row(small), *bench_run.starts(starts), *bench_run.goals([large])]
    for line in [*bench_run.heading(bench, 0), *lines]:
        assert len(line) <= 100
