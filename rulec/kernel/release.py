"""Which generation a kernel is of, by the release that ``uname -r`` prints."""

from __future__ import annotations

import re

from rulec.kernel.generations import CURRENT, KERNELS, Kernel

_OLDEST = min(kernel.version for kernel in KERNELS.values())[:2]
"""Of what was before nothing is known here."""

_RED_HAT = re.compile(r"\.(el\d+)")
_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")


def generation(release: str) -> Kernel:
    """The generation of a release such as ``6.1.0-13-amd64`` or ``3.10.0-1160.el7.x86_64``; the newest in doubt.

    A kernel that is no one of Red Hat's is of the newest generation that is not newer than it.
    """
    red_hat, known = _RED_HAT.search(release), version(release)
    if red_hat and red_hat[1] in KERNELS:
        return KERNELS[red_hat[1]]
    if not known:
        return CURRENT
    older = [kernel for name, kernel in KERNELS.items() if name not in ("el8", "el9") and kernel.version <= known]
    return max(older, key=lambda kernel: kernel.version, default=KERNELS["el5"])


def named(name: str) -> Kernel:
    """A generation by its name, or by a release of it; ValueError where it is neither."""
    if name in KERNELS:
        return KERNELS[name]
    if version(name) < _OLDEST:
        raise ValueError(f"say one of {', '.join(KERNELS)}, or a release such as 5.10.0")
    return generation(name)


def version(release: str) -> tuple[int, ...]:
    """The version of a release; empty where it has none, as the name of a generation."""
    found = _VERSION.match(release)
    return tuple(int(part or 0) for part in found.groups()) if found and release not in KERNELS else ()
