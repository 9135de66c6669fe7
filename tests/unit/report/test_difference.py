"""Differences as diff(1) and patch(1) know them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulec.report.difference import unified


def difference(old: str, new: str) -> str:
    return "".join(unified(old, new, "rules"))


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ("a\n", "a\n", []),
        ("", "", []),
        ("a\n", "b\n", ["@@ -1 +1 @@", "-a", "+b"]),
        ("", "a\n", ["@@ -0,0 +1 @@", "+a"]),
        ("a", "a\n", ["@@ -1 +1 @@", "-a", r"\ No newline at end of file", "+a"]),
        ("a\r\n", "a\n", ["@@ -1 +1 @@", "-a\r", "+a"]),
        ("a\x0cb\u2028c\n", "a\n", ["@@ -1 +1 @@", "-a\x0cb\u2028c", "+a"]),  # none of these ends a line
    ],
)
def test_lines(old: str, new: str, lines: list[str]) -> None:
    head = ["--- rules", "+++ rules (new)"] if lines else []
    assert difference(old, new) == "".join(f"{line}\n" for line in [*head, *lines])


@pytest.mark.skipif(shutil.which("patch") is None, reason="no patch(1) here")
@given(old=st.text("ab\n\r\x0c", max_size=12), new=st.text("ab\n\r\x0c", max_size=12))
def test_patch_takes_it(old: str, new: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder: Path = tmp_path_factory.mktemp("patch")
    (folder / "rules").write_bytes(old.encode())
    command = ["patch", "--binary", "--quiet", "--posix", "rules"]
    if old != new:
        subprocess.run(command, cwd=folder, input=difference(old, new).encode(), check=True, capture_output=True)
    left = (folder / "rules").read_bytes() if (folder / "rules").exists() else b""
    assert left == new.encode()
