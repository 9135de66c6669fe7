"""The program inside the test: arguments and standard input in; exit code and both outputs out."""

from __future__ import annotations

import io
from pathlib import Path
from typing import NamedTuple

from rulec.cli import main


class Done(NamedTuple):
    """How a run ended, and what it printed."""

    code: int
    out: str
    err: str


def rulec(*arguments: str | Path, stdin: str = "") -> Done:
    """Run one command with streams of bytes below, as the program has them."""
    source = io.TextIOWrapper(io.BytesIO(_bytes(stdin)), encoding="utf-8")
    out, err = _output(), _output()
    code = main([str(argument) for argument in arguments], source, out, err)
    return Done(code, _printed(out), _printed(err))


def _output() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace", newline="")


def _printed(stream: io.TextIOWrapper) -> str:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
