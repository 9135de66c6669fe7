"""What each edit of a ruleset costs, and which ports need no edit: NOTRACK can take them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from rulec.analysis.tracking_answers import Blocker, Candidates, Cost, Told
from rulec.analysis.tracking_flows import SAID, TrackedFlows
from rulec.analysis.tracking_kinds import Kind
from rulec.analysis.tracking_words import ports_of, told
from rulec.analysis.untracked import CLIENT_PORTS
from rulec.catalogue.values.nat import NatRange
from rulec.model import Rule
from rulec.model.protocols import TCP, UDP
from rulec.packetset.packetset import PacketSet

Lines = Mapping[Kind, tuple[int, ...]]

_BY_RULES = (Kind.HELPER, Kind.SYNPROXY, Kind.LIMIT, Kind.MARK, Kind.OTHER)
_SOURCES = ("SNAT", "MASQUERADE")
_PRIVILEGED = 1024


class Costs:
    """Asks what the edits of a ruleset cost; ``lines`` are the rules of each kind."""

    def __init__(self, flows: TrackedFlows, lines: Lines, helps: bool) -> None:
        self._flows = flows
        self._lines = lines
        self._helps = helps
        self._by_kind: dict[Kind, Callable[[], Iterator[Cost]]] = {
            Kind.NAT: self._translated,
            **{kind: self._meeting(kind) for kind in _BY_RULES},
            Kind.REPLIES: self._lost,
            Kind.REFUSALS: self._opened,
            Kind.REQUESTS: lambda: self._let_in(Kind.REQUESTS),
            Kind.STRAY: lambda: self._let_in(Kind.STRAY),
        }

    def of(self, kind: Kind) -> tuple[Cost, ...]:
        """The costs of the edit of a kind, way by way."""
        return tuple(self._by_kind[kind]()) if kind in self._by_kind else ()

    # ── what is lost ──

    def _lost(self) -> Iterator[Cost]:
        for path in reversed(self._flows.paths):
            yield from self._cost("lost", path, self._flows.relied(path))
        for path in self._flows.paths:
            yield from self._shown("errors", path, self._flows.lost_errors(path))
        for path in self._flows.paths if self._helps else ():
            yield from self._shown("data", path, self._flows.lost_data(path))

    def _shown(self, effect: str, path: str, packets: PacketSet) -> Iterator[Cost]:
        if not packets.is_empty():
            yield Cost(effect, Told(path, (), self._flows.walked.witness(packets, path)))

    def _translated(self) -> Iterator[Cost]:
        """What this host sends itself is told where nothing that it sends on is."""
        costs = [cost for path in ("arriving", "forward") for cost in self._met(path, Kind.NAT, "translated")]
        yield from costs or self._met("output", Kind.NAT, "translated")

    def _meeting(self, kind: Kind) -> Callable[[], Iterator[Cost]]:
        return lambda: (cost for path in ("arriving", *self._flows.paths) for cost in self._met(path, kind, "met"))

    def _met(self, path: str, kind: Kind, effect: str) -> Iterator[Cost]:
        rules = self._flows.by_rule(path, self._lines[kind])
        yield from self._cost(effect, path, self._flows.space.union(rules), self._flows.coming(path), rules)

    # ── what is let in ──

    def _opened(self) -> Iterator[Cost]:
        for path in self._flows.paths:
            yield from self._cost("opened", path, self._flows.opened(path), later=True)

    def _let_in(self, kind: Kind) -> Iterator[Cost]:
        """New connections are put down to rules that refused them, else to those that let too much in; strays alike."""
        if Kind.REFUSALS not in self._lines and kind is Kind.REQUESTS:
            yield from self._opened()
        for path in self._flows.paths if kind is (Kind.STRAY if Kind.STRAY in self._lines else Kind.REQUESTS) else ():
            yield from self._cost("strays", path, self._flows.strays(path), later=True)

    def _cost(
        self,
        effect: str,
        path: str,
        flows: PacketSet,
        within: PacketSet | None = None,
        parts: list[PacketSet] | None = None,
        later: bool = False,
    ) -> Iterator[Cost]:
        if not flows.is_empty():
            frame = self._flows.frame(path) if within is None else within
            words = told(flows, frame, SAID[path], lambda: parts or self._flows.accepting(path, flows, later))
            yield Cost(effect, Told(path, words, self._flows.walked.witness(flows, path)))


class Served:
    """Asks which ports of this host could be left untracked."""

    def __init__(self, flows: TrackedFlows, lines: Lines, rules: Callable[[int], list[Rule]]) -> None:
        self._flows = flows
        self._lines = lines
        self._rules = rules
        self._space = flows.space

    def candidates(self, untracked: PacketSet) -> Candidates:
        """Those that are tracked now, and that nothing keeps so."""
        ported = self._flows.now.protocol(TCP) | self._flows.now.protocol(UDP)
        left, blockers = self._flows.begun("input") & ported - untracked, []
        for reason, lines, packets in self._blocking(left):
            blocked = left & (left & packets).onto(["proto", "dport"])
            if not blocked.is_empty():
                blockers.append(Blocker(reason, _all_ports(blocked), lines))
                left -= blocked
        return Candidates(*ports_of(left), tuple(blockers))

    def _blocking(self, served: PacketSet) -> Iterator[tuple[str, tuple[int, ...], PacketSet]]:
        """What must stay tracked, and why."""
        port = self._space.field("dport")
        nat = self._lines.get(Kind.NAT, ())
        yield "translated", nat, self._met(nat)
        for kind in _BY_RULES:
            lines = self._lines.get(kind, ())
            yield kind.value, lines, self._met(lines)
        targets = {line: ranges for line in nat if (ranges := list(_target_ports(self._rules(line))))}
        taken = self._space.union(port.between(*each) for ranges in targets.values() for each in ranges)
        yield "target", tuple(targets), taken & self._flows.now.protocol(TCP)
        hiding = tuple(line for line in nat if any(_hides(rule) for rule in self._rules(line)))
        if hiding and "forward" in self._flows.paths and not self._flows.met("forward", hiding).is_empty():
            yield "hidden", hiding, port.between(_PRIVILEGED, 65535)
        yield "own", (), port.between(*CLIENT_PORTS)

    def _met(self, lines: tuple[int, ...]) -> PacketSet:
        return self._flows.met("arriving", lines) | self._flows.met("input", lines)


def _all_ports(packets: PacketSet) -> str:
    return " ".join(filter(None, ports_of(packets)))


def _hides(rule: Rule) -> bool:
    return rule.target is not None and rule.target.name in _SOURCES


def _target_ports(rules: Iterable[Rule]) -> Iterator[tuple[int, int]]:
    """The ports to which NAT sends connections, and from which the answers must be tracked."""
    for rule in rules:
        for use in rule.target.uses if rule.target is not None and not _hides(rule) else ():
            if isinstance(use.value, NatRange) and use.value.first_port is not None:
                yield use.value.first_port, use.value.last_port or use.value.first_port
