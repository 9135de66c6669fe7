"""The text of a file as git has it in some version."""

from __future__ import annotations

import os
import subprocess

from rulec.errors import InputError, NoVersion
from rulec.source import Source

_PREFIX = "git:"


def version(against: str, path: str) -> Source:
    """What ``git:REF`` or ``git:REF:PATH`` names; the path is that of the file itself where none is given.

    A path in a version begins at the top of the repository, as for git itself.
    Raises InputError with the reason when there is no such thing, NoVersion when all
    that is missing is the file.
    """
    if not against.startswith(_PREFIX):
        raise InputError(f"--against: {against!r} is not git:REF or git:REF:PATH")
    reference, _, inside = against.removeprefix(_PREFIX).partition(":")
    if not reference or reference.startswith("-"):
        raise InputError(f"--against: {reference!r} is not the name of a version, such as HEAD or origin/main")
    if path == "-" and not inside:
        raise InputError("--against: standard input has no path in git; git:REF:PATH names one")
    folder = os.path.dirname(os.path.abspath(path)) if path != "-" else "."
    _check_repository(folder, path)
    _check_reference(folder, reference)
    name = f"{reference}:{inside or path}"
    where = inside or f"./{os.path.basename(path)}"
    done = _git(folder, "show", f"{reference}:{where}")
    if done.returncode:
        raise NoVersion(f"{name}: {reference} holds no such file")
    return Source(name, done.stdout.decode("utf-8", "surrogateescape"))


def _check_repository(folder: str, path: str) -> None:
    if _git(folder, "rev-parse", "--git-dir").returncode:
        raise InputError(f"{path}: is in no git repository, so --against finds nothing to compare with")


def _check_reference(folder: str, reference: str) -> None:
    if not _git(folder, "rev-parse", "--verify", "--quiet", f"{reference}^{{commit}}").returncode:
        return
    shallow = _git(folder, "rev-parse", "--is-shallow-repository").stdout.strip() == b"true"
    reason = (
        "this clone is shallow and does not hold it; fetch it first (in a CI job: fetch-depth: 0)"
        if shallow
        else "git knows no version of that name"
    )
    raise InputError(f"--against: {reference}: {reason}")


def _git(folder: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["git", "-C", folder, *arguments], capture_output=True, check=False)
    except FileNotFoundError:
        raise InputError("--against needs the program git, which is not installed") from None
