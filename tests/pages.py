"""Pages that show commands: what they say is played, and what is printed must be what stands there.

In a block ```` ```console ```` each line ``$ COMMAND`` is followed by what it prints.
``$ cat NAME`` of a file that is not there shows what it holds, and makes it.
"""

from __future__ import annotations

import io
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rulec.cli import main

ROOT = Path(__file__).resolve().parent.parent
_BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
_COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
_SECTION = re.compile(r"(?m)^## (.*)$")


class Shown(NamedTuple):
    """A command, and what stands below it."""

    command: str
    output: str


def shown(text: str) -> Iterator[Shown]:
    """The commands of a page, or of a part of it."""
    for block in _BLOCK.findall(text):
        yield from (Shown(command, output) for command, output in _COMMAND.findall(block))


def sections(page: Path) -> dict[str, str]:
    """The parts of a page under their headings of the second rank."""
    _, *parts = _SECTION.split(page.read_text(encoding="utf-8"))
    return dict(zip(parts[::2], parts[1::2], strict=True))


def furnished(folder: Path) -> Path:
    """A folder from which commands find what they would in the project."""
    for name in ("examples", "policies"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def play(shown: Shown) -> str:
    """What a command prints, in the current folder."""
    program, *arguments = shlex.split(shown.command)
    if program == "cat":
        return _cat(Path(*arguments), shown.output)
    assert program == "rulec", f"what is {program}?"
    printed = io.StringIO()
    main(arguments, io.StringIO(), printed, printed)
    return printed.getvalue()


def _cat(path: Path, text: str) -> str:
    if not path.exists():
        path.write_text(text, encoding="utf-8")
    return path.read_text(encoding="utf-8")


def renewed(text: str, found: dict[Shown, str]) -> str:
    """A page with what commands print now in place of what stood there."""
    for each, printed in found.items():
        text = text.replace(f"$ {each.command}\n{each.output}", f"$ {each.command}\n{printed.strip()}\n")
    return text
