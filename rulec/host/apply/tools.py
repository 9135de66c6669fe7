"""The tools of iptables on this machine, run and asked."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import NamedTuple

from rulec.errors import RulecError
from rulec.host.programs import PATH, environment
from rulec.model import Family

_PROGRAMS = {Family.IPV4: "iptables", Family.IPV6: "ip6tables"}
_WAITS = 1, 6, 2
"""The first version whose iptables-restore knows --wait, as its history says."""


class Tools(NamedTuple):
    """The commands of a family, with the whole paths of their programs."""

    family: Family
    restore: tuple[str, ...]
    saver: str

    @property
    def test(self) -> list[str]:
        """Read a ruleset, and load nothing but modules."""
        return [*self.restore, "--test"]

    @property
    def undo(self) -> list[str]:
        """Load what was saved, with the counters that it had."""
        return [*self.restore, "--counters"]

    @property
    def save(self) -> list[str]:
        """Print what is there, with its counters."""
        return [self.saver, "--counters"]


def tools(family: Family, backend: str | None) -> Tools:
    """The tools of a back end, of the one that is usual here where none is named; RulecError where they are missing."""
    stem = _PROGRAMS[family] + (f"-{backend}" if backend else "")
    restore, save = (found(f"{stem}-{verb}", "iptables") for verb in ("restore", "save"))
    text = printed([found(stem, "iptables"), "--version"])  # old iptables-restore has no such option
    version = tuple(map(int, re.findall(r"\d+", text)[:3]))
    wait = ("--wait=10",) if version >= _WAITS else ()
    return Tools(family, (restore, *wait), save)


def found(program: str, package: str) -> str:
    """Where a program is; RulecError says of which package it is where it is not there."""
    path = shutil.which(program, path=PATH)
    if path is None:
        raise RulecError(f"{program} is not installed (Debian: apt-get install {package}); nothing was touched")
    return path


def printed(command: list[str]) -> str:
    """What a command prints; RulecError, with what it said, where it fails."""
    return printed_and_said(command)[0]


def printed_and_said(command: list[str]) -> tuple[str, str]:
    """What a command prints, and what it says besides."""
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=60, env=environment())
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RulecError(f"{command[0]}: {error}") from error
    said = done.stderr.decode("utf-8", "backslashreplace").strip()
    if done.returncode:
        raise RulecError(f"{' '.join(command)}: {said or f'exit code {done.returncode}'}")
    return done.stdout.decode("utf-8", "surrogateescape"), said
