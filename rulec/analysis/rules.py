"""What the facts say of rules and chains: plain values, without any set of packets."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Reason(str, Enum):
    """Why no packet meets a rule."""

    NEVER = "never"  # its conditions contradict each other, or what packets of its hook can be
    CHANGED = "changed"  # what it asks for would hold, had rules not changed the packet before
    PROTOCOL = "protocol"  # it tests ports of a protocol of which no packet comes into its chain
    NOT_SENT = "not sent"  # no packet that comes into its chain matches
    OTHERWISE = "otherwise"  # rules before it take them all, and decide otherwise about new connections
    TAKEN = "taken"  # rules before it take them all


class DeadRule(NamedTuple):
    """A line whose rules no packet meets.

    ``by`` are the lines that take the packets, or send others; ``witness`` is
    a packet that the rule would match, and that does not come as far; ``detail``
    names the options that never hold.
    """

    table: str
    chain: str
    line: int
    reason: Reason
    by: tuple[int, ...] = ()
    witness: str = ""
    detail: str = ""


class RedundantRule(NamedTuple):
    """A line that decides what is decided behind it all the same.

    ``by`` are the lines that do, empty where the policy does, None where nobody
    looked.  ``opens`` says whether it accepts by protocol, address or port.
    """

    table: str
    chain: str
    line: int
    verdict: str
    by: tuple[int, ...] | None
    opens: bool


class OpenPolicy(NamedTuple):
    """A base chain whose policy accepts what its rules seem to admit one by one.

    ``line`` is where the chain is declared, or where the first of these rules stands.
    """

    chain: str
    line: int
    rules: tuple[int, ...]
    witness: str


class OpenPort(NamedTuple):
    """A port of which one wants to know whether everybody gets to it."""

    number: int
    protocol: str = "tcp"

    def __str__(self) -> str:
        return f"{self.protocol}/{self.number}"


class Exposed(NamedTuple):
    """Packets that a rule accepts, from nearly everywhere: one of them is the witness.

    ``line`` is that of the rule, or of the chain whose policy accepts; ``detail`` says what is open.
    """

    chain: str
    line: int
    detail: str
    witness: str


class UnusedChain(NamedTuple):
    """A chain into which no packet can come, since nothing goes to it from any base chain."""

    table: str
    chain: str
    line: int
    rules: int
    callers: tuple[str, ...]


class Loop(NamedTuple):
    """Chains that go round in a circle, and the line of the rule that goes from each to the next."""

    table: str
    chains: tuple[str, ...]
    lines: tuple[int, ...]


class EmptyJump(NamedTuple):
    """A rule that sends packets into a chain without rules, from which they come back at once."""

    table: str
    line: int
    chain: str
    declared: int


class Block(NamedTuple):
    """The lines of a chain behind a rule that takes every packet."""

    table: str
    chain: str
    lines: tuple[int, ...]
    by: int


class Duplicate(NamedTuple):
    """A line that says once more what an earlier one of its chain says."""

    table: str
    chain: str
    line: int
    first: int
    decides: bool


class Structure(NamedTuple):
    """What can be seen without asking which packets go where."""

    unused: tuple[UnusedChain, ...] = ()
    loops: tuple[Loop, ...] = ()
    empty_jumps: tuple[EmptyJump, ...] = ()
    blocks: tuple[Block, ...] = ()
    duplicates: tuple[Duplicate, ...] = ()
