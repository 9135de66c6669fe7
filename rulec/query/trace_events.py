"""What a trace tells: plain values, in the order in which the packet meets things."""

from __future__ import annotations

from typing import NamedTuple


class Change(NamedTuple):
    """A field that became another number, as text; what nobody can know is ``?``."""

    field: str
    before: str
    after: str


class Reason(NamedTuple):
    """An option of a rule, as iptables-save prints it, and what the packet holds where it looks."""

    option: str
    packet: str


class Hook(NamedTuple):
    """A hook is entered; ``assumption`` says on what condition, empty for none."""

    name: str
    path: str
    assumption: str = ""


class Table(NamedTuple):
    """A table is entered, at its base chain of that hook."""

    table: str
    chain: str
    policy: str


class Rule(NamedTuple):
    """A rule is met.

    ``answer`` is yes, no, or open where it depends on what is not known:
    ``assumption`` says then what must hold for it to match.  ``reasons`` are the
    option that fails, or those that are open; ``changes`` what the target does,
    and ``then`` where the packet goes if it matches.
    """

    table: str
    chain: str
    line: int
    text: str
    depth: int
    answer: str
    reasons: tuple[Reason, ...] = ()
    assumption: str = ""
    changes: tuple[Change, ...] = ()
    then: tuple[str, ...] = ()


class Back(NamedTuple):
    """Packets are back from a chain that was called; ``rest`` says that only some had gone there."""

    chain: str
    depth: int
    rest: bool


class Policy(NamedTuple):
    """The end of a base chain is met; the line declares the chain, 0 for none."""

    table: str
    chain: str
    line: int
    policy: str


class Note(NamedTuple):
    """Something that happens between the tables: connection tracking, NAT, routing."""

    subject: str
    text: str
    changes: tuple[Change, ...] = ()


Event = Hook | Table | Rule | Back | Policy | Note


class Outcome(NamedTuple):
    """How the way ends: ACCEPT or DROP, because of what, and what must hold for it.

    ``line`` is that of the rule, or of the policy where ``rule`` is empty; 0 for none.
    """

    verdict: str
    table: str
    chain: str
    line: int
    rule: str
    assumptions: tuple[str, ...] = ()


class Near(NamedTuple):
    """A rule that the packet met, and that would have changed the verdict but for one condition."""

    table: str
    chain: str
    line: int
    text: str
    reason: Reason


class Why(NamedTuple):
    """What another verdict would take: a rule with it before ``before``, or one of the ``near`` rules to match."""

    verdict: str
    before: Outcome
    near: tuple[Near, ...]


class Trace(NamedTuple):
    """The way of one packet.

    ``assumed`` is what was taken for granted because the text does not say it;
    ``verdict`` is ACCEPT, DROP, or depends.
    """

    packet: str
    path: str
    assumed: tuple[str, ...]
    events: tuple[Event, ...]
    verdict: str
    outcomes: tuple[Outcome, ...]
    why: tuple[Why, ...] = ()
