"""The command line as a whole: exit codes, help, wrong arguments, and no traceback for any input."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulec import __version__, api
from rulec.cli import main
from rulec.errors import RulecError
from tests.running import rulec

VERBS = ("lint", "fmt", "compile", "explain")
GOOD = "*filter\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n"
LOOSE = "*filter\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n"
BAD = "*filter\n-A INPUT --dport 22 -j ACCEPT\nCOMMIT\n"
TRACKING = "*filter\n-A INPUT -p tcp -m tcp --dport 80 -m state --state NEW -j ACCEPT\nCOMMIT\n"
REDIRECTED = "*nat\n-A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 8080\nCOMMIT\n" + TRACKING
POLICY = "version: 1\nmode: notrack\nhot:\n  - {name: web, role: server, protocol: tcp, ports: 80}\n"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("--version", 0),
        ("-V", 0),
        ("--help", 0),
        ("lint good", 0),
        ("lint tracking", 0),  # notes are no reason to fail
        ("lint bad", 1),
        ("lint good bad", 1),
        ("lint absent", 2),
        ("lint bad absent", 2),  # what could not be done outranks what was found
        ("fmt good", 0),
        ("fmt loose", 0),
        ("fmt --check good", 0),
        ("fmt --check loose", 1),
        ("fmt --diff good", 0),
        ("fmt --diff loose", 1),
        ("fmt bad", 1),
        ("fmt absent", 2),
        ("fmt absent bad good", 2),
        ("compile tracking --policy policy", 0),
        ("compile good --policy policy", 0),
        ("compile redirected --policy policy", 1),
        ("compile bad --policy policy", 2),
        ("compile tracking --policy good", 2),
        ("compile tracking --policy absent", 2),
        ("compile absent --policy policy", 2),
        ("explain syntax-error", 0),
        ("explain conntrack", 0),
        ("explain nonsense", 2),
        ("", 2),
        ("nonsense", 2),
        ("lint", 2),
        ("lint --nonsense good", 2),
        ("lint --family ipv5 good", 2),
        ("lint --output-format xml good", 2),
        ("lint --fail-on sometimes good", 2),
        ("fmt", 2),
        ("fmt --output new good loose", 2),
        ("compile good", 2),
        ("compile good loose --policy policy", 2),
        ("explain", 0),
    ],
)
def test_exit_code(command: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {
        "good": GOOD,
        "loose": LOOSE,
        "bad": BAD,
        "tracking": TRACKING,
        "redirected": REDIRECTED,
    }.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "policy").write_text(POLICY)
    monkeypatch.chdir(tmp_path)
    done = rulec(*command.split())
    assert done.code == code, done.err
    assert "internal error" not in done.err
    if code == 2:
        assert done.err or done.out.startswith("usage:")


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_version(option: str) -> None:
    assert rulec(option) == (0, f"rulec {__version__}\n", "")


@pytest.mark.parametrize("verb", ["", *VERBS])
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_goes_to_the_output(verb: str, option: str) -> None:
    done = rulec(*verb.split(), option)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"usage: rulec {verb}".rstrip())
    assert "exit codes:" in done.out


def test_help_names_every_verb() -> None:
    shown = rulec("--help").out
    assert [verb for verb in VERBS if f"\n    {verb} " not in shown] == []


def test_wrong_arguments_are_told_on_the_error_output() -> None:
    done = rulec("lint", "--nonsense", "file")
    assert (done.code, done.out) == (2, "")
    said = "rulec: error: unrecognized arguments: --nonsense; rulec lint --help lists them"
    assert done.err.splitlines()[-1] == said


@pytest.mark.parametrize(
    ("command", "hint"),
    [
        ("compile good --polcy policy", "; did you mean --policy?; rulec compile --help lists them\n"),
        ("lint --selct=syntax good", "; did you mean --select?; rulec lint --help lists them\n"),
        ("--versoin", "; rulec --help lists them\n"),
    ],
)
def test_says_which_argument_may_have_been_meant(command: str, hint: str) -> None:
    done = rulec(*command.split())
    assert (done.code, done.out, done.err.endswith(hint)) == (2, "", True), done


def test_streams_need_no_name() -> None:
    """Whoever calls ``main`` may pass any text streams, also while the real ones are replaced."""
    out, err = io.StringIO(), io.StringIO()
    assert main(["lint", "-"], io.StringIO(GOOD), out, err) == 0
    assert main(["--help"], io.StringIO(), out, err) == 0
    assert main(["fmt", "-"], io.StringIO(LOOSE), out, err) == 0
    assert out.getvalue().endswith(GOOD)
    assert err.getvalue() == ""


# ── faults of rulec ──────────────────────────────────────────────────────────────────────────────


def fail(*arguments: object, **options: object) -> None:
    raise ZeroDivisionError("by zero")


def test_internal_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "lint", fail)
    done = rulec("lint", "-", stdin=GOOD)
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[0] == "rulec: internal error: ZeroDivisionError: by zero"
    assert "RULEC_DEBUG=1" in done.err


def test_internal_error_for_developers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "lint", fail)
    monkeypatch.setenv("RULEC_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        rulec("lint", "-", stdin=GOOD)


def test_exceptions_on_purpose_are_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise RulecError("not \x1b[2Jtoday")

    monkeypatch.setattr(api, "lint", refuse)
    assert rulec("lint", "-", stdin=GOOD) == (2, "", "rulec: error: not \N{REPLACEMENT CHARACTER}[2Jtoday\n")


# ── any input ────────────────────────────────────────────────────────────────────────────────────

WORDS = (
    "*filter", "*nat", ":INPUT", ":new", "DROP", "-", "[0:0]", "COMMIT", "-A", "-I", "-D", "INPUT", "new", "1", "!",
    "-p", "tcp", "--dport", "80,90", "1:2", "-m", "multiport", "conntrack", "--ctstate", "NEW", "-s", "::1",
    "10.0.0.0/8", "-j", "ACCEPT", "SNAT", "--to", "-h", "-4", '"', "\\", "#", "\t", "\r", "\0", "\x1b", "é", "\udcff",
    "\n", "\n", "\n",
)  # fmt: skip

texts = st.text() | st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join)


RUNS = ("lint -", "lint --output-format json -", "fmt -", "fmt --diff -", "compile - --policy -")


@given(texts, st.sampled_from(RUNS))
def test_no_text_is_a_fault_of_rulec(text: str, command: str) -> None:
    done = rulec(*command.split(), stdin=text.encode("utf-8", "replace").decode())
    assert done.code in (0, 1, 2)
    assert "internal error" not in done.err


@given(st.binary(max_size=200))
def test_no_bytes_are_a_fault_of_rulec(content: bytes) -> None:
    text = content.decode("utf-8", "surrogateescape")
    assert rulec("lint", "-", stdin=text).code in (0, 1)
    formatted = rulec("fmt", "-", stdin=text)
    assert "internal error" not in formatted.err


@given(st.lists(st.sampled_from((*VERBS, "-", "-h", "--diff", "--select", "load", "--policy", "absent")), max_size=5))
def test_no_arguments_are_a_fault_of_rulec(arguments: list[str]) -> None:
    assert "internal error" not in rulec(*arguments, stdin=GOOD).err


@pytest.mark.parametrize(
    ("command", "least"),
    [
        *((f"{command} --memory", 0) for command in ("lint good", "trace good --packet any", "diff good good")),
        *((f"{command} good --policy policy --memory", 0) for command in ("compile", "verify good")),
        ("lint good --jobs", 1),
        ("hot good --top", 0),
        ("hot good --least", 0),
        ("size --entries", 1),
        ("size --established-timeout", 1),
        ("size --mean-lifetime 1 --entries-per-second", 0),
        ("size --entries-per-second 1 --mean-lifetime", 0),
    ],
)
def test_a_number_that_means_nothing_is_refused(command: str, least: int) -> None:
    """As settings refuse it; before anything is read."""
    flag = command.rsplit(maxsplit=1)[-1]
    for text in (str(least - 1), "-5", "x", "nan", "inf", "9" * 30):
        done = rulec(*command.split(), text)
        expected = f"{flag}: this must be a number from {least} to 2147483647, and not {text}\n"
        assert (done.code, done.out, done.err.endswith(expected)) == (2, "", True), done
