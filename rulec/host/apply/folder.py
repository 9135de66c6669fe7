"""Where a run keeps what was there before, and where a second session finds it to confirm."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import time
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple

from rulec.errors import RulecError
from rulec.host.apply.guard import BACK, DECISION, KEPT, WAITING, decide, decided

HOME = "/run/rulec"
_LOCK, _PREFIX = "lock", "apply-"
_RUNS_KEPT = 20
_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class Confirmed(NamedTuple):
    """What became of a confirmation: of which run, and why it was too late."""

    folder: Path
    word: str
    reason: str


class Turn(NamedTuple):
    """The right to be the one run of a folder, as long as the lock is open."""

    base: Path
    lock: int


def turn(home: str) -> Turn:
    """The turn of this process; RulecError where another run goes on.

    It comes before anything is looked at, so that nobody saves the rules of a run that still waits.
    """
    base = _own(Path(home), make=True)
    try:
        lock = _locked(base)
    except OSError as error:
        raise RulecError(f"{base}: {error.strerror or error}; nothing was touched") from error
    if lock is None:
        raise RulecError(
            f"another rulec apply waits for its confirmation in {base}; answer there, or wait until it has gone back"
        )
    os.truncate(lock, 0)
    return Turn(base, lock)


def made(of: Turn) -> Path:
    """A folder for a new run; the file of the lock says which one it is, since clocks are set back."""
    for old in sorted(of.base.glob(f"{_PREFIX}*"))[:-_RUNS_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    folder = Path(mkdtemp(prefix=f"{_PREFIX}{time.strftime('%Y%m%d-%H%M%S')}-", dir=of.base))
    os.write(of.lock, folder.name.encode("ascii"))
    return folder


def confirm(home: str) -> Confirmed:
    """Confirm the rules of the run that waits; RulecError where none does."""
    base = _own(Path(home), make=False)
    lock, name = _locked(base), (base / _LOCK).read_text("ascii")
    folder = base / name
    is_open = not name or not (folder / DECISION).exists()
    if lock is not None:
        os.close(lock)
        if is_open:
            gone = f": whoever waited in {name} is gone" if name else ""
            raise RulecError(f"nothing waits for a confirmation in {base}{gone}")
    elif is_open and not (name and (folder / WAITING).exists()):
        raise RulecError("the rules are still being loaded; say it again when they are there")
    try:
        is_kept = decide(folder, KEPT)
    except OSError as error:
        raise RulecError(f"{name} cannot be confirmed: {error.strerror or error}; the old rules come back") from error
    return Confirmed(folder, KEPT, "") if is_kept else Confirmed(folder, *decided(folder))


def came_too_late(found: Confirmed) -> bool:
    """Whether the old rules were back before."""
    return found.word == BACK


def _own(base: Path, make: bool) -> Path:
    """A folder that nobody else can write to: what lies there is run by root."""
    base = base.absolute()  # the guard lives in the root folder
    try:
        if make:
            base.mkdir(mode=0o700, parents=True, exist_ok=True)
        known = base.stat()
    except FileNotFoundError:
        raise RulecError(f"nothing waits for a confirmation: there is no {base}") from None
    except OSError as error:
        raise RulecError(f"{base}: {error.strerror or error}; nothing was touched") from error
    if known.st_uid != os.geteuid() or known.st_mode & _OTHERS:
        raise RulecError(f"{base}: others may write there, so it is not used; name a folder of your own (--state-dir)")
    return base


def _locked(base: Path) -> int | None:
    """The lock of all runs of a folder; None where another process holds it."""
    handle = os.open(base / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle
