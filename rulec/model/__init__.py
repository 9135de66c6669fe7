"""Tables, chains, rules: plain frozen values, in netfilter's own words."""

from __future__ import annotations

from enum import Enum
from typing import Any, NamedTuple


class Family(str, Enum):
    """The address family of a ruleset: the program that loads it."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"

    @property
    def label(self) -> str:
        """The family as people write it."""
        return "IPv4" if self is Family.IPV4 else "IPv6"

    @property
    def bits(self) -> int:
        """Bits of an address."""
        return 32 if self is Family.IPV4 else 128


VERDICTS = ("ACCEPT", "DROP", "QUEUE", "RETURN")

BUILTIN_CHAINS: dict[str, tuple[str, ...]] = {
    "raw": ("PREROUTING", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
    "security": ("INPUT", "FORWARD", "OUTPUT"),
}
"""The tables of iptables and their base chains, in hook order (iptables(8), TABLES)."""


BASE_CHAINS = frozenset(name for names in BUILTIN_CHAINS.values() for name in names)
"""The names of base chains; a user chain may have one in a table that has no such hook."""


class Use(NamedTuple):
    """An option as it stands in a rule: ``! --dport 22`` is ``Use("--dport", True, (22, 22))``.

    The name is the option's own, whatever abbreviation or alias was written;
    the value is what its kind reads, or None where it takes none.
    """

    option: str
    negated: bool
    value: Any


class Match(NamedTuple):
    """A match of a rule: the extension after ``-m``, and its options."""

    name: str
    uses: tuple[Use, ...]


class Target(NamedTuple):
    """What stands after ``-j`` or ``-g``: a verdict, a chain, or, where ``extends``, an extension with options."""

    name: str
    uses: tuple[Use, ...] = ()
    goto: bool = False
    extends: bool = False


class Counters(NamedTuple):
    """Packets and bytes that a rule or a chain policy has counted."""

    packets: int
    bytes: int


class Rule(NamedTuple):
    """One rule of a chain, as the kernel would hold it, and nothing of how it was written.

    ``base`` holds the options of iptables itself (addresses, protocol,
    interfaces, fragment).
    """

    chain: str
    base: tuple[Use, ...]
    matches: tuple[Match, ...]
    target: Target | None
    counters: Counters | None = None

    def option(self, name: str) -> Use | None:
        """The use of one of iptables' own options, such as ``--protocol``."""
        return next((use for use in self.base if use.option == name), None)

    def match(self, name: str) -> Match | None:
        """The first match of that name."""
        return next((match for match in self.matches if match.name == name), None)
