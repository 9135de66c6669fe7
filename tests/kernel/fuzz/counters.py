"""Packet counters of the loaded rules, asked of the kernel itself: some 50 times as fast as iptables-save.

The legacy back end gives a table as one block of memory (IPT_SO_GET_ENTRIES,
linux/netfilter_ipv4/ip_tables.h), nft its rules one message each
(NFT_MSG_GETRULE, linux/netfilter/nf_tables.h).
"""

from __future__ import annotations

import ctypes
import re
import socket
import struct
from typing import NamedTuple

from rulec.model import BUILTIN_CHAINS, Family
from tests.kernel.conftest import PROGRAM, run_in
from tests.kernel.network import inside

Place = tuple[str, str, int]
"""A rule: its table, its chain, and its number there, from 0; -1 stands for the policy of a base chain."""

Counts = dict[Place, int]

POLICY = -1

_LIBC = ctypes.CDLL(None, use_errno=True)


class _Layout(NamedTuple):
    """Where things stand in an entry of a legacy table."""

    level: int
    offsets: int
    counters: int
    entry: int


_LAYOUTS = {
    Family.IPV4: _Layout(socket.IPPROTO_IP, 88, 96, 112),
    Family.IPV6: _Layout(socket.IPPROTO_IPV6, 140, 152, 168),
}
_GET_INFO, _GET_ENTRIES = 64, 65
_HOOKS = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")
_INFO = struct.Struct("=32sI5I20xII")
"""struct ipt_getinfo: the name, which hooks are valid, where they begin, how many entries, and of which size."""
_NAME = 32


class LegacyCounters:
    """The counters of the legacy tables of one namespace and family."""

    def __init__(self, ns: str, family: Family) -> None:
        with inside(ns):
            self._socket = socket.socket(
                socket.AF_INET if family is Family.IPV4 else socket.AF_INET6, socket.SOCK_RAW, 255
            )
        self._layout = _LAYOUTS[family]
        self._places: dict[str, tuple[int, list[tuple[Place, int]]]] = {}

    def look_again(self, tables: list[str]) -> None:
        """Learn where the rules stand, after a ruleset was loaded."""
        self._places = {table: self._find(table) for table in tables}

    def read(self) -> Counts:
        """The packets that each rule and policy has counted."""
        counts = {}
        for table, (size, places) in self._places.items():
            block = self._block(table, size)
            for place, at in places:
                counts[place] = int.from_bytes(block[at : at + 8], "little")
        return counts

    def close(self) -> None:
        self._socket.close()

    def _find(self, table: str) -> tuple[int, list[tuple[Place, int]]]:
        _, valid, *starts, _, size = _INFO.unpack(self._ask(_GET_INFO, table, b"", _INFO.size))
        heads = {starts[number]: hook for number, hook in enumerate(_HOOKS) if valid >> number & 1}
        return size, self._entries(table, self._block(table, size), heads)

    def _entries(self, table: str, block: bytes, heads: dict[int, str]) -> list[tuple[Place, int]]:
        """Each chain is its head (for users' chains), its rules, and one more entry, the policy."""
        layout, start, places = self._layout, _NAME + 8, []
        at, chain, number = start, "", 0
        pending: tuple[str, int, int] | None = None
        while at < len(block):
            target, following = struct.unpack_from("=HH", block, at + layout.offsets)
            name = block[at + target + 2 : at + target + 31].split(b"\0")[0]
            head = heads.get(at - start) or (_text(block[at + target + 32 :]) if name == b"ERROR" else "")
            if head:
                if pending and pending[0] in BUILTIN_CHAINS[table]:
                    places.append(((table, pending[0], POLICY), pending[2]))
                chain, number, pending = head, 0, None
            if name != b"ERROR":
                if pending:
                    places.append(((table, pending[0], pending[1]), pending[2]))
                pending = (chain, number, at + layout.counters)
                number += 1
            at += following
        return places

    def _block(self, table: str, size: int) -> bytes:
        return self._ask(_GET_ENTRIES, table, struct.pack("=II", size, 0), _NAME + 8 + size)

    def _ask(self, option: int, table: str, more: bytes, size: int) -> bytes:
        buffer = ctypes.create_string_buffer(table.encode().ljust(_NAME, b"\0") + more, size)
        length = ctypes.c_uint32(size)
        done = _LIBC.getsockopt(self._socket.fileno(), self._layout.level, option, buffer, ctypes.byref(length))
        if done:
            raise OSError(ctypes.get_errno(), f"getsockopt {option} {table}")
        return buffer.raw


def _text(block: bytes) -> str:
    return block[:30].split(b"\0")[0].decode()


_DUMP = 0x0301  # NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH
_GET_CHAIN, _GET_RULE = 0x0A04, 0x0A07
_CHAIN_TABLE, _CHAIN_NAME, _CHAIN_COUNTERS, _RULE_TABLE, _RULE_CHAIN, _EXPRESSIONS = 1, 3, 8, 1, 2, 4
_COUNTER = b"\x0c\x00\x01\x00counter\x00"
_NETFILTER = 12
_DONE, _ERROR = 3, 2


class NftCounters:
    """The counters of the tables of iptables-nft of one namespace and family."""

    def __init__(self, ns: str, family: Family) -> None:
        with inside(ns):
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETFILTER)
        self._family = 2 if family is Family.IPV4 else 10
        self._tables: frozenset[bytes] = frozenset()

    def look_again(self, tables: list[str]) -> None:
        """Learn which tables to look at, after a ruleset was loaded."""
        self._tables = frozenset(table.encode() for table in tables)

    def read(self) -> Counts:
        """The packets that each rule and policy has counted."""
        counts: Counts = {}
        numbers: dict[tuple[bytes, bytes], int] = {}
        for message in self._dump(_GET_RULE):
            found = _attributes(message)
            table, chain = found[_RULE_TABLE][:-1], found[_RULE_CHAIN][:-1]
            if table in self._tables:
                number = numbers[table, chain] = numbers.get((table, chain), -1) + 1
                expressions = found[_EXPRESSIONS]
                at = expressions.index(_COUNTER) + len(_COUNTER) + 20
                counts[table.decode(), chain.decode(), number] = int.from_bytes(expressions[at : at + 8], "big")
        for message in self._dump(_GET_CHAIN):
            found = _attributes(message)
            if found[_CHAIN_TABLE][:-1] in self._tables and _CHAIN_COUNTERS in found:
                place = (found[_CHAIN_TABLE][:-1].decode(), found[_CHAIN_NAME][:-1].decode(), POLICY)
                counts[place] = int.from_bytes(_attributes(b"\0" * 4 + found[_CHAIN_COUNTERS])[2], "big")
        return counts

    def close(self) -> None:
        self._socket.close()

    def _dump(self, kind: int) -> list[bytes]:
        self._socket.send(struct.pack("=IHHII", 20, kind, _DUMP, 0, 0) + struct.pack("=BBH", self._family, 0, 0))
        messages: list[bytes] = []
        while True:
            data, at = self._socket.recv(1 << 17), 0
            while at < len(data):
                size, message = struct.unpack_from("=IH", data, at)
                if message == _DONE:
                    return messages
                if message == _ERROR:
                    raise OSError(-struct.unpack_from("=i", data, at + 16)[0], "nf_tables")
                messages.append(data[at + 16 : at + size])
                at += size + 3 & ~3


def _attributes(message: bytes) -> dict[int, bytes]:
    """The attributes behind the four bytes of the head."""
    found, at = {}, 4
    while at < len(message):
        size, kind = struct.unpack_from("=HH", message, at)
        found[kind & 0x3FFF] = message[at + 4 : at + size]
        at += size + 3 & ~3
    return found


Counters = LegacyCounters | NftCounters


def counters(backend: str, ns: str, family: Family) -> Counters:
    """The counters of a back end."""
    return LegacyCounters(ns, family) if backend == "legacy" else NftCounters(ns, family)


def saved(backend: str, ns: str, family: Family) -> Counts:
    """The same by iptables-save, which is slow and beyond doubt."""
    printed = run_in(ns, f"{PROGRAM[family]}-{backend}-save", "-c")
    printed.check_returncode()
    counts: Counts = {}
    table, numbers = "", dict[str, int]()
    for line in printed.stdout.splitlines():
        if line.startswith("*"):
            table, numbers = line[1:], {}
        elif found := re.match(r":(\S+) (ACCEPT|DROP) \[(\d+):", line):
            counts[table, found[1], POLICY] = int(found[3])
        elif found := re.match(r"\[(\d+):\d+\] -A (\S+)", line):
            number = numbers[found[2]] = numbers.get(found[2], -1) + 1
            counts[table, found[2], number] = int(found[1])
    return counts
