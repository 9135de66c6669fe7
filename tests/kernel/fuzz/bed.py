"""A router between hosts, in namespaces of their own, and ways to hand it packets."""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address

from rulec.model import Family
from tests.kernel.conftest import namespace, run_in
from tests.kernel.fuzz.answers import MEMBERS
from tests.kernel.fuzz.counters import Counters
from tests.kernel.fuzz.topology import ADDRESSES, HARDWARE, LINKS, SPECIAL
from tests.kernel.network import inside

_LIBC = ctypes.CDLL(None, use_errno=True)
_ETHER_TYPE = {Family.IPV4: 0x0800, Family.IPV6: 0x86DD}
_IPV6_HDRINCL = 36
_FORGET = 0x0102
"""IPCTNL_MSG_CT_DELETE, which without a tuple means all (linux/netfilter/nfnetlink_conntrack.h)."""

QUIET = """\
table inet quiet {
    chain own { type filter hook output priority -500; policy drop; meta skuid 0-4294967294 accept; }
}
"""
"""What the kernel itself says (errors, resets, reports) has no user's socket, and is dropped before iptables."""

SYSCTLS = (
    "net.ipv4.ip_forward=1",
    "net.ipv6.conf.all.forwarding=1",
    *(
        f"net.ipv4.conf.{name}.{key}"
        for name in ("all", "default")
        for key in ("rp_filter=0", "accept_local=1", "log_martians=0", "send_redirects=0")
    ),
    *(
        f"net.ipv6.conf.{name}.{key}"
        for name in ("all", "default")
        for key in ("accept_ra=0", "accept_dad=0", "autoconf=0", "router_solicitations=0", "accept_source_route=1")
    ),
)


@dataclass
class Bed:
    """A router and its hosts, by namespace; ``backend`` is the one whose rulesets it gets."""

    router: str
    hosts: str
    backend: str
    wires: dict[str, socket.socket] = field(default_factory=dict)
    programs: dict[tuple[Family, int, int], socket.socket] = field(default_factory=dict)
    loaded: dict[Family, list[str]] = field(default_factory=dict)
    counters: dict[tuple[str, Family], Counters] = field(default_factory=dict)
    netfilter: socket.socket | None = None

    def arrive(self, link: str, family: Family, source: bytes, destination: bytes, packet: bytes) -> None:
        """Hand the router a frame on one of its links."""
        head = destination + source + _ETHER_TYPE[family].to_bytes(2, "big")
        self.wires[link].send(head + packet)

    def leave(self, family: Family, address: str, packet: bytes, mark: int, uid: int, gid: int) -> None:
        """Have a program of some user on the router send a packet."""
        program = self._program(family, uid, gid)
        program.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, struct.pack("=I", mark))
        program.sendto(packet, (address, 0))

    def _program(self, family: Family, uid: int, gid: int) -> socket.socket:
        """A socket belongs to who makes it (net/netfilter/xt_owner.c looks at the file's fsuid and fsgid)."""
        key = (family, uid, gid)
        if key not in self.programs:
            with inside(self.router), _as_user(uid, gid):
                if family is Family.IPV4:
                    made = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
                    made.setsockopt(socket.IPPROTO_IP, socket.IP_HDRINCL, 1)
                    made.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                else:
                    made = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
                    made.setsockopt(socket.IPPROTO_IPV6, _IPV6_HDRINCL, 1)
            self.programs[key] = made
        return self.programs[key]

    def forget_connections(self) -> None:
        """Empty the table of connections."""
        if self.netfilter is None:
            with inside(self.router):
                self.netfilter = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
        for family in (2, 10):
            self.netfilter.send(struct.pack("=IHHIIBBH", 20, _FORGET, 5, 0, 0, family, 0, 0))
            error = struct.unpack_from("=i", self.netfilter.recv(4096), 16)[0]
            if error:
                raise OSError(-error, "the table of connections cannot be emptied")

    def close(self) -> None:
        for one in (*self.wires.values(), *self.programs.values()):
            one.close()


@contextmanager
def _as_user(uid: int, gid: int) -> Iterator[None]:
    """This thread as somebody else, as far as files are concerned (setfsuid(2))."""
    before = _LIBC.setfsgid(gid), _LIBC.setfsuid(uid)
    try:
        yield
    finally:
        _LIBC.setfsuid(before[1])
        _LIBC.setfsgid(before[0])


@contextmanager
def bed(backend: str) -> Iterator[Bed]:
    """A router with its links, addresses and routes."""
    with ExitStack() as stack:
        router, hosts = stack.enter_context(namespace()), stack.enter_context(namespace())
        made = Bed(router, hosts, backend)
        stack.callback(made.close)
        _run(hosts, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")
        _run(router, "sysctl", "-qw", *SYSCTLS)
        run_in(router, "nft", "-f", "-", text=QUIET).check_returncode()
        for link in LINKS:
            _link(made, link)
        _addresses(router)
        _sets(router)
        yield made


def _link(made: Bed, link: str) -> None:
    """A wire; nobody is asked for a hardware address, since nobody would answer."""
    router, hosts = made.router, made.hosts
    address = ":".join(f"{octet:02x}" for octet in HARDWARE[link])
    _run(router, "ip", "link", "add", link, "type", "veth", "peer", link, "netns", hosts)
    _run(router, "ip", "link", "set", link, "address", address, "arp", "off", "addrgenmode", "none")
    _run(router, "ip", "link", "set", link, "up")
    _run(hosts, "ip", "link", "set", link, "arp", "off", "up")
    with inside(hosts):
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        wire.bind((link, 0))
    made.wires[link] = wire


def _addresses(router: str) -> None:
    for family in Family:
        ip = ("ip", f"-{family.value[-1]}")
        nodad = ("nodad",) if family is Family.IPV6 else ("broadcast", "+")
        for link, addresses in ADDRESSES[family].items():
            for address in addresses:
                extra = nodad if family is Family.IPV6 or link != "lo" else ()
                _run(router, *ip, "address", "add", address, "dev", link, *extra)
        for network, kind in SPECIAL[family]:
            _run(router, *ip, "route", "add", kind, network)
        _run(router, *ip, "route", "add", "default", "dev", "wan0")


def _sets(router: str) -> None:
    """The sets that rules ask, and one that they fill; those of the families need names of their own elsewhere."""
    for family in Family:
        for line in set_commands(family):
            _run(router, "ipset", *line.split())


def set_commands(family: Family) -> Iterator[str]:
    """What ipset(8) is told."""
    kind = "inet" if family is Family.IPV4 else "inet6"
    members, suffix = MEMBERS[family], "" if family is Family.IPV4 else "6"
    for name, form in (("hosts", "hash:ip"), ("nets", "hash:net"), ("pairs", "hash:ip,port"), ("added", "hash:ip")):
        yield f"create {name}{suffix} {form} family {kind}"
    for host in members.hosts:
        yield f"add hosts{suffix} {_shown(family, host)}"
    for net, bits in members.nets:
        yield f"add nets{suffix} {_shown(family, net >> family.bits - bits << family.bits - bits)}/{bits}"
    for host, port in members.pairs:
        yield f"add pairs{suffix} {_shown(family, host)},tcp:{port}"


def _shown(family: Family, address: int) -> str:
    return str(ip_address(address.to_bytes(family.bits // 8, "big")))


def _run(ns: str, *command: str) -> None:
    done = run_in(ns, *command)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
