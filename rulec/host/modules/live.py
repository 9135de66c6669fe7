"""The modules that are loaded on the running machine, who holds whom, and their removal.

Rules hold modules, too, and are no holders: a module with a count above that of its holders is in use
by rules, of this network namespace or of another (a container's), or by the kernel itself.  To remove modules
while rules hold some fails in the middle, and on Linux 6.1 breaks helpers until the next start (measured), so
it is looked for first.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from rulec.errors import RulecError
from rulec.host.programs import PATH, environment

SYS = Path("/sys/module")
_CORES = ("nf_conntrack", "ip_conntrack")


class Loaded(NamedTuple):
    """A module, the modules that need it, and how often it is in use by others than these."""

    name: str
    holders: tuple[str, ...]
    in_use: int


class Live(NamedTuple):
    """The modules of connection tracking that are loaded, in the order in which they can be removed.

    ``core`` is its core, empty where it is not there at all; ``is_built_in`` says that it is part of the kernel.
    """

    core: str
    is_built_in: bool
    order: tuple[Loaded, ...]

    @property
    def held(self) -> tuple[Loaded, ...]:
        """Those that rules, or the kernel, use."""
        return tuple(module for module in self.order if module.in_use)


def live(folder: Path = SYS) -> Live:
    """What is loaded; it is only looked for, and needs no root."""
    core = next((name for name in _CORES if (folder / name).is_dir()), "")
    if not core:
        return Live("", False, ())
    if not (folder / core / "refcnt").exists():  # only what was loaded has one
        return Live(core, True, ())
    found: dict[str, Loaded] = {}
    _visit(folder, core, found)
    return Live(core, False, tuple(found.values()))


def _visit(folder: Path, name: str, found: dict[str, Loaded]) -> None:
    """The holders of a module first, then itself."""
    place = folder / name / "holders"
    holders = tuple(sorted(path.name for path in place.iterdir())) if place.is_dir() else ()
    for holder in holders:
        if holder not in found:
            _visit(folder, holder, found)
    text = (folder / name / "refcnt").read_text() if (folder / name / "refcnt").exists() else "0"
    count = int(text) if text.strip().lstrip("-").isdecimal() else 0
    found[name] = Loaded(name, holders, max(count - len(holders), 0))


Runner = Callable[[list[str]], tuple[int, str]]


def remove(found: Live, run: Runner | None = None) -> Iterator[tuple[str, str]]:
    """Remove the modules, one after the other: each with what was said, which is nothing where it went well.

    RulecError where rules hold some, or all is part of the kernel, before anything is removed.
    """
    if found.is_built_in:
        raise RulecError(f"nothing is removed: {found.core} is part of this kernel")
    if found.held:
        names = ", ".join(module.name for module in found.held)
        raise RulecError(f"nothing is removed: rules, of this or another network namespace, use {names}")
    for module in found.order:
        code, said = (run or _run)(["modprobe", "-r", module.name])
        yield module.name, said or f"exit code {code}" if code else ""
        if code:
            return


def _run(command: list[str]) -> tuple[int, str]:
    if not shutil.which(command[0], path=PATH):
        raise RulecError(f"{command[0]} is not installed (Debian: apt-get install kmod)")
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    return done.returncode, done.stderr.strip()
