"""What commands write besides their reports: whole texts, and complaints."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import TextIO

from rulec import api
from rulec.errors import InputError, RulecError
from rulec.report.text import printable


def put(text: str, path: str | None, stdout: TextIO) -> None:
    """Write a text to a file, or to standard output without a path or for ``-``; byte for byte in both."""
    buffer = getattr(stdout, "buffer", None)
    if path is not None and path != "-":
        api.write(path, text)
    elif buffer is None:
        stdout.write(text)
    else:
        stdout.flush()
        buffer.write(text.encode("utf-8", "surrogateescape"))


def put_together(texts: Sequence[tuple[str, str | None]], stdout: TextIO) -> None:
    """Write texts as ``put`` does, each with its path: all files, or none and nothing to standard output."""
    api.write_all([(path, text) for text, path in texts if path is not None and path != "-"])
    for text, path in texts:
        if path is None or path == "-":
            put(text, None, stdout)


def tried(text: str, path: str | None, stdout: TextIO, stderr: TextIO) -> str:
    """Write a text as ``put`` does; give the reason where that could not be done, which is said, or nothing."""
    try:
        put(text, path, stdout)
    except RulecError as error:
        complain(error, stderr)
        return str(error)
    return ""


def put_below(folder: str, name: str, text: str, stderr: TextIO) -> None:
    """Write a file below a folder, which is made where it is not there, and say so."""
    path = os.path.join(folder, name)
    make_folder(os.path.dirname(path))
    api.write(path, text)
    say(f"{path} written", stderr)


def make_folder(path: str) -> None:
    """Make a folder, and those above it, where they are not there; InputError where that cannot be done."""
    try:
        os.makedirs(path, exist_ok=True)
    except FileExistsError as error:
        raise InputError(f"{path}: this is no folder") from error
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error


def say(message: str, stream: TextIO) -> None:
    """Print one line, whatever characters the names of files bring into it."""
    print(printable(message), file=stream)


def complain(error: Exception, stderr: TextIO) -> None:
    """Say why the job, or a part of it, could not be done; where nobody reads that, the exit code still tells."""
    where = getattr(error, "filename", None) or "input or output failed"
    reason = f"{where}: {error.strerror or error}" if isinstance(error, OSError) else str(error)
    with suppress(OSError):
        say(f"rulec: error: {reason}", stderr)
