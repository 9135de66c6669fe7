"""The side of the program that was started: it asks, and hears what the guard does.

Each watches the other.  The guard goes back when this process dies, and this process goes back when the guard does.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from rulec.errors import RulecError
from rulec.host.apply import guard
from rulec.host.apply.guard import BACK, KEPT, LOG, decide, decided
from rulec.host.programs import environment

Event = tuple[Any, ...]
_LAST = ("kept", "back", "half back")
_PATIENCE = 20


def terminal(stdin: TextIO) -> int | None:
    """Where somebody can be asked; None where nobody sits."""
    try:
        return stdin.fileno() if os.isatty(stdin.fileno()) else None
    except (OSError, ValueError):
        return None


class Watched:
    """A guard that runs, and the pipes to it."""

    def __init__(self, folder: Path, lock: int) -> None:
        self.folder = folder
        self._buffer = b""
        self._process = _started(folder, lock)
        assert self._process.stdout is not None
        self.events = self._process.stdout.fileno()
        if not self._is_ready():
            self._process.kill()
            said = (folder / LOG).read_text("utf-8", "replace").strip() if (folder / LOG).exists() else ""
            raise RulecError(f"what would go back by itself does not start, so nothing was touched: {said[-500:]}")

    def say(self, word: str) -> None:
        """Tell the guard to begin, or that the answer is no."""
        assert self._process.stdin is not None
        with suppress(OSError):
            os.write(self._process.stdin.fileno(), word.encode("ascii"))

    def heard(self) -> list[Event] | None:
        """What it has said since, None when it is gone."""
        block = os.read(self.events, 1 << 16)
        *lines, self._buffer = (self._buffer + block).split(b"\n")
        return [tuple(json.loads(line)) for line in lines] if block or lines else None

    def _is_ready(self) -> bool:
        if not select.select([self.events], [], [], _PATIENCE)[0]:
            return False
        return self.heard() == [("ready",)]


def _started(folder: Path, lock: int) -> subprocess.Popen[bytes]:
    path = guard.__file__
    if not sys.executable or not os.path.isfile(path):
        raise RulecError("what would go back by itself cannot be started from here, so nothing was touched")
    with open(os.open(folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as log:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", path, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
            pass_fds=(lock,),
            cwd="/",
            env=environment(),
        )


def watch(watched: Watched, tty: int | None) -> Iterator[Event]:
    """Let the guard begin, and tell what happens until it is decided; ``tty`` is where to ask."""
    watched.say("go")
    touched: list[int] = []
    asked = False
    while True:
        try:
            for event in _next(watched, tty if asked else None):
                yield event
                if event[0] == "loading":
                    touched.append(event[1])
                elif event[0] == "waiting":
                    asked = _flushed(tty)
                elif event[0] == "ended":
                    asked = False
                elif event[0] == "gone":
                    yield from _instead(watched.folder, touched)
                    return
                elif event[0] in _LAST:
                    return
        except KeyboardInterrupt:
            watched.say("no")
            asked = False


def _next(watched: Watched, tty: int | None) -> Iterator[Event]:
    ready = select.select([watched.events] + ([] if tty is None else [tty]), [], [])[0]
    if watched.events in ready:
        heard = watched.heard()
        yield from [("gone",)] if heard is None else heard
    elif tty is not None:
        yield from _answered(watched, tty)


def _answered(watched: Watched, tty: int) -> Iterator[Event]:
    """What was typed: yes keeps, no and the end of the terminal go back, anything else is asked again."""
    typed = b""
    with suppress(OSError):
        typed = os.read(tty, 4096)
    word = typed.decode("utf-8", "replace").strip().lower()
    if word == "yes":
        try:
            decide(watched.folder, KEPT)
        except OSError as error:
            watched.say("no")
            yield "unnoted", error.strerror or str(error)
        yield ("ended",)
    elif not typed or word == "no":
        watched.say("no")
        yield ("ended",)
    else:
        yield ("unclear",)


def _flushed(tty: int | None) -> bool:
    """Forget what was typed before the question; whether there is anybody to ask."""
    if tty is not None:
        with suppress(termios.error, OSError):
            termios.tcflush(tty, termios.TCIFLUSH)
    return tty is not None


def _instead(folder: Path, touched: list[int]) -> Iterator[Event]:
    """Do what the guard would have done, which was killed."""
    told: list[Event] = []
    if not decide(folder, BACK, "the process that would go back was killed") and decided(folder)[0] == KEPT:
        yield ("kept",)
        return
    yield "going back", decided(folder)[1]
    went = guard.go_back(guard.loaded(folder), touched, lambda *event: told.append(event))
    yield from told
    yield ("back" if went else "half back",)
