"""The running machine: its table of connections, its addresses, and what it is set to.

Only read, and never so that the kernel would load connection tracking for it: conntrack(8)
does that (measured on Linux 5.10, 6.1 and 6.12), so it is asked only where the module is there.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import NamedTuple

from rulec.errors import InputError
from rulec.host.conntrack.lines import Lines
from rulec.host.conntrack.own import Own
from rulec.host.programs import PATH, environment
from rulec.kernel.generations import NEW, OLD, Kernel
from rulec.kernel.release import generation
from rulec.kernel.settings import TIMEOUTS

BLOCK = 1 << 20
_TABLES = ("nf_conntrack", "ip_conntrack")
_NET = "/proc/thread-self/net"
_LOCAL = re.compile(r"\|-- (\S+)\n\s+/32 host LOCAL")


class Dump(NamedTuple):
    """A table to be read: how it is called, its lines in blocks, and its octets, None where nobody knows."""

    name: str
    blocks: Iterator[Lines]
    size: int | None


class Machine(NamedTuple):
    """What the machine is set to; None for what it does not tell."""

    kernel: Kernel
    release: str
    memory: int | None
    entries: int | None
    most: int | None
    buckets: int | None
    timeouts: Mapping[str, int]
    ephemeral: tuple[int, int] | None
    entry: int | None


def opened(path: str) -> Dump:
    """The table in a file; InputError when it cannot be read."""
    try:
        stream = open(path, "rb")  # noqa: SIM115  (it is read by whoever asks for the blocks)
        return Dump(path, _blocks(stream, path), os.fstat(stream.fileno()).st_size or None)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error


def streamed(stream: object, name: str) -> Dump:
    """The table that comes on an open stream."""
    return Dump(name, _blocks(stream, name), None)


def _blocks(stream: object, name: str) -> Iterator[Lines]:
    """Lines, about a megabyte at a time."""
    readlines = stream.readlines  # type: ignore[attr-defined]
    try:
        while block := readlines(BLOCK):
            yield block if isinstance(block[0], bytes) else [line.encode("utf-8", "surrogateescape") for line in block]
    except OSError as error:
        raise InputError(f"{name}: {error.strerror or error}") from error


def running() -> Dump:
    """The table of the running kernel, as it stands in /proc, or as conntrack(8) lists it; InputError says why not."""
    for table in _TABLES:
        path = f"{_NET}/{table}"
        if os.path.exists(path):
            if not os.access(path, os.R_OK):
                raise InputError(f"/proc/net/{table}: only root may read it; or name a file that root wrote")
            return opened(path)._replace(name=f"/proc/net/{table}", size=None)
    if not is_loaded():
        raise InputError("connection tracking is not loaded here, so there is no table; name a file to read one")
    if not shutil.which("conntrack", path=PATH):
        raise InputError("this kernel lists no table in /proc; install conntrack, or name a file to read one")
    return Dump("conntrack -L", _listed(), None)


def is_loaded() -> bool:
    """Whether connection tracking is there; to look does not load it."""
    return any(os.path.exists(f"/proc/sys/{name.replace('.', '/')}count") for name in (NEW, OLD))


def _listed() -> Iterator[Lines]:
    """Both families: conntrack lists IPv4 alone unless it is told (up to 1.4.5)."""
    for family in ("ipv4", "ipv6"):
        command = ["conntrack", "-L", "-o", "extended", "-f", family]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            yield from _blocks(process.stdout, "conntrack -L")
            said = process.stderr.read().decode("utf-8", "replace").strip()
        if process.returncode:
            raise InputError(f"conntrack -L: {said.splitlines()[0] if said else 'it failed'}")


def conntrack_counters() -> str:
    """What ``conntrack -S`` prints, where connection tracking is there; empty where it cannot be asked."""
    if not is_loaded() or not shutil.which("conntrack", path=PATH):
        return ""
    done = subprocess.run(["conntrack", "-S"], capture_output=True, text=True, check=False, env=environment())
    return "" if done.returncode else done.stdout


def addresses() -> Own:
    """The addresses of this machine, in the network namespace of this process; none where nothing tells them."""
    found = [*_LOCAL.findall(_text(f"{_NET}/fib_trie"))]
    found += [str(IPv6Address(int(line.split()[0], 16))) for line in _text(f"{_NET}/if_inet6").splitlines()]
    unique = dict.fromkeys(text for text in found if not ip_address(text).is_loopback)
    return Own(tuple(unique), "the addresses of this machine")


def machine() -> Machine:
    """What this machine is set to."""
    release = os.uname().release
    kernel = generation(release)
    number = {name: _setting(name) for name in ("count", "max", "buckets", *TIMEOUTS)}
    found = re.search(r"(?m)^MemTotal:\s+(\d+) kB", _text("/proc/meminfo"))
    return Machine(
        kernel,
        release,
        int(found[1]) << 10 if found else None,
        number["count"],
        number["max"],
        number["buckets"],
        {name: value for name in TIMEOUTS if (value := number[name]) is not None},
        _range(_text("/proc/sys/net/ipv4/ip_local_port_range")),
        _slab(),
    )


def _setting(name: str) -> int | None:
    for prefix in (NEW, OLD):
        text = _text(f"/proc/sys/{prefix.replace('.', '/')}{name}").strip()
        if text.isdecimal():
            return int(text)
    return None


def _range(text: str) -> tuple[int, int] | None:
    words = text.split()
    return (int(words[0]), int(words[1])) if len(words) == 2 else None


def _slab() -> int | None:
    """The octets that the kernel takes for an entry (slabinfo(5); root alone may read it)."""
    found = re.search(r"(?m)^(?:nf|ip)_conntrack(?:_[0-9a-f]+)?\s+\d+\s+\d+\s+(\d+)", _text("/proc/slabinfo"))
    return int(found[1]) if found else None


def _text(path: str) -> str:
    with suppress(OSError):
        return Path(path).read_text(encoding="utf-8", errors="replace")
    return ""
