"""A trial: a flow, and what is sent of it, through a kernel that has loaded a ruleset.

Plain values, since both rulesets get the same trials, each in a process of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, Flag, auto
from ipaddress import ip_address
from typing import NamedTuple

from rulec.model import Family
from rulec.model.protocols import ICMP, ICMPV6, TCP, UDP

LINK, OTHER_LINK = "eth0", "eth1"
"""The links of packets of which nothing says where they come from, and where they go."""

LARGE = 24_000
"""Octets of a large transfer: more than TCP sends before the first acknowledgement comes back."""

ASKER, ANSWERER = "asker", "answerer"
ERRORS = {Family.IPV4: ((3, 4), (3, 1), (11, 0), (12, 0)), Family.IPV6: ((2, 0), (1, 0), (3, 0), (4, 0))}
"""The ICMP errors that flows need, with the one that says a packet is too big in front."""


class Flow(NamedTuple):
    """Who asks whom for what; of an echo the port of the asker is its identifier.

    ``asker_link`` and ``answerer_link`` are where the two live as this host sees
    it, empty for this host itself; ``mac`` is the neighbour that brings what comes
    from outside, 0 for any.
    """

    family: Family
    protocol: int
    asker: int
    asker_port: int
    answerer: int
    answerer_port: int
    asker_link: str = LINK
    answerer_link: str = ""
    mac: int = 0

    @property
    def path(self) -> str:
        """The way of what the asker sends: input, output, forward, or loopback."""
        names = {(True, False): "input", (False, True): "output", (True, True): "forward"}
        return names.get((bool(self.asker_link), bool(self.answerer_link)), "loopback")

    @property
    def ends(self) -> frozenset[tuple[int, int]]:
        """Both ends, whoever asks: what tells connections apart."""
        return frozenset(((self.asker, self.asker_port), (self.answerer, self.answerer_port)))

    @property
    def reversed(self) -> Flow:
        """The flow that the other side begins between the same ends."""
        return self._replace(
            asker=self.answerer, asker_port=self.answerer_port, answerer=self.asker, answerer_port=self.asker_port,
            asker_link=self.answerer_link, answerer_link=self.asker_link,
        )  # fmt: skip

    def __str__(self) -> str:
        names = {TCP: "tcp", UDP: "udp", ICMP: "icmp", ICMPV6: "icmpv6"}
        ends = (_end(self, self.asker, self.asker_port), _end(self, self.answerer, self.answerer_port))
        links = (("in", self.asker_link), ("out", self.answerer_link))
        where = "".join(f" {word} {link}" for word, link in links if link)
        return f"{names.get(self.protocol, self.protocol)} {' > '.join(ends)}{where or ' in lo'}"


class Kind(str, Enum):
    """What is sent."""

    BEGIN = "begin"
    ANSWER = "answer"
    CONFIRM = "confirm"
    DATA = "data"
    ERROR = "error"
    STRAY = "stray"


class Step(NamedTuple):
    """One thing that one side sends.

    ``size`` are octets of data; ``number`` are the flags of a stray segment, or
    the type of an error, and ``code`` its code.  An error comes from the side of
    ``by``, about a packet that the other side sent there.
    """

    kind: Kind
    by: str
    size: int = 0
    number: int = 0
    code: int = 0


class Expected(Flag):
    """What the new ruleset may do otherwise than the old one."""

    SAME = 0
    MORE = auto()
    """It may let through what the certificate lists as exposure."""
    LESS = auto()
    """It may lose what the certificate names as an assumption, or as a loss."""
    SILENT = auto()
    """Who is refused need not be told so, or may be told where before nobody was."""


class Left(str, Enum):
    """Which connections the new ruleset may leave in the table."""

    SAME = "the same"
    NONE = "none"
    FEWER = "the same or none"


class Trial(NamedTuple):
    """A flow to try: ``about`` says why, ``steps`` what is sent, the rest what may come of it."""

    about: str
    flow: Flow
    steps: tuple[Step, ...]
    left: Left = Left.SAME
    expected: Expected = Expected.SAME

    def __str__(self) -> str:
        return f"{self.about}: {self.flow}"


class Outcome(NamedTuple):
    """What came of a trial: a word for each step that was tried, and the connections that were left."""

    steps: tuple[str, ...]
    entries: tuple[str, ...]


def whole(flow: Flow) -> tuple[Step, ...]:
    """A whole connection: opened, with data both ways, much of it, errors about it, and later packets."""
    return tuple(_whole(flow))


def _whole(flow: Flow) -> Iterator[Step]:
    yield Step(Kind.BEGIN, ASKER)
    yield Step(Kind.ANSWER, ANSWERER)
    if flow.protocol == TCP:
        yield Step(Kind.CONFIRM, ASKER)
    if flow.protocol in (TCP, UDP):
        yield from (Step(Kind.DATA, by, 40) for by in (ASKER, ANSWERER))
        large = LARGE if flow.protocol == TCP else 4000
        yield from (Step(Kind.DATA, by, large) for by in (ANSWERER, ASKER))
    yield from _errors(flow)
    if flow.protocol in (TCP, UDP):
        yield from (Step(Kind.DATA, by, 50) for by in (ASKER, ANSWERER))


def _errors(flow: Flow) -> Iterator[Step]:
    """Errors that routers outside send to both sides."""
    for by, link in ((ASKER, flow.asker_link), (ANSWERER, flow.answerer_link)):
        if link:
            yield from (Step(Kind.ERROR, by, number=number, code=code) for number, code in ERRORS[flow.family])


def opening(flow: Flow) -> tuple[Step, ...]:
    """As much of a connection as shows that it can be had."""
    return whole(flow)[:3]


def stray(flags: int = 0) -> tuple[Step, ...]:
    """One packet of no connection."""
    return (Step(Kind.STRAY, ASKER, number=flags),)


def _end(flow: Flow, address: int, port: int) -> str:
    text = str(ip_address(address.to_bytes(flow.family.bits // 8, "big")))
    if flow.protocol not in (TCP, UDP):
        return text
    return f"[{text}]:{port}" if flow.family is Family.IPV6 else f"{text}:{port}"
