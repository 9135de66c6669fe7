"""The bar of a long reading: on terminals only, and nothing is lost by it."""

from __future__ import annotations

import io

from rulec.report.progress import watched

BLOCKS = [[b"a\n", b"b\n"], [b"c\n"]]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_a_bar() -> None:
    terminal = Terminal()
    assert list(watched(iter(BLOCKS), 6, "reading table", terminal)) == BLOCKS
    assert "reading table" in terminal.getvalue()


def test_a_size_that_nobody_knows() -> None:
    assert list(watched(iter(BLOCKS), None, "reading table", Terminal())) == BLOCKS


def test_what_is_no_terminal_stays_as_it_is() -> None:
    stream, blocks = io.StringIO(), iter(BLOCKS)
    assert watched(blocks, 6, "reading table", stream) is blocks
    assert stream.getvalue() == ""
