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
        yield from ((one, False) for one in lazy("rulec.settings.search").below(path, finder))
    elif path != "-" and not os.path.exists(path) and re.search(r"[*?\[]", path):
        for one in sorted(lazy("glob").glob(path, recursive=True)):
            yield from _of(one, finder) if os.path.isdir(one) else [(one, True)]
    else:
        yield path, True


_OF_HOST = frozenset(("modprobe.d", "modules-load.d", "sysctl.d", "sysconfig", "iptables", "etc"))


def host_of(path: str) -> str:
    """The folder of a host: that in which ``etc`` lies, or else the one of the file."""
    folder = os.path.dirname(os.path.abspath(path))
    while os.path.basename(folder) in _OF_HOST:
        folder = os.path.dirname(folder)
    return folder
