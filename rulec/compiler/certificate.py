"""What the proof says of an old and a new ruleset: plain values, ready to be printed."""

from __future__ import annotations

from typing import NamedTuple

from rulec.model import Family

PARTS = ("closed", "frame", "kept", "opened", "untracked", "effects")
"""What is proved, in this order: each has its section in docs/SOUNDNESS.md."""

OF_EVERY_HOST = (
    "no other ruleset is in this network namespace: of the other back end, of nft, of IPVS",
    "tracking is set as it is at first: nf_conntrack_tcp_loose=1, tcp_be_liberal=0, checksum=1",
)
"""What is assumed whatever the rulesets say."""


class Failure(NamedTuple):
    """A counterexample: a packet to which the new ruleset does what it must not.

    ``packet`` is written as ``rulec trace`` reads it; ``began`` is the first packet
    of its flow, empty where the packet is that itself.  The lines are those of
    the rules that decide on it under each ruleset, none where a policy does.
    """

    part: str
    path: str
    message: str
    packet: str
    began: str = ""
    old_lines: tuple[int, ...] = ()
    new_lines: tuple[int, ...] = ()


class Listed(NamedTuple):
    """Packets of which something is to be known: what it is, what flows they are of, one of them."""

    message: str
    flows: str
    packet: str


class Certificate(NamedTuple):
    """What was compared, and what came out of it.

    Without ``failures`` the new ruleset is proved, under the ``assumptions``.
    ``exposures`` pass the new ruleset alone where no connection is, ``losses`` the
    old one alone, ``effects`` are what rules with side effects meet otherwise;
    ``modules`` are those that only the new ruleset needs, and ``tracking`` the lines
    of its rules for which the kernel still tracks this family.
    """

    family: Family
    old: str
    new: str
    hooks: tuple[str, ...]
    failures: tuple[Failure, ...]
    assumptions: tuple[str, ...]
    exposures: tuple[Listed, ...]
    losses: tuple[Listed, ...]
    effects: tuple[Listed, ...]
    modules: tuple[str, ...]
    tracking: tuple[int, ...]

    @property
    def is_proved(self) -> bool:
        """Whether nothing speaks against the new ruleset."""
        return not self.failures
