"""The process that loads the tables, and goes back by itself.

It alone touches the rules, so nothing of a loader that was killed can come after the way back.  It is a session
of its own that a lost terminal does not reach, and holds the end of a pipe whose other end only the program
has that started it: when that dies, however, the pipe says so.

This file is run as it is, ``python -I -S guard.py FOLDER``, and needs Python's own library alone: it must not
depend on what may be replaced while it waits.
"""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

KEPT, BACK = "kept", "back"
PLAN, DECISION, WAITING, LOG = "plan.json", "decision", "waiting", "log"
TRIES = 3
_LONGEST = 60  # seconds that one command may take
_MOST_SAID = 4000
_LOCKED = "holding the xtables lock"
_PAST_THE_LOCK = {"XTABLES_LOCKFILE": os.devnull}
_COUNTERS = re.compile(r"(?m)^(:.*) \[\d+:\d+\]$|^\[\d+:\d+\] ")
_REFUSED = "the answer was no"
_ENDED = "rulec ended before the new rules were confirmed"

Tell = Callable[..., None]


# ── what is decided: once, by whoever comes first ──


def decide(folder: Path, word: str, reason: str = "") -> bool:
    """Say whether new rules are kept or taken back; False where it was said before, and stays so.

    A name can be linked once only, so of a confirmation and a deadline at the same time one wins, and both know which.
    Where there is no room for the reason, the word alone is: ``prepare`` has written it.
    """
    said = draft = folder / f".{DECISION}-{os.getpid()}"
    try:
        _write(draft, word, reason)
    except OSError:
        said = folder / f".{word}"
    try:
        os.link(said, folder / DECISION)
    except FileExistsError:
        return False
    finally:
        draft.unlink(missing_ok=True)
    return True


def prepare(folder: Path) -> None:
    """Have both words lie ready: nothing is loaded on a disk where nobody could confirm it, or say that it is over."""
    for word in (KEPT, BACK):
        _write(folder / f".{word}", word, "")


def _write(path: Path, word: str, reason: str) -> None:
    path.write_text(f"{word}\n{reason}\n", encoding="utf-8")
    path.chmod(0o600)


def decided(folder: Path) -> tuple[str, str]:
    """What was said, and why; both empty as long as it is open."""
    with suppress(FileNotFoundError):
        word, reason = (folder / DECISION).read_text(encoding="utf-8").split("\n", 1)
        return word, reason.strip()
    return "", ""


# ── commands ──


def run(
    command: list[str], text: str = "", held: int | None = None, environment: Mapping[str, str] = os.environ
) -> tuple[int, str]:
    """Run a command on a text: its exit code, and what it said; ``held`` is an open file that lives as long as it."""
    given = text.encode("utf-8", "surrogateescape")
    kept = () if held is None else (held,)
    try:
        done = subprocess.run(
            command, input=given, capture_output=True, check=False, timeout=_LONGEST, pass_fds=kept, env=environment
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return 127, str(error)
    return done.returncode, done.stderr.decode("utf-8", "backslashreplace").strip()[:_MOST_SAID]


def read(path: Path) -> str:
    """A text, any bytes."""
    return path.read_bytes().decode("utf-8", "surrogateescape")


def loaded(folder: Path) -> dict[str, Any]:
    """The plan of a folder with all texts that it names: the way back needs the disk no more."""
    plan: dict[str, Any] = json.loads(read(folder / PLAN))
    for step in plan["steps"]:
        step.update({name: read(Path(step[name])) for name in ("text", "before", "saved")})
    return plan


def tables(saved: str) -> dict[str, str]:
    """The tables of what iptables-save printed, without their counters."""
    plain = _COUNTERS.sub(lambda found: found[1] or "", re.sub(r"(?m)^#.*\n", "", saved))
    return {part.split("\n", 1)[0]: part for part in plain.removeprefix("*").split("\n*") if part}


# ── the way back ──


def go_back(plan: dict[str, Any], touched: Iterable[int], tell: Tell) -> bool:
    """Load what was saved in place of the tables that were touched, the last first, and look whether it is there.

    Entries of flows that were untracked go first, then the table raw: what was left from before would have an old
    window, and every later packet of its flow were INVALID.  The flows are picked up when they send something, before
    the old filter is there that may know no UNTRACKED packets (all measured).
    """
    steps = [(number, plan["steps"][number]) for number in sorted(set(touched), reverse=True)]
    untracking = [each for each in steps if each[1]["table"] == "raw"]
    picks_up = bool(plan["forget"] and untracking)
    for command in plan["forget"] if picks_up else ():
        run(["sh", "-c", command])
    environment = dict(os.environ)
    went = _all_restored(untracking, environment, tell)
    if picks_up:
        tell("pause", plan["pause"])
        time.sleep(plan["pause"])
    return _all_restored([each for each in steps if each not in untracking], environment, tell) and went


def _all_restored(steps: Iterable[tuple[int, dict[str, Any]]], environment: dict[str, str], tell: Tell) -> bool:
    """Restore them all, also where one cannot be."""
    went = [_restored(number, step, environment, tell) for number, step in steps]
    return all(went)


def _restored(number: int, step: dict[str, Any], environment: dict[str, str], tell: Tell) -> bool:
    """Restore a table, and look; one that could not be loaded is as it was where nothing had been loaded before.

    From the last try on the lock of iptables is passed by: whoever holds it for so long lists rules, and asks a
    name server that the new rules may have cut off, or is stopped.  The kernel exchanges a table whole without it.
    """
    for left in reversed(range(TRIES)):
        code, said = run(step["undo"], step["before"], environment=environment)
        wrong = _differs(step)
        if not wrong:
            tell("restored", number)
            return True
        wrong = (said or f"exit code {code}") if code else wrong
        if left == 1 and _LOCKED in said:
            environment.update(_PAST_THE_LOCK)
            tell("past the lock")
        time.sleep(1 if left else 0)
    tell("stuck", number, wrong)
    return False


def _differs(step: dict[str, Any]) -> str:
    """What is wrong with a table that was loaded again; empty where iptables-save prints what it printed before."""
    try:
        done = subprocess.run(step["save"], capture_output=True, check=False, timeout=_LONGEST)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    now = tables(done.stdout.decode("utf-8", "surrogateescape")).get(step["table"])
    if now == tables(step["saved"]).get(step["table"]):
        return ""
    return "it was loaded again, but iptables-save does not print what it printed before"


# ── the process ──


class Guard:
    """One run: loads, waits, and keeps or goes back."""

    def __init__(self, folder: Path, events: int) -> None:
        self.folder = folder
        self.plan = loaded(folder)
        self._events = events
        self._touched: list[int] = []
        self._is_ended = False

    def tell(self, *event: object) -> None:
        """Say what happened, to whoever still listens, and to the log."""
        line = json.dumps(event)
        with suppress(OSError):  # that nobody listens, or that the disk is full, must not stop the way back
            os.write(self._events, f"{line}\n".encode())
        with suppress(OSError):
            os.write(2, f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}\n".encode())

    def run(self) -> int:
        """Wait for the word to begin, load all, and do as is decided."""
        signal.signal(signal.SIGTERM, self._end)
        self.tell("ready")
        heard = self._heard(None)
        if not heard:
            return 0
        try:
            reason = _REFUSED if heard == "no" else self._load() or self._wait()
        except Exception as error:
            reason = f"something went wrong: {error!r}"
        if reason and self._is_taken_back(reason):
            self.tell("going back", reason)
            went = go_back(self.plan, self._touched, self.tell)
            self.tell("back" if went else "half back")
        elif decided(self.folder)[0] == KEPT:
            self.tell("kept")
        return 0

    def _is_taken_back(self, reason: str) -> bool:
        """Decide so; also where the folder cannot be written to any more."""
        try:
            return decide(self.folder, BACK, reason)
        except OSError:
            return decided(self.folder)[0] != KEPT

    def _end(self, *_: object) -> None:
        self._is_ended = True

    def _load(self) -> str:
        """Load table by table; why that has to be taken back, empty where all is loaded."""
        for number, step in enumerate(self.plan["steps"]):
            wrong = self._wrong()
            if wrong:
                return wrong
            self._touched.append(number)
            self.tell("loading", number)
            code, said = run(step["load"], step["text"], self._events)
            if code:
                self.tell("failed", number, said or f"exit code {code}")
                return "a table could not be loaded"
            self.tell("loaded", number)
        for command in self.plan["forget"]:
            wrong = self._wrong()
            if wrong:
                return wrong
            run(["sh", "-c", command])
        return ""

    def _wait(self) -> str:
        """Wait until somebody decides; why it is to be taken back, empty where it is kept."""
        seconds = self.plan["seconds"]
        if seconds is None:
            return self._wrong() or self._keep()
        end = time.monotonic() + seconds
        (self.folder / WAITING).touch()
        self.tell("waiting", seconds)
        while not decided(self.folder)[0]:
            wrong = self._wrong(0.1)
            if wrong:
                return wrong
            if time.monotonic() >= end:
                return f"nobody confirmed the new rules within {seconds:g} seconds"
        return ""

    def _keep(self) -> str:
        decide(self.folder, KEPT)
        return ""

    def _wrong(self, seconds: float = 0) -> str:
        """Why there must be no waiting any more."""
        heard = self._heard(seconds)
        return "this process was told to end" if self._is_ended else {"": _ENDED, "no": _REFUSED}.get(heard, "")

    def _heard(self, seconds: float | None) -> str:
        """What the program says that started this one: a word, ``-`` for nothing, nothing when it is gone.

        What was said since comes in one piece: a no that was said twice is a no, and so is one behind ``go``.
        """
        if not select.select([0], [], [], seconds)[0]:
            return "-"
        with suppress(OSError):
            said = os.read(0, 64)
            return "no" if b"no" in said else said.decode("ascii", "replace")
        return ""


def main(folder: str) -> int:
    """Run the guard of a folder, out of reach of the terminal, and of the killer of processes that take memory."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE, signal.SIGTSTP):
        signal.signal(number, signal.SIG_IGN)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("-1000", encoding="ascii")
    events = os.dup(1)
    os.set_blocking(events, False)  # whoever listens may be stopped
    log = os.open(Path(folder) / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)
    return Guard(Path(folder), events).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
