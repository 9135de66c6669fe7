"""The connection over the network that rulec runs in, found so that new rules do not cut it off."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import NamedTuple

from rulec.errors import RulecError
from rulec.host.apply.tools import printed
from rulec.host.conntrack.here import is_loaded
from rulec.model import Family

_DOORS = ("sshd", "sshd-session", "dropbear", "in.telnetd", "telnetd")
_ROUTER = "fe80::1"
_LOOPBACK, _POINT_TO_POINT, _NO_ARP = 0x8, 0x10, 0x80
_ESTABLISHED = "01"


class Session(NamedTuple):
    """A TCP connection from a client to this host; ``link`` is empty and ``is_tracked`` None where it is not known.

    ``picks_up`` says that tracking takes a connection whose beginning it has not seen (nf_conntrack_tcp_loose).
    ``has_neighbours`` says that hosts on the link find each other by asking, as IPv6 does with packets of ICMPv6.
    """

    client: str
    client_port: int
    server: str
    server_port: int
    link: str = ""
    is_tracked: bool | None = None
    picks_up: bool = True
    has_neighbours: bool = True

    @property
    def family(self) -> Family:
        """Its family."""
        return Family.IPV6 if ":" in self.client else Family.IPV4

    def __str__(self) -> str:
        return f"{_end(self.client, self.client_port)} > {_end(self.server, self.server_port)}"

    def packets(self) -> Iterator[tuple[str, str, str]]:
        """What must pass: what it is, the packet as text, and its path.

        A connection that has no entry yet, but is tracked from now on, begins in the middle: its next packet is NEW,
        or INVALID, as all others of it, where tracking picks up none (measured).
        """
        asks, answers = f"{self}", f"{_end(self.server, self.server_port)} > {_end(self.client, self.client_port)}"
        comes, goes = (f" {word} {self.link}" if self.link else "" for word in ("in", "out"))
        state, answer = "ESTABLISHED", "ESTABLISHED reply"
        if self.is_tracked is False:
            state, answer = ("NEW", answer) if self.picks_up else ("INVALID", "INVALID")
        yield "what this connection sends", f"tcp {asks} ack{comes} state {state}", "input"
        yield "what it gets", f"tcp {answers} ack{goes} state {answer}", "output"
        yield "a new connection like it", f"tcp {asks} syn{comes} state NEW", "input"
        yield "the answer to it", f"tcp {answers} syn,ack{goes} state ESTABLISHED reply", "output"
        if self.family is Family.IPV6 and self.has_neighbours:
            yield from self._neighbours(comes, goes)

    def _neighbours(self, comes: str, goes: str) -> Iterator[tuple[str, str, str]]:
        """What IPv6 needs on a link (RFC 4861): without it the connection ends when the neighbour is forgotten."""
        for name in ("solicitation", "advertisement"):
            about = f"neighbour {name}, without which IPv6 soon ends"
            yield about, f"icmpv6 {_ROUTER} > {self.server} neighbour-{name} ttl 255{comes}", "input"
            yield about, f"icmpv6 {self.server} > {_ROUTER} neighbour-{name} ttl 255{goes}", "output"


def sessions(environment: Mapping[str, str] = os.environ, proc: Path = Path("/proc")) -> list[Session]:
    """The connection of this process; none where there is none, more than one where it cannot be told which it is.

    SSH_CONNECTION tells of it, that of a process above where sudo took it away, or else the socket of the server above.
    """
    above = list(_above(proc))
    variables = (environment.get("SSH_CONNECTION", ""), *(_variable(proc, pid) for pid in above))
    named = next((found for text in variables if (found := _said(text))), None)
    found = named or next((found for pid in above if (found := _served(proc, pid))), None)
    if found is None:
        return []
    return [_known(each, proc) for each in ((_instead_of(named, proc) if named else None) or [found])]


def _instead_of(named: Session, proc: Path) -> list[Session]:
    """The connections to the same port, one a client, where the one that a variable names is gone: tmux keeps shells.

    None where it is there, or where there are no others, as in another network namespace.
    """
    there = [each for _, each in _sockets(proc)]
    if named._replace(link="") in there:
        return []
    return list({each.client: each for each in there if each.server_port == named.server_port}.values())


def _known(found: Session, proc: Path) -> Session:
    """A connection, with what the kernel knows of it."""
    link = found.link or _link(found)
    return found._replace(
        link=link,
        is_tracked=_is_tracked(found, proc),
        picks_up=_picks_up(proc),
        has_neighbours=_has_neighbours(link),
    )


def _said(text: str) -> Session | None:
    """What SSH_CONNECTION says: client, its port, server, its port (ssh(1))."""
    words = text.split()
    if len(words) != 4 or not (words[1].isdecimal() and words[3].isdecimal()):
        return None
    with suppress(ValueError):
        link = words[0].partition("%")[2]
        return Session(_address(words[0]), int(words[1]), _address(words[2]), int(words[3]), link)
    return None


def _address(text: str) -> str:
    """An address without its link, of IPv4 also where it was written as one of IPv6."""
    found = ip_address(text.partition("%")[0])
    return str(found.ipv4_mapped or found) if isinstance(found, IPv6Address) else str(found)


def _end(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


# ── processes above this one ──


def _above(proc: Path) -> Iterator[int]:
    pid, seen = os.getpid(), set[int]()
    while pid > 1 and pid not in seen:
        seen.add(pid)
        try:
            pid = int((proc / str(pid) / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[1])
        except (OSError, IndexError, ValueError):
            return
        if pid:
            yield pid


def _variable(proc: Path, pid: int) -> str:
    with suppress(OSError):
        found = re.search(rb"(?:^|\0)SSH_CONNECTION=([^\0]*)", (proc / str(pid) / "environ").read_bytes())
        return found[1].decode("ascii", "replace") if found else ""
    return ""


def _served(proc: Path, pid: int) -> Session | None:
    """The connection of a server of sessions, by the socket that it holds."""
    with suppress(OSError):
        if (proc / str(pid) / "comm").read_text("utf-8", "replace").strip() not in _DOORS:
            return None
        links = (os.readlink(each) for each in (proc / str(pid) / "fd").iterdir())
        held = {link[8:-1] for link in links if link.startswith("socket:[")}
        return next((found for inode, found in _sockets(proc) if inode in held), None)
    return None


def _sockets(proc: Path) -> Iterator[tuple[str, Session]]:
    """The established connections, as /proc/net/tcp lists them (proc(5)): addresses in words of the machine's order."""
    for name in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (proc / "thread-self/net" / name).read_text("ascii").splitlines()[1:]:
                words = line.split()
                if words[3] == _ESTABLISHED:
                    own, other = (_socket_end(word) for word in words[1:3])
                    yield words[9], Session(*other, *own)


def _socket_end(text: str) -> tuple[str, int]:
    address, port = text.split(":")
    words = (int(address[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(address), 8))
    return _address(str(ip_address(b"".join(words)))), int(port, 16)


# ── what the kernel knows of it ──


def _link(found: Session) -> str:
    """The link by which the client is reached, and mostly comes."""
    with suppress(RulecError):
        way = re.search(r" dev (\S+)", printed(["ip", "-o", "route", "get", found.client]))
        return way[1] if way else ""
    return ""


def _has_neighbours(link: str, folder: Path = Path("/sys/class/net")) -> bool:
    """Whether a link needs them: not the loopback, and none from point to point (flags of linux/if.h)."""
    with suppress(OSError, ValueError):
        return not int((folder / link / "flags").read_text("ascii"), 16) & (_LOOPBACK | _POINT_TO_POINT | _NO_ARP)
    return True


def _picks_up(proc: Path) -> bool:
    with suppress(OSError):
        return (proc / "sys/net/netfilter/nf_conntrack_tcp_loose").read_text("ascii").strip() != "0"
    return True


def _is_tracked(found: Session, proc: Path) -> bool | None:
    """Whether the connection has an entry; to look does not load connection tracking."""
    if not is_loaded():
        return False
    ends = {(ip_address(found.client), found.client_port), (ip_address(found.server), found.server_port)}
    for name in ("nf_conntrack", "ip_conntrack"):
        with suppress(OSError), open(proc / "thread-self/net" / name, encoding="ascii", errors="replace") as table:
            return any(_ends_of(line) == ends for line in table if f"port={found.client_port} " in line)
    return None


def _ends_of(line: str) -> set[tuple[object, int]]:
    """Both ends of an entry, as its answers name them: the addresses that this host sees."""
    found = re.findall(r"src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+)", line)[-1:]
    return {
        end
        for src, dst, sport, dport in found
        for end in ((ip_address(src), int(sport)), (ip_address(dst), int(dport)))
    }
