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


def made(home: str) -> tuple[Path, int]:
    """A folder for a new run, and the lock that says that it is going on; RulecError where another one is."""
    base = _own(Path(home), make=True)
    lock = _locked(base)
    if lock is None:
        raise RulecError(
            f"another rulec apply waits for its confirmation in {base}; answer there, or wait until it has gone back"
        )
    for old in sorted(base.glob(f"{_PREFIX}*"))[:-_RUNS_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return Path(mkdtemp(prefix=f"{_PREFIX}{time.strftime('%Y%m%d-%H%M%S')}-", dir=base)), lock


def confirm(home: str) -> Confirmed:
    """Confirm the rules of the run that waits; RulecError where none does."""
    base = _own(Path(home), make=False)
    runs = sorted(base.glob(f"{_PREFIX}*"), reverse=True)
    if not runs:
        raise RulecError(f"nothing waits for a confirmation in {base}")
    lock, folder = _locked(base), runs[0]
    if lock is not None:
        os.close(lock)
        if not (folder / DECISION).exists():
            raise RulecError(f"nothing waits for a confirmation in {base}: whoever waited in {folder.name} is gone")
    elif not (folder / WAITING).exists() and not (folder / DECISION).exists():
        raise RulecError(f"the rules are still being loaded ({folder.name}); say it again when they are there")
    if decide_kept(folder):
        return Confirmed(folder, KEPT, "")
    return Confirmed(folder, *decided(folder))


def decide_kept(folder: Path) -> bool:
    """Confirm a run; False where it has gone back, or been confirmed, before."""
    return decide(folder, KEPT)


def came_too_late(found: Confirmed) -> bool:
    """Whether the old rules were back before."""
    return found.word == BACK


def _own(base: Path, make: bool) -> Path:
    """A folder that nobody else can write to: what lies there is run by root."""
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
