"""A bar for whoever watches a long reading: on terminals only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from rulec.resources import lazy

Blocks = Iterator[list[bytes]]


def watched(blocks: Blocks, size: int | None, what: str, stream: TextIO) -> Blocks:
    """The same blocks; on a terminal, with a bar that shows how much of them is read."""
    return _shown(blocks, size, what, stream) if stream.isatty() else blocks


def _shown(blocks: Blocks, size: int | None, what: str, stream: TextIO) -> Blocks:
    console = lazy("rich.console").Console(file=stream)
    with lazy("rich.progress").Progress(console=console, transient=True) as progress:
        task = progress.add_task(what, total=size)
        for block in blocks:
            yield block
            progress.advance(task, sum(map(len, block)))
