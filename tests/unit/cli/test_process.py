"""The program as the shell starts it: its streams, its start, its end."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from rulec import __version__

ROOT = Path(__file__).resolve().parent.parent.parent.parent
PROGRAM = (sys.executable, "-m", "rulec")
LISTENING = "import signal, rulec.cli as cli; signal.signal(signal.SIGINT, signal.default_int_handler); cli.run()"
"""The program, also where the tests run in the background and Ctrl-C is not for them."""

RULES = "*filter\n-A INPUT -j NOWHERE\nCOMMIT\n"


def shell(script: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a script in which ``rulec`` is the program."""
    quoted = " ".join(f"'{word}'" for word in PROGRAM)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    script = f'rulec() {{ {quoted} "$@"; }}\n{script}'
    return subprocess.run(
        ["sh", "-c", script], input=stdin, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("module", ["rulec", "rulec.cli"])
def test_can_be_run_as_a_module(module: str) -> None:
    command = [sys.executable, "-m", module, "--version"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"rulec {__version__}\n", "")


def test_version_imports_nothing_that_is_slow() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "rulec", "--version"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stderr
    imported = {line.rsplit("|", 1)[1].strip() for line in told.splitlines() if line.startswith("import time:")}
    assert "rulec.cli" in imported
    slow = {"argparse", "dataclasses", "inspect", "lark", "oxidd._oxidd", "pydantic", "rich", "yaml", "rulec.api"}
    assert imported & slow == set()


@pytest.mark.parametrize(
    ("options", "rules", "needed"),
    [
        ("--select syntax,load,conntrack", "-A INPUT -j ACCEPT\n", False),
        ("--select ruleset", "", False),
        ("--select ruleset", "-A INPUT -j NOWHERE\n", False),
        ("--select ruleset", "-A INPUT -j ACCEPT\n", True),
        ("", "-A INPUT -j ACCEPT\n", True),
    ],
)
def test_packets_are_counted_only_where_somebody_asks(options: str, rules: str, needed: bool) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "rulec", "lint", "--fail-on", "never", *options.split(), "-"]
    text = f"*filter\n{rules}COMMIT\n"
    told = subprocess.run(command, cwd=ROOT, input=text, capture_output=True, text=True, check=True).stderr
    assert bool(re.search(r"\| +oxidd._oxidd$", told, re.M)) is needed


def test_exit_code_reaches_the_shell() -> None:
    done = shell("rulec lint -", RULES)
    assert (done.returncode, done.stderr) == (1, "")
    assert "<stdin>: 1 error\n" in done.stdout


@pytest.mark.parametrize(
    "command", ["lint -", "lint --output-format json -", "lint --output-format sarif -", "fmt --diff -", "fmt -"]
)
def test_closed_pipe(command: str) -> None:
    """``| head -1``: the reader goes away, and nobody complains."""
    rules = "*filter\n" + "-A INPUT -s 10.0.0.1 -m state --state NEW -j ACCEPT\n" * 5000 + "COMMIT\n"
    done = shell(f"rulec {command} | head -1", rules)
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1


def test_closed_pipe_leaves_verdict_and_files_as_they_are(tmp_path: Path) -> None:
    """What was found is found, whether anybody reads it or not."""
    rules = "*filter\n" + "-A INPUT -j NOWHERE\n" * 5000 + "COMMIT\n"
    script = f"{{ rulec lint --output json={tmp_path}/out --output full=- -; echo $? >{tmp_path}/code; }} | head -1"
    done = shell(script, rules)
    assert (done.stderr, done.stdout.count("\n")) == ("", 1)
    assert tmp_path.joinpath("code").read_text() == "1\n"
    assert tmp_path.joinpath("out").read_text().endswith("}\n")


@pytest.mark.parametrize(
    ("command", "code"), [("lint no/such/file", 2), ("lint --no-such-flag", 141), ("fmt --diff -", 141), ("lint -", 1)]
)
def test_closed_pipe_never_says_that_all_is_well(command: str, code: int, tmp_path: Path) -> None:
    """Neither output is read by anybody, from the beginning on."""
    rules = "*filter\n" + "-A INPUT -s 10.0.0.1 -m state --state NEWS -j ACCEPT\n" * 1000 + "COMMIT\n"
    end = tmp_path / "end"
    script = f"cat >{tmp_path}/in; cat {end}; rulec {command} <{tmp_path}/in; echo $? >{tmp_path}/code"
    shell(f"mkfifo {end}; {{ {script}; }} 2>&1 | {{ exec <&-; : >{end}; }}", rules)
    assert tmp_path.joinpath("code").read_text() == f"{code}\n"


def test_the_same_bytes_whatever_the_order_of_sets(tmp_path: Path) -> None:
    """Python orders sets otherwise in each process."""
    outputs = ("--output json={0}.json --output sarif={0}.sarif --output markdown={0}.md --output full=-").format
    printed = set()
    for seed in ("1", "2", "3"):
        name = tmp_path / seed
        done = shell(f"cd {ROOT}; rulec lint --fail-on never {outputs(name)} examples/*.rules", PYTHONHASHSEED=seed)
        assert done.returncode == 0
        printed.add((done.stdout, *(name.with_suffix(f".{form}").read_text() for form in ("json", "sarif", "md"))))
    assert len(printed) == 1


def test_closed_error_output() -> None:
    assert shell("rulec fmt - 2>&1 >/dev/null | head -1", RULES * 2000).stderr == ""


@pytest.mark.parametrize("command", ["lint -", "fmt -", "fmt --diff -", "--version"])
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_full_disk(command: str) -> None:
    done = shell(f"rulec {command} >/dev/full", "*filter\n-A INPUT -s 10.0.0.1 -j ACCEPT\nCOMMIT\n")
    assert done.returncode == 2
    assert done.stderr == "rulec: error: input or output failed: No space left on device\n"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("lint -", 1),
        ("lint no/such/file", 2),
        ("lint --no-such-flag", 2),
        ("diff - -", 2),
        ("hot -", 2),
        ("explain nonsense", 2),
    ],
)
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_full_disk_for_complaints(command: str, code: int) -> None:
    """Where nobody can be told, the exit code still tells what happened."""
    done = shell(f"rulec {command} 2>/dev/full", RULES)
    assert (done.returncode, done.stderr) == (code, "")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams(closed: str) -> None:
    done = shell(f"rulec lint - {closed}", "*filter\nCOMMIT\n")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("command", ["lint -", "fmt -", "trace - --packet any", "hot -", "lint --tracking-report -"])
def test_closed_standard_input_is_no_empty_file(command: str) -> None:
    done = shell(f"rulec {command} <&-")
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"rulec: error: .*: Bad file descriptor\n", done.stderr)
    assert shell(f"rulec {command} <&- >&- 2>&-").returncode == 2


def test_interrupted() -> None:
    """Ctrl-C ends it at once and without a traceback."""
    process = subprocess.Popen(
        [sys.executable, "-c", LISTENING, "lint", "-"], cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin
    process.stdin.write(b"#")
    process.stdin.flush()
    wait_until_read(process.stdin.fileno())
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130
    assert process.stderr
    assert process.stderr.read() == b""


def wait_until_read(pipe: int) -> None:
    """Until the other side has taken all that was written, and waits for more."""
    unread = 1
    while unread:
        (unread,) = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))
        time.sleep(0.2)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_encoding_of_the_terminal(encoding: str) -> None:
    rules = "# \N{SNOWMAN}\n*filter\n-A INPUT -s 10.0.0.1 -j ACCEPT\nCOMMIT\n"
    formatted = shell("rulec fmt -", rules, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert formatted.stdout == rules.replace("10.0.0.1", "10.0.0.1/32")
    bad = shell("rulec lint -", rules.replace("ACCEPT", "\N{SNOWMAN}"), PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    shown = "\N{SNOWMAN}" if encoding == "utf-8" else "\\u2603"
    assert f"3:25: error[syntax-error]: '{shown}' is no chain" in bad.stdout


def test_shapes_and_parser_say_the_same() -> None:
    rules = re.sub("NOWHERE", "ACCEPT", RULES)
    assert shell("rulec lint -", rules).stdout == shell("rulec lint -", rules, RULEC_SHAPES="0").stdout
