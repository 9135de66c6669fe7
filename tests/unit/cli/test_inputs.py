"""What commands read: files of any kind and standard input."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rulec.cli import main
from tests.running import rulec

RULES = "*filter\n-A INPUT -j ACCEPT\nCOMMIT\n"
NOBODY = 65534


def absent(folder: Path) -> Path:
    return folder / "absent"


def directory(folder: Path) -> Path:
    return folder


def below_a_file(folder: Path) -> Path:
    (folder / "file").touch()
    return folder / "file" / "rules"


def circle(folder: Path) -> Path:
    (folder / "circle").symlink_to("circle")
    return folder / "circle"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (absent, "No such file or directory"),
        (directory, "Is a directory"),
        (below_a_file, "Not a directory"),
        (circle, "Too many levels of symbolic links"),
    ],
)
@pytest.mark.parametrize("command", ["lint FILE", "fmt FILE", "compile FILE --policy FILE"])
def test_unreadable(make: Callable[[Path], Path], reason: str, command: str, tmp_path: Path) -> None:
    path = str(make(tmp_path))
    if command == "lint FILE" and make is directory:
        reason = "no ruleset and no configuration file is there"
    if command == "fmt FILE" and make is directory:
        reason = "no ruleset is there"
    assert rulec(*command.replace("FILE", path).split()) == (2, "", f"rulec: error: {path}: {reason}\n")


@contextmanager
def nobody() -> Iterator[None]:
    """Without the rights of root, which reads everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_permission_denied(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(RULES)
    path.chmod(0)
    rulec("lint", tmp_path / "absent")  # imports what is needed, while everything can be read
    with nobody():
        done = rulec("lint", path)
    assert done == (2, "", f"rulec: error: {path}: Permission denied\n")


def test_empty_file_is_a_ruleset(tmp_path: Path) -> None:
    path = tmp_path / "empty.v4"
    path.touch()
    assert rulec("lint", path).code == 0
    assert rulec("fmt", "--check", path) == (0, "", "")


def test_standard_input() -> None:
    done = rulec("lint", "--output-format", "concise", "-", stdin="*filter\n-A INPUT -j NOWHERE\nCOMMIT\n")
    assert done.code == 1
    assert done.out.startswith("<stdin>:2:13: error[syntax-error]: 'NOWHERE' is no chain")


def test_several_files_are_told_apart_and_in_order(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / name).write_text("*filter\nx\nCOMMIT\n")
    done = rulec("lint", "--output-format", "concise", tmp_path / "b", tmp_path / "absent", tmp_path / "a")
    assert [line.split(":")[0] for line in done.out.splitlines()] == [str(tmp_path / "b"), str(tmp_path / "a")]
    assert done.err == f"rulec: error: {tmp_path / 'absent'}: No such file or directory\n"


@pytest.mark.parametrize(
    ("name", "options", "code"),
    [
        ("rules.v6", "", 0),
        ("rules.v4", "", 1),
        ("rules", "", 0),  # nothing but the address tells
        ("rules.v4", "--family ipv6", 0),
        ("rules.v6", "--family ipv4", 1),
        ("rules.v6", "--family auto", 0),
    ],
)
def test_family(name: str, options: str, code: int, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text("*filter\n-A INPUT -s 2001:db8::1/128 -j ACCEPT\nCOMMIT\n")
    assert rulec("lint", *options.split(), path).code == code


@pytest.mark.parametrize(
    ("options", "slug"),
    [("", "syntax-error"), ("--opaque geoip", "unknown-extension"), ("--opaque TARPIT", "syntax-error")],
)
def test_opaque(options: str, slug: str) -> None:
    rules = "*filter\n-A INPUT -m geoip --src-cc XX -j DROP\nCOMMIT\n"
    done = rulec("lint", "--output-format", "concise", *options.split(), "-", stdin=rules)
    assert f"[{slug}]" in done.out
    assert done.out.count("\n") == 1


BYTES = "# caf\udce9 \x1b[2J\n*filter\n-A INPUT -s 10.0.0.1 -j ACCEPT\nCOMMIT\n"


def test_bytes_that_are_no_text_come_through() -> None:
    """Latin-1 in a comment is as good as any other byte."""
    done = rulec("fmt", "-", stdin=BYTES)
    assert done == (0, BYTES.replace("10.0.0.1", "10.0.0.1/32"), "")


def test_bytes_that_are_no_text_come_through_a_difference() -> None:
    assert BYTES.split("\n", 1)[0] in rulec("fmt", "--diff", "-", stdin=BYTES).out


def test_standard_input_that_cannot_be_read() -> None:
    class Failing(io.StringIO):
        def read(self, size: int | None = -1) -> str:
            raise OSError(5, "Input/output error")

    err = io.StringIO()
    assert main(["lint", "-"], Failing(), io.StringIO(), err) == 2
    assert err.getvalue() == "rulec: error: <stdin>: Input/output error\n"
