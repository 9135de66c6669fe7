"""rulec fmt: in place, elsewhere, or only told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.running import rulec

LOOSE = "# web\n*filter\n\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n"
GOOD = "# web\n*filter\n\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n"
BAD = "*filter\n-A INPUT --dport 22 -j ACCEPT\nCOMMIT\n"
DIFFERENCE = """\
--- NAME
+++ NAME (new)
@@ -1,5 +1,5 @@
 # web
 *filter
 
--A INPUT -p tcp --dport 22 -j ACCEPT
+-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
 COMMIT
"""  # noqa: W293


@pytest.fixture
def loose(tmp_path: Path) -> Path:
    path = tmp_path / "rules"
    path.write_text(LOOSE)
    return path


def test_in_place(loose: Path) -> None:
    assert rulec("fmt", loose) == (0, "", f"{loose} written\n")
    assert loose.read_text() == GOOD
    assert [path.name for path in loose.parent.iterdir()] == ["rules"]


def test_formatted_file_is_not_touched(loose: Path) -> None:
    loose.write_text(GOOD)
    before = loose.stat()
    assert rulec("fmt", loose) == (0, "", "")
    assert (loose.stat().st_ino, loose.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_mode_is_kept(loose: Path, mode: int) -> None:
    loose.chmod(mode)
    assert rulec("fmt", loose).code == 0
    assert loose.stat().st_mode & 0o7777 == mode


def test_owner_is_kept(loose: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root gives files away")
    os.chown(loose, 65534, 65533)
    loose.chmod(0o640)
    assert rulec("fmt", loose).code == 0
    assert (loose.stat().st_uid, loose.stat().st_gid, loose.stat().st_mode & 0o7777) == (65534, 65533, 0o640)


@pytest.mark.parametrize("name", ["user.note", "security.selinux"])
def test_attributes_are_kept(loose: Path, name: str) -> None:
    """The label of SELinux is one of them."""
    value = b"system_u:object_r:etc_t:s0\0"
    try:
        os.setxattr(loose, name, value)
    except OSError as error:
        pytest.skip(f"no {name} here: {error}")
    assert rulec("fmt", loose).code == 0
    assert os.getxattr(loose, name) == value


def test_what_could_not_keep_its_owner_is_not_written(loose: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    text, owner = loose.read_text(), os.stat(loose)
    reason = "its owner could not be kept: Operation not permitted"
    if os.geteuid() != 0:
        pytest.skip("only root gives files away")
    os.chown(loose, 65534, 65534)
    monkeypatch.setattr(os, "chown", refuse)
    assert rulec("fmt", loose) == (2, "", f"rulec: error: {loose}: {reason}\n")
    assert (loose.read_text(), [path.name for path in loose.parent.iterdir()]) == (text, ["rules"])
    assert owner.st_uid != 65534


def test_link_stays_a_link(loose: Path) -> None:
    link = loose.parent / "link"
    link.symlink_to("rules")
    assert rulec("fmt", link).code == 0
    assert link.is_symlink()
    assert loose.read_text() == GOOD


def test_invalid_file_is_left_alone(loose: Path) -> None:
    loose.write_text(BAD)
    done = rulec("fmt", loose)
    assert (done.code, done.out) == (1, "")
    assert f"{loose}:2:10: error[syntax-error]" in done.err
    assert done.err.splitlines()[-1] == f"{loose} is not formatted: iptables-restore would not load it"
    assert loose.read_text() == BAD
    assert [path.name for path in loose.parent.iterdir()] == ["rules"]


def test_failed_writing_leaves_everything_as_it_was(loose: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full when the draft is to be made safe."""

    def full(handle: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    assert rulec("fmt", loose) == (2, "", f"rulec: error: {loose}: No space left on device\n")
    assert loose.read_text() == LOOSE
    assert [path.name for path in loose.parent.iterdir()] == ["rules"]


def test_other_files_are_formatted_all_the_same(loose: Path) -> None:
    bad = loose.parent / "bad"
    bad.write_text(BAD)
    assert rulec("fmt", loose.parent / "absent", bad, loose).code == 2
    assert loose.read_text() == GOOD


def test_check(loose: Path) -> None:
    assert rulec("fmt", "--check", loose) == (1, f"{loose} would change\n", "")
    assert loose.read_text() == LOOSE


def test_check_of_a_formatted_file(loose: Path) -> None:
    loose.write_text(GOOD)
    assert rulec("fmt", "--check", loose) == (0, "", "")


def test_diff(loose: Path) -> None:
    assert rulec("fmt", "--diff", loose) == (1, DIFFERENCE.replace("NAME", str(loose)), "")
    assert loose.read_text() == LOOSE


def test_diff_of_a_formatted_file(loose: Path) -> None:
    loose.write_text(GOOD)
    assert rulec("fmt", "--diff", loose) == (0, "", "")


@pytest.mark.parametrize("text", [LOOSE, GOOD])
def test_output(loose: Path, text: str) -> None:
    loose.write_text(text)
    new = loose.parent / "new"
    assert rulec("fmt", loose, "-o", new) == (0, "", f"{new} written\n")
    assert (loose.read_text(), new.read_text()) == (text, GOOD)


def test_new_file_gets_the_mode_of_a_new_file(loose: Path) -> None:
    new, plain = loose.parent / "new", loose.parent / "plain"
    plain.touch()
    rulec("fmt", loose, "-o", new)
    assert new.stat().st_mode == plain.stat().st_mode


def test_output_to_standard_output(loose: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(loose.parent)
    assert rulec("fmt", loose, "-o", "-") == (0, GOOD, "")
    assert [path.name for path in loose.parent.iterdir()] == ["rules"]


def test_output_to_a_device(loose: Path) -> None:
    """/dev/null stays what it is."""
    pipe = loose.parent / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert rulec("fmt", loose, "-o", pipe).code == 0
        assert os.read(reader, 1000).decode() == GOOD
    finally:
        os.close(reader)
    assert pipe.is_fifo()


@pytest.mark.parametrize(("where", "reason"), [("absent/new", "No such file or directory"), (".", "Is a directory")])
def test_output_that_cannot_be_written(loose: Path, where: str, reason: str) -> None:
    new = str(loose.parent / where)
    assert rulec("fmt", loose, "-o", new) == (2, "", f"rulec: error: {new}: {reason}\n")


def test_standard_input_goes_to_standard_output() -> None:
    assert rulec("fmt", "-", stdin=LOOSE) == (0, GOOD, "")


def test_standard_input_to_a_file(tmp_path: Path) -> None:
    assert rulec("fmt", "-", "-o", tmp_path / "new", stdin=LOOSE).out == ""
    assert (tmp_path / "new").read_text() == GOOD


def test_one_output_for_one_file(loose: Path) -> None:
    done = rulec("fmt", loose, loose, "-o", "new")
    assert done == (2, "", "rulec: error: --output takes one file at a time\n")


def test_names_do_not_steer_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "\x1b[31mrules"
    path.write_text(LOOSE)
    done = rulec("fmt", "--check", path)
    assert done.out == f"{tmp_path}/\N{REPLACEMENT CHARACTER}[31mrules would change\n"


@pytest.mark.parametrize(
    ("written", "formatted"),
    [
        ("-m geoip   --src-cc XX,YY", "-m geoip --src-cc XX,YY"),
        ("-m geoip ! --src-cc=XX", "-m geoip ! --src-cc XX"),
        ('-m geoip --src-cc "X Y" Z', '-m geoip --src-cc "X Y" Z'),
        ("-m geoip --here", "-m geoip --here"),
        ("-m geoip --src-cc XX -p tcp --dport 22", "-p tcp -m geoip --src-cc XX -m tcp --dport 22"),
        ("-p tcp -m geoip --dport 22 --src-cc XX", "-p tcp -m geoip --src-cc XX -m tcp --dport 22"),
    ],
)
def test_words_of_opaque_extensions_are_kept(written: str, formatted: str) -> None:
    rules = "*filter\n-A INPUT {} -j TARPIT --honeypot\nCOMMIT\n"
    done = rulec("fmt", "--opaque", "geoip", "--opaque", "TARPIT", "-", stdin=rules.format(written))
    assert done == (0, rules.format(formatted), "")


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("*filter # a b\nCOMMIT\n", "# a b\n*filter\nCOMMIT\n"),
        ("*filter\n:INPUT DROP # a\nCOMMIT\n", "*filter\n# a\n:INPUT DROP\nCOMMIT\n"),
        ("*filter\n:INPUT  DROP [1:2] x #a\nCOMMIT\n", "*filter\n#a\n:INPUT DROP [1:2]\nCOMMIT\n"),
        ("*filter\n:#a - [0:0]\nCOMMIT\n", "*filter\n:#a - [0:0]\nCOMMIT\n"),
    ],
)
def test_a_comment_behind_a_chain_goes_above_it(text: str, form: str) -> None:
    assert rulec("fmt", "-o", "-", "-", stdin=text) == (0, form, "")
