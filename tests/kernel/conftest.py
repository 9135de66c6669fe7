"""The real iptables, each test in a network namespace of its own.

Nothing here touches the network of the machine.  Without root, or without the
tools, the tests are skipped with the reason.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rulec.model import Family

TOOLS = ("ip", "iptables-legacy-restore", "iptables-legacy-save", "iptables-nft-restore", "iptables-nft-save")
PROGRAM = {Family.IPV4: "iptables", Family.IPV6: "ip6tables"}
Finished = subprocess.CompletedProcess[str]

_HERE = Path(__file__).parent
_PATH = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
_numbers = itertools.count()


def obstacle() -> str:
    """Why the real iptables cannot be run here; empty where it can."""
    if os.geteuid() != 0:
        return "not root: a network namespace cannot be made"
    missing = [tool for tool in TOOLS if not installed(tool)]
    if missing:
        return f"not installed: {', '.join(missing)} (Debian: apt-get install iptables iproute2)"
    tried = _run("unshare", "--net", "true")
    if tried.returncode:
        return f"no network namespace: {tried.stderr.strip()}"
    for backend in ("legacy", "nft"):
        tried = _run("unshare", "--net", f"iptables-{backend}-restore", "--wait", text="*filter\nCOMMIT\n")
        if tried.returncode:
            return f"the kernel has no {backend} iptables: {tried.stderr.strip()}"
    return ""


def installed(tool: str) -> bool:
    """Whether a tool can be run here."""
    return shutil.which(tool, path=_PATH) is not None


def restore(ns: str, text: str, family: Family, backend: str = "legacy", test: bool = False) -> Finished:
    """Load a ruleset in a namespace, or have it only read (``--test``), by the real iptables-restore.

    The legacy tools of all namespaces share one lock, so they wait for it.
    """
    options = ["--test"] if test else []
    return run_in(ns, f"{PROGRAM[family]}-{backend}-restore", "--wait", *options, text=text)


def save(ns: str, family: Family, backend: str = "legacy") -> str:
    """What the real iptables-save prints in a namespace, without the comment lines, which hold the time."""
    printed = run_in(ns, f"{PROGRAM[family]}-{backend}-save")
    printed.check_returncode()
    return re.sub(r"(?m)^#.*\n", "", printed.stdout)


def run_in(ns: str, *command: str, text: str = "") -> Finished:
    """Run a command in a namespace; an empty name is the one that this thread is in."""
    there = ("ip", "netns", "exec", ns) if ns else ()
    return _run(*there, *command, text=text)


def _run(*command: str, text: str = "") -> Finished:
    """Run a command; whatever bytes a ruleset holds go through unchanged."""
    done = subprocess.run(
        command,
        input=text.encode("utf-8", "surrogateescape"),
        capture_output=True,
        timeout=120,
        check=False,
        env={**os.environ, "PATH": _PATH, "LC_ALL": "C"},
    )
    out, err = (stream.decode("utf-8", "surrogateescape") for stream in (done.stdout, done.stderr))
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)


@contextmanager
def namespace() -> Iterator[str]:
    """The name of a fresh network namespace, which is deleted afterwards."""
    name = f"rulec-{os.getpid()}-{next(_numbers)}"
    _run("ip", "netns", "add", name).check_returncode()
    try:
        _run("ip", "-n", name, "link", "set", "lo", "up").check_returncode()
        yield name
    finally:
        _run("ip", "netns", "delete", name)


@pytest.fixture
def netns() -> Iterator[str]:
    """A fresh network namespace, by name."""
    with namespace() as name:
        yield name


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder, and skip them where the real tools cannot run."""
    ours = [item for item in items if item.path.is_relative_to(_HERE)]
    reason = obstacle() if ours else ""
    for item in ours:
        item.add_marker(pytest.mark.kernel)
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))
