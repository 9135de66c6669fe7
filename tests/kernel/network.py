"""Packets between namespaces, and what connection tracking makes of them."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import itertools
import os
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from rulec.model import Family
from tests.kernel.conftest import installed, namespace, run_in

KIND = {Family.IPV4: socket.AF_INET, Family.IPV6: socket.AF_INET6}
LOOPBACK = {Family.IPV4: "127.0.0.1", Family.IPV6: "::1"}
DISCARD = 9
PATIENCE = 5.0

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000
_NOBODY = 65534
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1
_ports = itertools.count(20000)


@contextmanager
def inside(ns: str) -> Iterator[None]:
    """This thread in a namespace: a socket that is made here stays there (setns(2); os.setns is of Python 3.12).

    An empty name is the one that it is in.
    """
    with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{ns}" if ns else home.name) as there:
        _enter(there.fileno())
        try:
            yield
        finally:
            _enter(home.fileno())


@contextmanager
def alone() -> Iterator[None]:
    """This thread in a fresh namespace, which is gone afterwards: it has no name, and is made quickly (unshare(2))."""
    with open("/proc/thread-self/ns/net") as home:
        _complain(_LIBC.unshare(_CLONE_NEWNET))
        try:
            with socket.socket() as any_socket:
                fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
            yield
        finally:
            _enter(home.fileno())


def without_root(question: Callable[[], str]) -> str:
    """The answer to a question as nobody gets it, in a process of its own; what it needs must be imported before."""
    reader, writer = os.pipe()
    process = os.fork()
    if not process:
        with contextlib.suppress(BaseException):
            os.setgroups([])
            os.setgid(_NOBODY)
            os.setuid(_NOBODY)
            os.write(writer, question().encode())
        os._exit(0)
    os.close(writer)
    with open(reader, encoding="utf-8") as answer:
        text = answer.read()
    os.waitpid(process, 0)
    return text


def _enter(handle: int) -> None:
    _complain(_LIBC.setns(handle, _CLONE_NEWNET))


def _complain(failed: int) -> None:
    if failed:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def entries(ns: str, family: Family) -> list[str]:
    """The table of connections, a line each; to read it does not switch tracking on."""
    with inside(ns):
        table = Path("/proc/thread-self/net/nf_conntrack")
        if table.exists():
            return [line for line in table.read_text().splitlines() if line.startswith(family.value)]
    if not installed("conntrack"):
        pytest.skip("the kernel does not list connections in /proc, and conntrack is not installed")
    return run_in(ns, "conntrack", "-L", "-f", family.value).stdout.splitlines()


def tracked(ns: str, family: Family) -> bool:
    """Whether a datagram over the loopback, to the port DISCARD, has an entry in the end."""
    port = next(_ports)
    with inside(ns), socket.socket(KIND[family], socket.SOCK_DGRAM) as sender:
        sender.bind((LOOPBACK[family], port))
        sender.sendto(b"?", (LOOPBACK[family], DISCARD))
    return any(f" sport={port} " in entry for entry in entries(ns, family))


class Pair(NamedTuple):
    """Two hosts on one wire; the addresses of each by family."""

    server: str
    client: str
    server_at: dict[Family, str]
    client_at: dict[Family, str]


@contextmanager
def pair(server_at: dict[Family, str], client_at: dict[Family, str]) -> Iterator[Pair]:
    """A client and a server, each with its addresses."""
    with namespace() as server, namespace() as client:
        run_in(server, "ip", "link", "add", "wire", "type", "veth", "peer", "wire", "netns", client).check_returncode()
        for here, own, other in ((server, server_at, client_at), (client, client_at, server_at)):
            run_in(here, "ip", "link", "set", "wire", "up").check_returncode()
            for family, length in ((Family.IPV4, 32), (Family.IPV6, 128)):
                nodad = ["nodad"] if family is Family.IPV6 else []
                at = f"{own[family]}/{length}"
                run_in(here, "ip", "address", "add", at, "dev", "wire", *nodad).check_returncode()
                to = f"{other[family]}/{length}"
                run_in(here, "ip", f"-{family.value[-1]}", "route", "add", to, "dev", "wire").check_returncode()
        yield Pair(server, client, server_at, client_at)


@contextmanager
def connection(hosts: Pair, family: Family, port: int) -> Iterator[tuple[socket.socket, socket.socket]]:
    """A TCP connection: the end of the client, and that of the server.  OSError where there is none."""
    with contextlib.ExitStack() as stack:
        with inside(hosts.server):
            listener = stack.enter_context(socket.create_server(("", port), family=KIND[family]))
        with inside(hosts.client):
            near = stack.enter_context(socket.socket(KIND[family]))
        for one in (listener, near):
            one.settimeout(PATIENCE)
        near.connect((hosts.server_at[family], port))
        far = stack.enter_context(listener.accept()[0])
        far.settimeout(PATIENCE)
        yield near, far


def talk(near: socket.socket, far: socket.socket) -> bool:
    """Whether a word comes through, and another one back."""
    near.sendall(b"ask")
    asked = far.recv(16)
    far.sendall(b"answer")
    return (asked, near.recv(16)) == (b"ask", b"answer")


def answers(hosts: Pair, family: Family, port: int, question: bytes) -> bool:
    """Whether a datagram to a port comes through, and is answered by the same."""
    with contextlib.ExitStack() as stack:
        with inside(hosts.server):
            far = stack.enter_context(socket.socket(KIND[family], socket.SOCK_DGRAM))
            far.bind((hosts.server_at[family], port))
        with inside(hosts.client):
            near = stack.enter_context(socket.socket(KIND[family], socket.SOCK_DGRAM))
        for one in (near, far):
            one.settimeout(PATIENCE)
        near.connect((hosts.server_at[family], port))
        near.send(question)
        asked, sender = far.recvfrom(65535)
        far.sendto(asked, sender)
        return (asked, near.recv(65535)) == (question, question)
