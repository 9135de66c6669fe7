"""Many rulesets at once: processes that each lint some, and hand back what they found.

They are forked after all files are read, so nothing is read twice, and before any
set of packets is made.  What comes back speaks of files that are here already, and
names them by number: only what was found is sent.  It is sent through a file, so
nobody waits for anybody, and a process that loses its parent ends by itself.
"""

from __future__ import annotations

import os
import pickle
import signal
from collections.abc import Callable, Iterator, Sequence
from tempfile import TemporaryFile
from typing import IO, Any

from rulec.linting.files import File

Lint = Callable[[File, Sequence[File]], Any]
Asked = Sequence[tuple[File, Sequence[File]]]
"""Rulesets, each with the configuration files of its host."""


def spread(lint: Lint, asked: Asked, processes: int) -> dict[int, Any]:
    """What ``lint`` says of each, by its number; nothing of those to which a process did not get."""
    largest_first = sorted(range(len(asked)), key=lambda number: -len(asked[number][0].source.text))
    contents = [file.content for one, beside in asked for file in (one, *beside)]
    known = [each for content in contents for each in (content, content.source)]
    shares = [largest_first[first::processes] for first in range(processes)]
    at_work = [_begun(lint, asked, share, known) for share in shares]
    found: dict[int, Any] = {}
    try:
        while at_work:
            process, sent = at_work[0]
            os.waitpid(process, 0)
            at_work.pop(0)
            found.update(_received(sent, known))
    finally:
        for process, _ in at_work:
            os.kill(process, signal.SIGKILL)  # who is waited for no more; Ctrl-C need not come to all
    return found


def _begun(lint: Lint, asked: Asked, share: Sequence[int], known: list[Any]) -> tuple[int, IO[bytes]]:
    """A process that lints a share, and the file that it writes."""
    sent = TemporaryFile()  # noqa: SIM115 (both sides have it)
    if process := os.fork():
        return process, sent
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a word
        numbers = {id(each): number for number, each in enumerate(known)}
        for number in share:
            pickler = pickle.Pickler(sent, pickle.HIGHEST_PROTOCOL)
            pickler.persistent_id = lambda each: numbers.get(id(each))  # type: ignore[method-assign]
            pickler.dump((number, lint(*asked[number])))
        sent.flush()
    finally:
        os._exit(0)  # what it raised, its parent will raise, who does what is missing


def _received(sent: IO[bytes], known: list[Any]) -> Iterator[tuple[int, Any]]:
    with sent:
        sent.seek(0)
        while True:
            unpickler = pickle.Unpickler(sent)
            unpickler.persistent_load = known.__getitem__  # type: ignore[method-assign]
            try:
                yield unpickler.load()
            except (EOFError, pickle.UnpicklingError):
                return
