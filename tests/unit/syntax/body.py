"""A body of single lines that between them use the whole grammar, each with the start symbol that reads it."""

from __future__ import annotations

from typing import NamedTuple

from rulec.model import Family
from tests.unit.catalogue.examples import of_kind

COMMANDS = """\
-A INPUT -j DROP
[1:2] -A INPUT -g web
-D INPUT -j DROP
-D INPUT 1
-C INPUT
-I INPUT
-I INPUT 2
-R INPUT 1 -j web
-L
-L INPUT
-L INPUT 1
-S
-S INPUT 1
-F
-F INPUT
-Z
-Z INPUT
-Z INPUT 1
-L -Z
-N web
-X
-X web
-E web internet
-P INPUT DROP
-v -A INPUT
-4 -A INPUT
-6 -A INPUT
-M /sbin/modprobe -A INPUT
-h
-V
-A INPUT -m mark --mark 1
-A INPUT -f
-A INPUT ! -f
-A INPUT -c 1 2
-A INPUT -s 192.0.2.1 ! -d 192.0.2.2 -i eth0 ! -o eth1 -p tcp
-A INPUT -m geoip --source-country A1,A2
-A INPUT -m geoip ! --source-country A1 A2
-A INPUT -j TARPIT --honeypot
"""


class Line(NamedTuple):
    """A valid line without its newline."""

    start: str
    family: Family
    text: str

    def __str__(self) -> str:
        return f"{self.family.value} {self.text}"


def lines() -> list[Line]:
    """All commands in IPv4, the other kinds of lines, and every valid example of the catalogue."""
    found = [Line("command", Family.IPV4, text) for text in COMMANDS.splitlines()]
    found += [Line("table", Family.IPV4, text) for text in ("*filter", "* filter and more")]
    found += [Line("chain", Family.IPV4, text) for text in (":INPUT DROP", ":web - [0:0] and more")]
    found.append(Line("commit", Family.IPV4, "COMMIT"))
    return found + [Line("command", case.family, case.line) for case in of_kind("valid")]


OPAQUE = frozenset(("geoip", "TARPIT"))
CHAINS = frozenset(("INPUT", "web"))
