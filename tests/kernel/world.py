"""A namespace that keeps one back end of one family, with the objects that rules name."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from rulec.model import Family
from tests.kernel.conftest import PROGRAM, Finished, installed, namespace, restore, run_in, save
from tests.unit.catalogue.examples import Case

SETS = ("test",)
ACCOUNTS = ("http-traffic", "http traffic")

NEW_ACCOUNTS = """
import socket, struct, sys
for name in sys.argv[1:]:
    data = name.encode() + bytes(4 - len(name) % 4)
    body = struct.pack("=BBH", 0, 0, 0) + struct.pack("=HH", 5 + len(name), 1) + data
    netfilter = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
    netfilter.send(struct.pack("=IHHII", 16 + len(body), 7 << 8, 0x405, 1, 0) + body)
    if struct.unpack_from("=i", netfilter.recv(4096), 16)[0]:
        sys.exit("no account " + name)
"""
"""Makes accounts for the match nfacct: NFNL_MSG_ACCT_NEW with NFACCT_NAME (linux/netfilter/nfnetlink_acct.h)."""

ESTIMATORS = """\
*mangle
-A PREROUTING -j RATEEST --rateest-name RE1 --rateest-interval 250ms --rateest-ewmalog 500ms
-A PREROUTING -j RATEEST --rateest-name RE2 --rateest-interval 250ms --rateest-ewmalog 500ms
COMMIT
"""


@dataclass
class World:
    """A namespace for one family and back end; ``dirty`` are the tables that the last ruleset used."""

    ns: str
    family: Family
    backend: str
    dirty: list[str] = field(default_factory=list)

    def furnish(self) -> None:
        """Make the sets and accounts that the examples name, as far as the tools are there."""
        if installed("ipset"):
            kind = "inet" if self.family is Family.IPV4 else "inet6"
            for name in SETS:
                run_in(self.ns, "ipset", "create", name, "hash:ip", "family", kind).check_returncode()
        run_in(self.ns, sys.executable, "-c", NEW_ACCOUNTS, *ACCOUNTS)

    def load(self, case: Case, first: str = "") -> tuple[Finished, int]:
        """Load an example behind what deletes the one before; also on which line it stands.

        ``first`` is a rule that stands before it in its chain.
        """
        prepared = ESTIMATORS if case.extension.name == "rateest" else ""
        before = self._empty() + prepared
        self.dirty = re.findall(r"(?m)^\*(\w+)", prepared + case.ruleset())
        table, rest = case.ruleset().split("\n", 1)
        before += f"{table}\n" + (f"-A {case.example.chain} {first}\n" if first else "")
        return restore(self.ns, before + rest, self.family, self.backend), before.count("\n") + 1

    def sweep(self) -> None:
        """Delete what was loaded."""
        restore(self.ns, self._empty(), self.family, self.backend).check_returncode()
        self.dirty = []

    def _empty(self) -> str:
        return "".join(f"*{table}\nCOMMIT\n" for table in self.dirty)

    def test(self, text: str) -> Finished:
        """Have a ruleset only read."""
        return restore(self.ns, text, self.family, self.backend, test=True)

    def rules(self) -> list[str]:
        """The rules that iptables-save prints."""
        return [line for line in save(self.ns, self.family, self.backend).splitlines() if line.startswith("-A ")]

    def knows(self, role: str, name: str) -> bool:
        """Whether the kernel has a match or target, once it was asked for it."""
        listed = f"/proc/net/{PROGRAM[self.family].removesuffix('tables')}_tables_{role}"
        return name in run_in(self.ns, "cat", listed).stdout.split()

    def skip_where_lacking(self, case: Case) -> None:
        """Skip an example that did not load because this machine lacks what it needs."""
        name = case.extension.name
        if name in ("set", "SET") and not installed("ipset"):
            pytest.skip("ipset is not installed")
        if name == "SECMARK" and not Path("/sys/fs/selinux/enforce").exists():
            pytest.skip("SELinux is not at work here")
        if not self.knows(case.role, name):
            pytest.skip(f"the kernel has no {name}")


Worlds = dict[tuple[str, Family], World]


@contextmanager
def worlds(*backends: str) -> Iterator[Worlds]:
    """A namespace for each back end and family, so that rules of one do not share memory with the other."""
    with ExitStack() as stack:
        made = {}
        for backend in backends:
            for family in Family:
                made[backend, family] = World(stack.enter_context(namespace()), family, backend)
                made[backend, family].furnish()
        yield made
