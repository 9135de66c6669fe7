"""rulec lint: several forms in one run, files that are whole or absent, and the same bytes each time."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from rulec import api
from rulec.lint import run
from rulec.report.formats import FORMATS
from tests.running import rulec

RULES = "*filter\n-A INPUT -p tcp --dport 99999 -j ACCEPT\n-A INPUT -m state --state NEW\nCOMMIT\n"
EACH = "give each a file of its own with --output FORM=OUT"
CHECKS = ("--select", "syntax,conntrack")


@pytest.fixture(name="here", autouse=True)
def current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("rules").write_text(RULES)
    return tmp_path


def printed(form: str) -> str:
    return rulec("lint", *CHECKS, "--output-format", form, "rules").out


def test_every_form_goes_to_its_own_file(here: Path) -> None:
    done = rulec("lint", *CHECKS, *(f"--output={form}={form}.out" for form in FORMATS), "rules")
    assert done == (1, "", "rulec: 1 file: 1 error, 1 note\n")
    assert [here.joinpath(f"{form}.out").read_text() for form in FORMATS] == [printed(form) for form in FORMATS]


def test_several_forms_compute_once(monkeypatch: pytest.MonkeyPatch) -> None:
    count, once = [], run.lint

    def counted(*arguments: object) -> object:
        count.append(1)
        return once(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(run, "lint", counted)
    rulec("lint", *CHECKS, *(f"--output={form}={form}.out" for form in FORMATS), "rules")
    assert len(count) == 1


@pytest.mark.parametrize(
    ("options", "out"),
    [
        ("--output github=-", "github"),
        ("--output sarif=s --output concise=-", "concise"),
        ("--output sarif=s --output-format json", "json"),
        ("--output-format json", "json"),
        ("--output-format json -o -", "json"),
        ("--output sarif=s -o -", "full"),
        ("", "full"),
    ],
)
def test_what_goes_to_standard_output(options: str, out: str, here: Path) -> None:
    done = rulec("lint", *CHECKS, *options.split(), "rules")
    assert (done.code, done.out, done.err) == (1, printed(out), "")
    if "sarif" in options:
        assert here.joinpath("s").read_text() == printed("sarif")


@pytest.mark.parametrize("options", ["-o out", "--output-file out", "--output full=out", "--output-format full -o out"])
def test_a_file_instead_of_standard_output(options: str, here: Path) -> None:
    assert rulec("lint", *CHECKS, *options.split(), "rules") == (1, "", "rulec: 1 file: 1 error, 1 note\n")
    assert here.joinpath("out").read_text() == printed("full")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--output sarif", "--output sarif: say a form and a file, such as sarif=rulec.sarif"),
        ("--output sarif=", "--output sarif=: say a form and a file, such as sarif=rulec.sarif"),
        ("--output sarfi=x", "--output sarfi=x: there is no form 'sarfi'; did you mean sarif?"),
        ("--output json=x --output sarif=./x", f"two forms would go to ./x; {EACH}"),
        ("--output json=- -o -", f"two forms would go to standard output; {EACH}"),
        ("--output json=no/x", "no/x: there is no folder no"),
        ("-o no/x", "no/x: there is no folder no"),
    ],
)
def test_what_cannot_be_written_is_said_before_any_work(options: str, message: str, here: Path) -> None:
    assert rulec("lint", *options.split(), "absent") == (2, "", f"rulec: error: {message}\n")
    assert sorted(path.name for path in here.iterdir()) == ["rules"]


def test_one_file_that_cannot_be_written_hides_no_other(here: Path) -> None:
    here.joinpath("folder").mkdir()
    done = rulec("lint", *CHECKS, "--output", "sarif=folder", "--output", "json=j", "--output", "concise=-", "rules")
    assert done.code == 2
    assert done.err == "rulec: error: folder: Is a directory\n"
    assert done.out == printed("concise")
    assert here.joinpath("j").read_text() == printed("json")


def test_a_file_is_whole_or_as_it_was(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A form that cannot be made leaves no file behind, and none of the others."""
    here.joinpath("old").write_text("old")

    def fails(log: object) -> object:
        yield "{"
        raise RuntimeError

    monkeypatch.setattr("rulec.report.formats.sarif.lines", fails)
    done = rulec("lint", *CHECKS, "--output", "json=new", "--output", "sarif=old", "rules")
    assert (done.code, done.out) == (2, "")
    assert here.joinpath("old").read_text() == "old"
    assert sorted(path.name for path in here.iterdir()) == ["old", "rules"]


def test_a_file_keeps_its_mode(here: Path) -> None:
    here.joinpath("out").write_text("")
    here.joinpath("out").chmod(0o640)
    rulec("lint", *CHECKS, "-o", "out", "rules")
    assert stat.S_IMODE(here.joinpath("out").stat().st_mode) == 0o640


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_input_gives_the_same_bytes(form: str, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whenever it is asked, and wherever the repository lies."""
    first = printed(form)
    other = here / "elsewhere"
    other.mkdir()
    other.joinpath("rules").write_text(RULES)
    monkeypatch.chdir(other)
    assert printed(form) == first == printed(form)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(("fail_on", "code"), [("error", 1), ("never", 0)])
def test_no_form_changes_the_verdict(form: str, fail_on: str, code: int) -> None:
    assert rulec("lint", *CHECKS, "--fail-on", fail_on, "--output-format", form, "rules").code == code


@pytest.mark.parametrize("path", ["-o", "--output=json="])
def test_a_device_can_be_an_output(path: str) -> None:
    words = [path, os.devnull] if path == "-o" else [f"{path}{os.devnull}"]
    assert rulec("lint", *CHECKS, *words, "rules").code == 1


def test_tracking_reports_have_forms_of_their_own(here: Path) -> None:
    here.joinpath("rules").write_text("*filter\n-A INPUT -m state --state NEW\nCOMMIT\n")
    shown = rulec("lint", "--tracking-report", "rules")
    assert (shown.code, shown.err) == (0, "")
    assert rulec("lint", "--tracking-report", "-o", "out", "rules") == (0, "", "")
    assert here.joinpath("out").read_text() == shown.out
    assert json.loads(rulec("lint", "--tracking-report", "--output-format", "json", "rules").out)
    refused = rulec("lint", "--tracking-report", "--output-format", "sarif", "rules")
    assert refused.code == 2
    assert "a tracking report is full, concise or json" in refused.err


# ── the closing lines ──


def closing(texts: dict[str, str], write: Callable[[str, str], object]) -> str:
    for name, text in texts.items():
        write(name, text)
    return rulec("lint", "--select", "syntax,ruleset", *texts).out.splitlines()[-1]


@pytest.mark.parametrize(
    ("texts", "line"),
    [
        (["*filter\nCOMMIT\n"] * 2, "2 files: nothing found"),
        ([RULES, RULES], "2 files: 2 errors"),
        ([RULES, "*filter\nCOMMIT\n"], "2 files: 1 error in 1 of them"),
        (
            ["*filter\n-A INPUT -j DROP\n-A INPUT -j DROP\nCOMMIT\n", "*filter\nCOMMIT\n"],
            "2 files: 1 warning in 1 of them (fixable: 1 with --fix)",
        ),
    ],
)
def test_the_last_line_is_about_all_files(texts: list[str], line: str, here: Path) -> None:
    named = {f"rules{number}": text for number, text in enumerate(texts)}
    assert closing(named, lambda name, text: here.joinpath(name).write_text(text)) == line


def test_api_names_all_forms() -> None:
    assert api.forms() == FORMATS
