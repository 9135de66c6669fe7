r"""Text and places in it.

Offsets count characters of the decoded text, and a span is half open.  Bytes
that are not UTF-8 are decoded with ``surrogateescape``, so that every input
comes back byte for byte (PEP 383).  Lines end at ``\\n`` only, as for the
``fgets`` with which iptables-restore reads; lines and columns count from 1.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterable
from errno import EISDIR
from functools import cached_property
from typing import NamedTuple

from rulec.errors import InputError
from rulec.resources import lazy


class Span(NamedTuple):
    """A half-open stretch of a text, in characters."""

    start: int
    end: int


class Source:
    """A named text that knows its lines."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Source) and (self.name, self.text) == (other.name, other.text)

    def __hash__(self) -> int:
        return hash(self.name)

    @cached_property
    def line_starts(self) -> list[int]:
        """Offset at which each line begins; the first is 0."""
        starts = [0]
        starts.extend(self._ends_of_lines())
        return starts

    def _ends_of_lines(self) -> list[int]:
        position, ends = 0, []
        for line in self.text.split("\n")[:-1]:
            position += len(line) + 1
            ends.append(position)
        return ends

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both counted from 1."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def text_of_line(self, number: int) -> str:
        """A line with its newline, if it has one."""
        start = self.line_starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start:] if end < 0 else self.text[start : end + 1]

    def line(self, number: int) -> str:
        """The text of a line without its newline; empty past the end."""
        if number > len(self.line_starts):
            return ""
        start = self.line_starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start:] if end < 0 else self.text[start:end]


def read_file(path: str) -> str:
    """The text of a file, any bytes; InputError says why when there is none."""
    try:
        with open(path, "rb") as file:
            return file.read().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error


def write_file(path: str, text: str) -> None:
    """Write a whole file or nothing: the old content stays until the new one is complete.

    Mode, owner and extended attributes of an existing file are kept (the label of
    SELinux and access lists are such attributes), and what is no file but a device or a
    pipe is written to as it is.  Raises InputError when it cannot be written, also where
    its owner or a label could not be kept.
    """
    write_files([(path, text)])


def write_files(texts: Iterable[tuple[str, str]]) -> None:
    """The same for several, by path: none is touched before all are complete."""
    drafts: list[_Draft] = []
    try:
        for path, text in texts:
            drafts.append(_draft(path, text))
        while drafts:
            _put_in_place(drafts[0])
            drafts.pop(0)
    finally:
        for draft in drafts:
            if draft.made:
                os.unlink(draft.made)


class _Draft(NamedTuple):
    """What is to stand at a path: the file that was ``made`` beside it, none where it is no file."""

    path: str
    made: str
    text: str


def _draft(path: str, text: str) -> _Draft:
    target, made = os.path.realpath(path), ""
    try:
        if os.path.isdir(path):
            raise IsADirectoryError(EISDIR, os.strerror(EISDIR))
        if os.path.exists(path) and not os.path.isfile(path):
            return _Draft(path, "", text)
        known = os.stat(target) if os.path.exists(target) else None
        handle, made = lazy("tempfile").mkstemp(prefix=".rulec-", dir=os.path.dirname(target))
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8", "surrogateescape"))
            file.flush()
            os.fsync(file.fileno())
        _keep(known, target, made)
    except OSError as error:
        if made:
            os.unlink(made)
        raise InputError(f"{path}: {error.strerror or error}") from error
    return _Draft(path, made, "")


def _put_in_place(draft: _Draft) -> None:
    try:
        if draft.made:
            os.replace(draft.made, os.path.realpath(draft.path))
            return
        with open(draft.path, "wb") as file:
            file.write(draft.text.encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise InputError(f"{draft.path}: {error.strerror or error}") from error


def _keep(known: os.stat_result | None, target: str, draft: str) -> None:
    """Give a draft the owner, the mode and the attributes of the file that it takes the place of."""
    if known is None:
        os.chmod(draft, 0o666 & ~_umask())
        return
    made, what = os.stat(draft), "owner"
    try:
        if (made.st_uid, made.st_gid) != (known.st_uid, known.st_gid):
            os.chown(draft, known.st_uid, known.st_gid)
        os.chmod(draft, known.st_mode & 0o7777)
        for name, value in _attributes(target).items():
            what = f"attribute {name}"
            if _attributes(draft).get(name) != value:
                os.setxattr(draft, name, value)
    except OSError as error:
        raise OSError(error.errno, f"its {what} could not be kept: {error.strerror}") from error


def _attributes(path: str) -> dict[str, bytes]:
    """The extended attributes of a file; none where its file system has none."""
    try:
        return {name: os.getxattr(path, name) for name in os.listxattr(path)}
    except (OSError, AttributeError):
        return {}


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
