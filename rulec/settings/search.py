"""The files of a folder that look like rulesets, or like configuration that loads connection tracking."""

from __future__ import annotations

import errno
import os
import re
import subprocess
from collections.abc import Iterator

from rulec.errors import InputError
from rulec.settings.discovery import Finder

_RULESET = re.compile(rb"(?:[ \t]*(?:#[^\n]*)?\r?\n)*\*(?:filter|nat|mangle|raw|security)\b")
_NAMED = re.compile(
    r"(?:ip6?tables|rules\.v[46])|.*\.(?:iptables|ip6tables|iptables-save)|ip6?tables[^/]*\.(?:rules|save)"
)
_CONFIG = re.compile(
    r"(?:.*/)?(?:(?:modprobe|modules-load|sysctl)\.d/[^/]*\.conf|(?:modprobe|sysctl)\.conf|ip6?tables-config)"
)
_SAMPLE = 1 << 16
_SKIPPED = frozenset(("node_modules", "__pycache__", "venv", "build", "dist"))


def below(folder: str, finder: Finder) -> Iterator[str]:
    """The files of a folder that may be meant, in the order of their names; InputError where it cannot be read."""
    if not os.access(folder, os.R_OK | os.X_OK):
        raise InputError(f"{folder}: {os.strerror(errno.EACCES)}")
    listed = _known_to_git(folder) if finder.of(os.path.join(folder, "x")).respect_gitignore else None
    found = _all_of(folder) if listed is None else listed
    named = sorted(path.removeprefix(f".{os.sep}") for path in found)
    yield from (path for path in named if os.path.isfile(path) and _is_meant(path))


def _known_to_git(folder: str) -> list[str] | None:
    """The files of a folder that git does not ignore; None where it is no part of a repository, or there is no git.

    Of a submodule, or of another repository inside, git names the folder only.
    """
    command = ["git", "-C", folder, "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except OSError:
        return None
    if done.returncode:
        return None
    paths = [os.path.join(folder, name) for name in dict.fromkeys(os.fsdecode(done.stdout).split("\0")) if name]
    inside = [one for path in paths if _is_repository(path) for one in _known_to_git(path) or ()]
    return [*paths, *inside]


def _is_repository(path: str) -> bool:
    return os.path.exists(os.path.join(path, ".git")) and not os.path.islink(path)


def _all_of(folder: str) -> Iterator[str]:
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name[0] != "." and name not in _SKIPPED)
        yield from (os.path.join(where, name) for name in names)


def _is_meant(path: str) -> bool:
    """Whether a file is a ruleset or configuration, by its name or its beginning."""
    if _CONFIG.fullmatch(os.path.abspath(path)) or _NAMED.fullmatch(os.path.basename(path)):
        return True
    try:
        with open(path, "rb") as file:
            return _RULESET.match(file.read(_SAMPLE)) is not None
    except OSError:
        return False
