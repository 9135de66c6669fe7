"""Trials on their way: what is sent, what gets where, and what that means."""

from __future__ import annotations

import select
import time
from collections.abc import Iterable, Sequence
from ipaddress import ip_address

from rulec.host import lab_connections
from rulec.host.lab_packets import ACK, RST, SYN, Seen, senders, sequence
from rulec.host.lab_scenes import Scene
from rulec.host.lab_sides import STRAY_NUMBER, Net, Side, answerer, asker
from rulec.host.trial import ANSWERER, ASKER, Kind, Outcome, Step, Trial
from rulec.model.protocols import ECHO, TCP, UDP

PATIENCE = 0.2
"""Seconds of silence after which nothing more is waited for: between namespaces nothing takes a hundredth of it."""

_LONGEST = 3.0

_OPENING = (Kind.BEGIN, Kind.ANSWER, Kind.CONFIRM)


class Running:
    """A trial under way; ``seen`` is all that was seen of it."""

    def __init__(self, number: int, trial: Trial, net: Net) -> None:
        self.number = number
        self.trial = trial
        self.outcomes: list[str] = []
        self._net = net
        self._seen: list[Seen] = []
        self._sides: dict[str, Side] = {ASKER: asker(trial.flow, number, net)}
        self._turn: range = range(0)
        self._before = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to be sent; a connection that cannot be opened ends there."""
        tried, steps = len(self.outcomes), self.trial.steps
        lost = tried and not self.outcomes[-1].startswith("delivered") and steps[tried - 1].kind in _OPENING
        return bool(lost) or tried == len(steps)

    def act(self) -> None:
        """Send what comes next; errors all at once."""
        start, steps = len(self.outcomes), self.trial.steps
        end = start + 1
        while steps[start].kind is Kind.ERROR and end < len(steps) and steps[end].kind is Kind.ERROR:
            end += 1
        self._turn, self._before = range(start, end), len(self._seen)
        for number in self._turn:
            if steps[number].by in self._sides:
                self._sides[steps[number].by].send(steps[number], number)

    def notice(self, seen: Seen) -> None:
        """Take notice of a packet of this trial."""
        self._seen.append(seen)
        if ANSWERER not in self._sides and self._is(seen, self.trial.steps[0], 0):
            self._sides[ANSWERER] = answerer(self.trial.flow, self.number, self._net, seen)
            return
        sender = self._sender(seen)
        receiver = {ASKER: ANSWERER, ANSWERER: ASKER}.get(sender or "")
        if receiver in self._sides:
            self._sides[receiver].got(seen)

    def fits(self, seen: Seen) -> int:
        """How many ends a packet has in common with the flow: NAT rewrites one of them, seldom both."""
        ends = zip((seen.source, seen.destination), seen.ports, strict=True)
        return len(self.trial.flow.ends.intersection(ends))

    @property
    def is_settled(self) -> bool:
        """Whether it is known what became of all that was sent."""
        return all(self._outcome(number) != "lost" for number in self._turn)

    def judge(self) -> None:
        """Put down what became of it."""
        self.outcomes += [self._outcome(number) for number in self._turn]

    # ── what it means ──

    def _outcome(self, number: int) -> str:
        step = self.trial.steps[number]
        found = [seen for seen in self._seen if self._is(seen, step, number)]
        parts = {part for seen in found for trial, at, part in seen.marks if (trial, at) == (self.number, number)}
        if found and (step.kind is not Kind.DATA or parts == {0, 1}):
            return f"delivered {_where(found[0])}"
        begin = 0 if step.kind in _OPENING else self._before
        if any(self._refuses(seen) for seen in self._seen[begin:]):
            return "refused"
        return "lost"

    def _is(self, seen: Seen, step: Step, number: int) -> bool:
        """Whether a packet is what a step sends."""
        if step.kind is Kind.ERROR:
            return seen.is_error and self._is_marked(seen, number)
        if seen.is_error and self.trial.flow.protocol in (TCP, UDP):
            return False
        if step.kind is Kind.DATA:
            return self._is_marked(seen, number)
        if self.trial.flow.protocol == TCP:
            return seen.protocol == TCP and seen.whole and self._is_segment(seen, step)
        if self.trial.flow.protocol == UDP:
            return self._is_marked(seen, number)
        return self._is_echo(seen, step, number)

    def _is_segment(self, seen: Seen, step: Step) -> bool:
        first, (number, acknowledged) = sequence(self.number, ASKER), seen.numbers
        return {
            Kind.BEGIN: seen.flags & (SYN | ACK) == SYN and number == first,
            Kind.ANSWER: seen.flags & (SYN | ACK) == SYN | ACK and acknowledged == first + 1,
            Kind.CONFIRM: seen.flags & (SYN | ACK | RST) == ACK and number == first + 1,
            Kind.STRAY: seen.flags == step.number and number == first + STRAY_NUMBER,
        }.get(step.kind, False)

    def _is_echo(self, seen: Seen, step: Step, number: int) -> bool:
        request, reply = ECHO[self.trial.flow.family]
        if step.kind is Kind.STRAY:
            return self._is_marked(seen, number) and seen.kind[0] == step.number
        wanted = reply if step.kind is Kind.ANSWER else request
        return self._is_marked(seen, 0) and seen.kind[0] == wanted

    def _is_marked(self, seen: Seen, number: int) -> bool:
        return any(mark[:2] == (self.number, number) for mark in seen.marks)

    def _refuses(self, seen: Seen) -> bool:
        """Whether a packet says that another one is not wanted."""
        if seen.is_error:
            own = [step for step, each in enumerate(self.trial.steps) if each.kind is Kind.ERROR]
            return not any(self._is_marked(seen, step) for step in own)
        return bool(seen.flags & RST)

    def _sender(self, seen: Seen) -> str | None:
        """Who has sent a packet."""
        for _, number, _ in seen.marks:
            if number < len(self.trial.steps) and not seen.is_error:
                step = self.trial.steps[number]
                echoed = seen.protocol not in (TCP, UDP) and seen.kind[0] == ECHO[self.trial.flow.family][1]
                return ANSWERER if echoed else step.by
        if seen.protocol != TCP or not seen.whole:
            return None
        return next((side for side, trial in senders(seen.flags, *seen.numbers) if trial == self.number), None)


def _where(seen: Seen) -> str:
    """Where a packet came out, and as what."""
    bits = seen.family.bits
    ends = [str(ip_address(address.to_bytes(bits // 8, "big"))) for address in (seen.source, seen.destination)]
    port = f" port {seen.ports[1]}" if seen.protocol in (TCP, UDP) else ""
    return f"{f'on {seen.place}' if seen.place else 'here'} from {ends[0]} to {ends[1]}{port}"


# ── all of a scene ──


def play(scene: Scene, net: Net) -> dict[int, Outcome]:
    """Have the trials of a scene, all at once and step by step; what came of each, by number."""
    for _, trial in scene.trials:
        flow = trial.flow
        if flow.protocol == TCP and not flow.answerer_link:
            net.here.listen(flow.family, flow.answerer_port)
    running = {number: Running(number, trial, net) for number, trial in scene.trials}
    while active := [one for one in running.values() if not one.is_over]:
        for one in active:
            one.act()
            _notice(running, net)
        _listen(running, active, net)
        for one in active:
            one.judge()
    entries = lab_connections.entries()
    return {number: Outcome(tuple(one.outcomes), tuple(_left(one.trial, entries))) for number, one in running.items()}


def _listen(running: dict[int, Running], active: Sequence[Running], net: Net) -> None:
    """Take notice of what is seen, until nothing is missing or nothing more comes."""
    last = start = time.monotonic()
    handles = [*net.here.handles, *net.there.handles]
    while not all(one.is_settled for one in active):
        now = time.monotonic()
        if now > last + PATIENCE or now > start + _LONGEST:
            return
        select.select(handles, [], [], PATIENCE)
        if _notice(running, net):
            last = time.monotonic()


def _notice(running: dict[int, Running], net: Net) -> bool:
    """Take notice of what has come by now; whether anything of a trial has."""
    noticed = False
    for seen in (*net.here.seen(), *net.there.seen()):
        found = [running[number] for number in seen.trials if number in running]
        for one in sorted(found, key=lambda one: -one.fits(seen))[:1]:
            one.notice(seen)
            noticed = True
    return noticed


def _left(trial: Trial, entries: Iterable[lab_connections.Entry]) -> list[str]:
    """The connections that a trial has left, in words."""
    flow, found = trial.flow, []
    for entry in entries:
        ends = [frozenset(ends) for ends in (entry.original, entry.reply)]
        if (entry.family, entry.protocol) == (flow.family, flow.protocol) and flow.ends in ends:
            begun = flow.asker in (entry.original[0][0],) and flow.asker_port == entry.original[0][1]
            found.append(f"{entry.state}, begun by the {ASKER if begun else ANSWERER}")
    return sorted(found)
