"""Two network namespaces that nobody else sees: this host, and all others.

They have no names and end with the process that made them.  Without root they
are made in a user namespace, where the kernel allows that.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from rulec.errors import RulecError
from rulec.host.programs import PATH, environment
from rulec.model import Family

PATIENCE = 60.0
"""Seconds that a program may take, such as one that loads a large ruleset."""

ROUTER_MAC = "02:00:00:00:00:01"
"""The hardware address of this host on each link."""

_PATIENCE_FOR_LINKS = 5.0
_GET_FLAGS, _RUNNING = 0x8913, 0x40
"""SIOCGIFFLAGS and IFF_RUNNING (netdevice(7))."""

_LOCAL_ROUTE = 0x80000000
"""RTF_LOCAL (linux/ipv6_route.h)."""

_LIBC = ctypes.CDLL(None, use_errno=True)
_NEW_USER, _NEW_NET = 0x10000000, 0x40000000
_PROGRAM = {Family.IPV4: "iptables", Family.IPV6: "ip6tables"}

_SETTINGS_BEFORE = {
    "net/ipv6/conf/default/accept_dad": "0",
    "net/ipv6/conf/default/router_solicitations": "0",
    "net/ipv4/conf/all/rp_filter": "0",
    "net/ipv4/conf/default/rp_filter": "0",
    "net/ipv4/conf/all/send_redirects": "0",
    "net/ipv4/conf/default/send_redirects": "0",
    "net/ipv4/ip_forward": "1",
    "net/ipv6/conf/all/forwarding": "1",
    "net/ipv4/icmp_ratelimit": "0",
    "net/ipv4/icmp_ratemask": "0",
    "net/ipv6/icmp/ratelimit": "0",
}
"""A router that answers each packet: the same for both rulesets, whatever the machine itself is set to."""


class Namespaces(NamedTuple):
    """Handles of this host, and of where all others live."""

    here: int
    there: int


def make() -> Namespaces:
    """Both namespaces; RulecError says why they cannot be had.  The process stays in that of all others."""
    if os.geteuid() != 0:
        _become_root()
    _unshare(_NEW_NET)
    here = os.open("/proc/self/ns/net", os.O_RDONLY)
    _unshare(_NEW_NET)
    return Namespaces(here, os.open("/proc/self/ns/net", os.O_RDONLY))


def _become_root() -> None:
    """Root in a user namespace: of this process, and of nothing outside."""
    user, group = os.geteuid(), os.getegid()
    _unshare(_NEW_USER)
    with suppress(OSError):
        Path("/proc/self/setgroups").write_text("deny")
    for name, own in (("uid_map", user), ("gid_map", group)):
        Path(f"/proc/self/{name}").write_text(f"0 {own} 1")


def _unshare(kind: int) -> None:
    if _LIBC.unshare(kind):
        reason = os.strerror(ctypes.get_errno())
        what = "user namespace, and this is not root" if kind == _NEW_USER else "network namespace"
        raise RulecError(f"cannot make a {what}: {reason}; nothing was verified")


@contextmanager
def inside(handle: int) -> Iterator[None]:
    """This process in a namespace: a socket that is made here stays there (setns(2); os.setns is of Python 3.12)."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    _enter(handle)
    try:
        yield
    finally:
        _enter(home)
        os.close(home)


def _enter(handle: int) -> None:
    if _LIBC.setns(handle, _NEW_NET):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


# ── setting them up ──


def furnish(spaces: Namespaces, links: Iterable[str]) -> None:
    """Links from this host to all others, with an address of its own on each."""
    links = tuple(links)
    peer = f"/proc/{os.getpid()}/fd/{spaces.there}"
    _settings({"net/ipv6/conf/all/disable_ipv6": "1", "net/ipv6/conf/default/disable_ipv6": "1"})
    with inside(spaces.here):
        _settings(_SETTINGS_BEFORE)
        pair = "link add name {0} address {1} type veth peer name {0} netns {2}"
        configure(pair.format(link, ROUTER_MAC, peer) for link in links)
    configure(f"link set dev {link} up" for link in links)
    with inside(spaces.here):
        configure(["link set lo up", *(f"link set dev {link} arp off gso_max_segs 1 up" for link in links)])
        _wait_for(links)
        configure(_own_addresses(links))


def _own_addresses(links: Iterable[str]) -> Iterator[str]:
    for number, link in enumerate(links, 1):
        yield f"addr add {own_address(Family.IPV4, number)}/32 dev {link}"
        yield f"addr add {own_address(Family.IPV6, number)}/128 dev {link} nodad"


def _wait_for(links: Iterable[str]) -> None:
    """Until the kernel has noticed that there is another end: it keeps IPv6 addresses back before that."""
    end = time.monotonic() + _PATIENCE_FOR_LINKS
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for link in links:
            name = struct.pack("16s24x", os.fsencode(link))
            while not struct.unpack_from("16xH", fcntl.ioctl(asking, _GET_FLAGS, name))[0] & _RUNNING:
                if time.monotonic() > end:
                    raise RulecError(f"cannot set up the network: the link {link} stays down")
                time.sleep(0.002)


def own_address(family: Family, number: int) -> str:
    """The address of this host on one of its links, out of the networks for tests (RFC 2544, 5180)."""
    return f"198.{18 + number // 256}.{number % 256}.1" if family is Family.IPV4 else f"2001:2:0:{number:x}::1"


def is_own(address: str) -> bool:
    """Whether it is an address of this host on one of its links."""
    return address.startswith(("198.18.", "198.19.", "2001:2:0:"))


def configure(lines: Iterable[str]) -> None:
    """Have ip(8) do some commands in the namespace where this process is."""
    done = run(["ip", "-batch", "-"], "".join(f"{line}\n" for line in lines))
    if done.returncode:
        raise RulecError(f"cannot set up the network: {done.stderr.strip()}")


def wait_for_addresses(addresses: Iterable[int]) -> None:
    """Until the kernel takes IPv6 addresses for its own, which it does some time after they were added."""
    end, missing = time.monotonic() + _PATIENCE_FOR_LINKS, set(addresses)
    while missing and time.monotonic() < end:
        routes = (line.split() for line in Path("/proc/thread-self/net/ipv6_route").read_text().splitlines())
        missing -= {int(words[0], 16) for words in routes if int(words[8], 16) & _LOCAL_ROUTE}
        time.sleep(0.002 if missing else 0)


def _settings(settings: dict[str, str]) -> None:
    """Older kernels lack some of them."""
    for name, value in settings.items():
        with suppress(OSError):
            Path("/proc/sys", name).write_text(value)


# ── rules ──


def load(text: str, family: Family, backend: str, name: str) -> None:
    """Load a ruleset in the namespace where this process is; RulecError where the kernel refuses it.

    The lock of iptables is for one namespace: this one has its own.
    """
    with tempfile.TemporaryDirectory() as folder:
        done = run([restorer(family, backend), "--wait"], text, {"XTABLES_LOCKFILE": os.path.join(folder, "lock")})
    if done.returncode:
        reason = re.sub(r"\s*\n\s*", "; ", done.stderr.strip())
        raise RulecError(f"{name}: the kernel refuses it, so nothing was verified: {reason}")


def restorer(family: Family, backend: str) -> str:
    """The program that loads rulesets of a family by a back end; RulecError where it is not installed."""
    plain = f"{_PROGRAM[family]}-restore"
    named = f"{_PROGRAM[family]}-{backend}-restore"
    if shutil.which(named, path=PATH):
        return named
    if shutil.which(plain, path=PATH) and ("nf_tables" in run([plain, "-V"]).stdout) == (backend == "nft"):
        return plain
    raise RulecError(f"{named} is not installed, so nothing was verified (Debian: apt-get install iptables)")


def missing_tools() -> str:
    """What is not installed and needed, empty where all is there."""
    return "" if shutil.which("ip", path=PATH) else "ip is not installed, so nothing was verified (Debian: iproute2)"


def run(
    command: list[str], text: str = "", settings: Mapping[str, str] = MappingProxyType({})
) -> subprocess.CompletedProcess[str]:
    """Run a program; whatever octets a ruleset holds go through unchanged."""
    done = subprocess.run(
        command,
        input=text.encode("utf-8", "surrogateescape"),
        capture_output=True,
        timeout=PATIENCE,
        check=False,
        env=environment(**settings),
    )
    out, err = (stream.decode("utf-8", "backslashreplace") for stream in (done.stdout, done.stderr))
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)
