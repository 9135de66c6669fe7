"""The files of a folder that look like rulesets, or like configuration that loads connection tracking."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from collections.abc import Iterator

from rulec.settings.discovery import Finder

_RULESET = re.compile(rb"(?:[ \t]*(?:#[^\n]*)?\r?\n)*\*(?:filter|nat|mangle|raw|security)\b")
_NAMED = re.compile(
    r"(?:ip6?tables|rules\.v[46])|.*\.(?:iptables|ip6tables|iptables-save)|ip6?tables[^/]*\.(?:rules|save)"
)
_CONFIG = re.compile(
    r"(?:.*/)?(?:(?:modprobe|modules-load|sysctl)\.d/[^/]*\.conf|(?:modprobe|sysctl)\.conf|ip6?tables-config)"
)
_CLOSED = re.compile(r"(?m)^warning: could not open directory '(.*)': ")
_SAMPLE = 1 << 16
_SKIPPED = frozenset(("node_modules", "__pycache__", "venv", "build", "dist"))


def below(folder: str, finder: Finder) -> Iterator[str]:
    """The files of a folder that may be meant, in the order of their names.

    Among them are folders and files that nobody can look into here: whoever reads them will say so.
    """
    listed = _known_to_git(folder) if finder.of(os.path.join(folder, "x")).respect_gitignore else None
    found = _all_of(folder) if listed is None else listed
    named = sorted(path.removeprefix(f".{os.sep}") for path in found)
    yield from filter(_is_meant, named)


def _known_to_git(folder: str) -> list[str] | None:
    """The files of a folder that git does not ignore; None where it is no part of a repository, or there is no git.

    Of a submodule, or of another repository inside, git names the folder only.
    """
    try:
        done = _git(folder, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    except OSError:
        return None
    if done.returncode:
        return None
    paths = [os.path.join(folder, name) for name in dict.fromkeys(os.fsdecode(done.stdout).split("\0")) if name]
    inside = [one for path in paths if _is_repository(path) for one in _known_to_git(path) or ()]
    return [*paths, *inside, *_closed_to_git(folder, os.fsdecode(done.stderr))]


def _closed_to_git(folder: str, warnings: str) -> Iterator[str]:
    """The folders that git could not open; it names them from the top of the repository."""
    if closed := _CLOSED.findall(warnings):
        top = os.fsdecode(_git(folder, "rev-parse", "--show-cdup").stdout).strip()
        yield from (os.path.normpath(os.path.join(folder, top, name)) for name in closed)


def _git(folder: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "LC_ALL": "C"}
    return subprocess.run(["git", "-C", folder, *arguments], capture_output=True, check=False, env=environment)


def _is_repository(path: str) -> bool:
    return os.path.exists(os.path.join(path, ".git")) and not os.path.islink(path)


def _all_of(folder: str) -> Iterator[str]:
    closed: list[str] = []
    for where, folders, names in os.walk(folder, onerror=lambda error: closed.append(error.filename)):
        folders[:] = sorted(name for name in folders if name[0] != "." and name not in _SKIPPED)
        yield from (os.path.join(where, name) for name in names)
    yield from closed


def _is_meant(path: str) -> bool:
    """Whether a file is a ruleset or configuration, by its name or its beginning; or nobody can tell."""
    try:
        kind = os.stat(path).st_mode
        if stat.S_ISDIR(kind):
            os.scandir(path).close()
    except OSError as error:
        return isinstance(error, PermissionError)
    if not stat.S_ISREG(kind):
        return False
    if _CONFIG.fullmatch(os.path.abspath(path)) or _NAMED.fullmatch(os.path.basename(path)):
        return True
    try:
        with open(path, "rb") as file:
            return _RULESET.match(file.read(_SAMPLE)) is not None
    except OSError:
        return True
