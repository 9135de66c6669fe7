"""rulec watch on a machine that a test makes up."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest

from rulec import advice
from rulec.cli import main
from rulec.errors import InputError
from rulec.host.conntrack import watch
from rulec.host.conntrack.watch import Moment
from tests.running import rulec

PAGE = (Path(__file__).parents[3] / "docs/watch.md").read_text(encoding="utf-8")


class Ended(Exception):
    """More was slept than a test allows."""


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Time goes on by sleeping alone, and entries come, ten a second; the third sleep is ended by Ctrl-C."""
    times: list[float] = []

    def sleep(seconds: float) -> None:
        if len(times) == 2:
            raise KeyboardInterrupt
        times.append(seconds)

    monkeypatch.setattr("time.sleep", sleep)
    monkeypatch.setattr(watch, "now", lambda: Moment(sum(times), 50 + int(10 * sum(times)), 100, {"drop": 3}))
    return times


@pytest.fixture(autouse=True)
def _forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def running() -> None:
        raise InputError("/proc/net/nf_conntrack: only root may read it")

    monkeypatch.setattr("rulec.host.conntrack.here.running", running)


def test_once_takes_one_interval(slept: list[float]) -> None:
    done = rulec("watch", "--once", "--interval", "2")
    assert (done.code, slept) == (0, [2])
    assert done.out.splitlines()[0] == "70 of 100 entries: 70.0%, +10.0 a second, full in 3 s"


def test_once_without_an_interval_is_at_once(slept: list[float]) -> None:
    done = rulec("watch", "--once", "--interval", "0", "--json")
    assert (done.code, slept) == (0, [])
    assert json.loads(done.out)["growth_per_second"] is None


def test_ctrl_c_ends_it_well() -> None:
    done = rulec("watch", "--interval", "1", "--output-format", "json")
    assert done.code == 0
    assert [json.loads(line)["entries"] for line in done.out.splitlines()] == [50, 60, 70]


def test_what_only_root_may_read_is_told() -> None:
    done = rulec("watch", "--once")
    assert "not read: services: /proc/net/nf_conntrack: only root may read it" in done.out
    assert "not read" not in rulec("watch", "--once", "--top", "0").out


def test_a_closed_pipe_ends_it_without_a_word() -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    err = io.StringIO()
    assert main(["watch", "--interval", "1"], io.StringIO(), Closed(), err) == 141
    assert err.getvalue() == ""


def test_a_terminal_is_written_over() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    assert main(["watch", "--interval", "1"], io.StringIO(), out, io.StringIO()) == 0
    assert "70 of 100 entries" in out.getvalue()


def test_the_file_of_metrics_is_there_at_each_view(tmp_path: Path) -> None:
    path = tmp_path / "rulec.prom"
    assert rulec("watch", "--interval", "1", "--textfile", path).code == 0
    assert "node_nf_conntrack_entries 70\n" in path.read_text()
    assert rulec("watch", "--once", "--interval", "0", "--textfile", path, "--own-names").code == 0
    assert "rulec_conntrack_entries 70\n" in path.read_text()
    assert [each.name for each in tmp_path.iterdir()] == ["rulec.prom"]


def test_where_the_file_cannot_be_written(tmp_path: Path) -> None:
    done = rulec("watch", "--once", "--textfile", tmp_path / "no/rulec.prom")
    assert (done.code, done.out) == (2, "")
    assert "No such file or directory" in done.err


@pytest.mark.parametrize(
    "arguments", [("--interval", "0"), ("--interval", "-1"), ("--interval", "nan"), ("--top", "-1")]
)
def test_numbers_that_are_none(arguments: tuple[str, ...]) -> None:
    done = rulec("watch", *arguments)
    assert (done.code, done.out) == (2, "")
    assert f"rulec: error: {arguments[0]}: say" in done.err


def test_nothing_to_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing() -> Moment:
        raise InputError("connection tracking is not loaded here")

    monkeypatch.setattr(watch, "now", nothing)
    done = rulec("watch")
    assert (done.code, done.err) == (2, "rulec: error: connection tracking is not loaded here\n")


def test_the_page_names_all_options(capsys: pytest.CaptureFixture[str]) -> None:
    options = set(re.findall(r"(?m)^  (--[a-z-]+)", rulec("watch", "--help").out + capsys.readouterr().out))
    assert len(options) > 5
    assert {option for option in options if option not in PAGE} == set()


def test_the_library_is_imported_for_terminals_only() -> None:
    view = next(advice.watch(1, 0, False))
    assert advice.render_watch(view, 0, "full").startswith("50 of 100 entries")
