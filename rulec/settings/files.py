"""Which files are meant by the paths that somebody gives: files, folders, patterns.

Of a folder all files below it are taken that look like rulesets, or like
configuration that loads connection tracking; those that git ignores, hidden folders
and what the settings exclude are not.  A file that is named is read whatever it is
called, and also if it is excluded, unless ``force-exclude`` is set.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rulec.resources import lazy
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


class Chosen(NamedTuple):
    """The files to read, in order; those that were named; those left out, and paths in which nothing was found."""

    files: tuple[str, ...]
    named: frozenset[str] = frozenset()
    excluded: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()


def choose(paths: Iterable[str], finder: Finder, force_exclude: bool | None = None) -> Chosen:
    """The files of some paths, each once; ``-`` stays what it is."""
    files: dict[str, str] = {}
    names, excluded, empty = set(), [], []
    for path in paths:
        found = list(_of(path, finder))
        for one, named in found:
            settings = finder.of(one)
            forced = settings.force_exclude if force_exclude is None else force_exclude
            if one != "-" and (forced or not named) and settings.excludes(one):
                excluded.append(one)
            else:
                files.setdefault(os.path.realpath(one) if one != "-" else one, one)
                names |= {one} if named else set()
        if not found:
            empty.append(path)
    return Chosen(tuple(files.values()), frozenset(names), tuple(excluded), tuple(empty))


def _of(path: str, finder: Finder) -> Iterator[tuple[str, bool]]:
    """The files of a path, and whether each was named."""
    if path != "-" and os.path.isdir(path):
        yield from ((one, False) for one in _below(path, finder))
    elif path != "-" and not os.path.exists(path) and re.search(r"[*?\[]", path):
        for one in sorted(lazy("glob").glob(path, recursive=True)):
            yield from _of(one, finder) if os.path.isdir(one) else [(one, True)]
    else:
        yield path, True


def _below(folder: str, finder: Finder) -> Iterator[str]:
    """The files of a folder that may be meant, in the order of their names."""
    listed = _known_to_git(folder) if finder.of(os.path.join(folder, "x")).respect_gitignore else None
    found = _all_of(folder) if listed is None else (os.path.join(folder, name) for name in listed)
    named = sorted(path.removeprefix(f".{os.sep}") for path in found)
    yield from (path for path in named if os.path.isfile(path) and _is_meant(path))


def _known_to_git(folder: str) -> list[str] | None:
    """The files of a folder that git does not ignore; None where it is no part of a repository, or there is no git."""
    command = ["git", "-C", folder, "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        done = lazy("subprocess").run(command, capture_output=True, check=False)
    except OSError:
        return None
    names = os.fsdecode(done.stdout).split("\0")
    return None if done.returncode else [name for name in dict.fromkeys(names) if name]


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


_OF_HOST = frozenset(("modprobe.d", "modules-load.d", "sysctl.d", "sysconfig", "iptables", "etc"))


def host_of(path: str) -> str:
    """The folder of a host: that in which ``etc`` lies, or else the one of the file."""
    folder = os.path.dirname(os.path.abspath(path))
    while os.path.basename(folder) in _OF_HOST:
        folder = os.path.dirname(folder)
    return folder
