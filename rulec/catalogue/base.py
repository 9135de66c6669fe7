"""iptables' own options and commands: what may stand in a rule without any extension.

Source: the option table of iptables 1.8.9 and iptables(8), tried line by line.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from rulec.catalogue.extension import IPV4, Extension, Option, Value
from rulec.catalogue.values.addresses import NETWORKS
from rulec.catalogue.values.protocols import PROTOCOL_ANY_CASE
from rulec.catalogue.values.text import size
from rulec.model import Family


def _read_interface(family: Family, text: str) -> str:
    if not text:
        raise ValueError("an empty interface name would match every interface")
    if size(text) > 15:
        raise ValueError(f"the interface name {text!r} is longer than 15 bytes")
    return text


INTERFACE = Value(("INTERFACE",), "an interface, with + at its end for all that begin so", _read_interface)


_DIGITS = re.compile("[0-9]+")


def _read_counters(family: Family, packets: str, octets: str) -> tuple[int, ...]:
    return tuple(min(int(_DIGITS.findall(text)[0]), 2**64 - 1) for text in (packets, octets))


COUNTERS = Value(("COUNTER", "COUNTER"), "packets and bytes", _read_counters)

BASE = Extension(
    name="",
    summary="addresses, protocol, interfaces and counters of a rule",
    options=(
        Option("--source", NETWORKS, aliases=("--src", "-s"), invertible=True),
        Option("--destination", NETWORKS, aliases=("--dst", "-d"), invertible=True),
        Option("--in-interface", INTERFACE, aliases=("-i",), invertible=True),
        Option("--out-interface", INTERFACE, aliases=("-o",), invertible=True),
        Option("--protocol", PROTOCOL_ANY_CASE, aliases=("-p",), invertible=True),
        Option("--fragments", aliases=("-f",), invertible=True, families=IPV4),
        Option("--set-counters", COUNTERS, aliases=("-c",)),
    ),
)


class Word(NamedTuple):
    """An option that steers the reading: its token, short form, and how many arguments it takes.

    ``argument``: "none", "one", "optional" (only glued: ``-LINPUT``).
    """

    token: str
    short: str
    argument: str


COMMANDS: dict[str, Word] = {
    "--append": Word("APPEND", "-A", "one"),
    "--delete": Word("DELETE", "-D", "one"),
    "--check": Word("CHECK", "-C", "one"),
    "--insert": Word("INSERT", "-I", "one"),
    "--replace": Word("REPLACE", "-R", "one"),
    "--list": Word("LIST", "-L", "optional"),
    "--list-rules": Word("LIST_RULES", "-S", "optional"),
    "--flush": Word("FLUSH", "-F", "optional"),
    "--zero": Word("ZERO", "-Z", "optional"),
    "--new-chain": Word("NEW_CHAIN", "-N", "one"),
    "--delete-chain": Word("DELETE_CHAIN", "-X", "optional"),
    "--rename-chain": Word("RENAME_CHAIN", "-E", "one"),
    "--policy": Word("POLICY_OF", "-P", "one"),
    "--jump": Word("JUMP", "-j", "one"),
    "--goto": Word("GOTO", "-g", "one"),
    "--match": Word("MATCH", "-m", "one"),
    "--ipv4": Word("ONLY_IPV4", "-4", "none"),
    "--ipv6": Word("ONLY_IPV6", "-6", "none"),
    "--verbose": Word("VERBOSE", "-v", "none"),
    "--modprobe": Word("MODPROBE", "-M", "one"),
    "--version": Word("ENDS_READING", "-V", "none"),
    "--help": Word("ENDS_READING", "-h", "optional"),
    "--table": Word("NOT_IN_A_FILE", "-t", "one"),
    "--wait": Word("NOT_IN_A_FILE", "-w", "optional"),
    "--wait-interval": Word("NOT_IN_A_FILE", "-W", "optional"),
    "--numeric": Word("NOT_IN_A_RULE", "-n", "none"),
    "--exact": Word("NOT_IN_A_RULE", "-x", "none"),
    "--line-numbers": Word("NOT_IN_A_RULE", "-0", "none"),
}
"""All of iptables' options that are no part of a rule, by long name."""
