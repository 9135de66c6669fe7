"""Which trials a ruleset and a policy ask for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from rulec.host.hot import WAYS, entry_of, is_of, of_entry, protocols, requests
from rulec.host.samples import PROTOCOLS, Sampler
from rulec.host.trial import LINK, Expected, Flow, Kind, Left, Step, Trial, opening, stray, whole
from rulec.host.witnesses import from_witness
from rulec.model import Family
from rulec.model.protocols import ECHO, TCP, UDP
from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import Space
from rulec.policy import Entry, Policy
from rulec.semantics.paths import PATHS
from rulec.semantics.ruleset import Prepared, in_space, meaning
from rulec.syntax.ruleset import Ruleset

MOST_RULES = 150
"""How many flows of rules are tried that accept something, or translate it."""

_MOST_PORTS = 4
_STRAYS = (0x10, 0x04, 0x14, 0x11, 0x12, 0x00, 0x29)
"""ACK, RST, RST,ACK, FIN,ACK, SYN,ACK, none, and FIN,PSH,URG."""

_LOOPBACK = {Family.IPV4: 0x7F000001, Family.IPV6: 1}
_OTHER_PORTS = (22, 161)
_PRIVILEGED = 1024


class Derived(NamedTuple):
    """Trials, the link for what has no other route, and what cannot be tried.

    Lone packets come last: rules with a memory count them under one ruleset, and not under the other.
    """

    trials: tuple[Trial, ...]
    outside: str
    skipped: tuple[str, ...]


def derive(old: Ruleset, policy: Policy, witnesses: Iterable[str] = (), counterexamples: Iterable[str] = ()) -> Derived:
    """The trials for one family: from the policy, from the rules that accept, and from packets that were named.

    Of ``witnesses`` it is known that the new ruleset alone lets them through; the
    ``counterexamples`` are to be the same.  Raises Undecided where it does not fit into memory.
    """
    prepared = Prepared(old)
    prepared.refuse_loops()
    links = frozenset(entry.interface for entry in policy.hot if entry.interface)

    def job(space: Space) -> Derived:
        found = _Deriver(Sampler(meaning(prepared, space)), policy)
        own = list(found.trials())
        known, named = (
            [from_witness(text, policy, expected) for text in texts]
            for texts, expected in ((witnesses, Expected.MORE), (counterexamples, Expected.SAME))
        )
        skipped = [*found.skipped, *(each for each in (*known, *named) if isinstance(each, str))]
        trials = [found.as_assumed(trial) for trial in (*own, *_made(known))]
        if policy.mode == "stateless":
            trials = list(map(found.without_tracking, trials))
            named = [trial._replace(left=Left.NONE) for trial in _made(named)]
        trials += _made(named)
        ordered = sorted(dict.fromkeys(trials), key=lambda trial: trial.steps[0].kind is Kind.STRAY)
        apart = tuple(trial for trial in ordered if not _is_turned(trial, ordered))
        return Derived(apart, _outside(prepared), tuple(dict.fromkeys(skipped)))

    return in_space((prepared,), job, interfaces=links)


def _made(found: Iterable[Trial | str]) -> list[Trial]:
    """The trials among what has become of packets."""
    return [each for each in found if isinstance(each, Trial)]


def _is_turned(trial: Trial, trials: Iterable[Trial]) -> bool:
    """Whether an earlier flow has the same ends and is begun from the other: to tracking the two are one connection."""
    flow = trial.flow
    first = next(other.flow for other in trials if (other.flow.protocol, other.flow.ends) == (flow.protocol, flow.ends))
    return (first.asker, first.asker_port) != (flow.asker, flow.asker_port)


def _outside(prepared: Prepared) -> str:
    """The link that rules name first for packets that leave: there is what NAT may bring in."""
    for name in ("filter", "nat"):
        program = prepared.programs.get(name)
        for step in program.steps() if program else ():
            use = step.rule.option("--out-interface")
            if use and not use.negated and use.value != "lo" and not use.value.endswith("+"):
                return str(use.value)
    return LINK


class _Deriver:
    """Derives trials from one ruleset and a policy."""

    def __init__(self, sampler: Sampler, policy: Policy) -> None:
        self._sampler = sampler
        self._policy = policy
        self._entries = tuple(entry for entry in policy.hot if sampler.family in entry.families)
        self._hot = {path: requests(sampler, policy, path) for path in PATHS}
        self._left = MOST_RULES
        self.skipped: list[str] = []

    def trials(self) -> Iterator[Trial]:
        """All of them: hot flows first, so that rules with a memory have seen nothing else.

        Of what the ruleset lets begin, packets after the first may pass that did not.
        """
        flows = list(self._hot_flows())
        for entry, flow in flows:
            yield Trial(entry.name, flow, _kept(entry, flow), Left.NONE, Expected.MORE)
        for entry, flow in flows:
            yield from self._around(entry, flow)
        for entry in self._entries:
            yield from self._not_admitted(entry)
            yield from self._beside(entry)
        yield from self._translated()
        yield from self._of_rules()

    # ── hot flows ──

    def _hot_flows(self) -> Iterator[tuple[Entry, Flow]]:
        """Flows that the policy calls hot and the ruleset admits, also by another interface."""
        for entry in self._entries:
            for protocol in protocols(entry, self._sampler.family):
                path = WAYS[entry.role]
                for ports in entry.ports[:_MOST_PORTS] or (None,):
                    admitted = self._sampler.accepted(path) & of_entry(self._sampler, entry, protocol, ports)
                    yield from ((entry, flow) for flow in self._two(admitted, path))
            if len(entry.ports) > _MOST_PORTS:
                self.skipped.append(f"{entry.name}: ports beyond the first {_MOST_PORTS} ranges")

    def _two(self, packets: PacketSet, path: str) -> Iterator[Flow]:
        """A flow, and one that differs in where it comes from."""
        one = self._sampler.flow(packets, path)
        if one is None:
            return
        yield one
        if path != "output":
            apart = packets - self._sampler.space.field("src").equals(one.asker)
            elsewhere = apart - self._sampler.link("iif", one.asker_link)
            other = self._sampler.flow(apart if elsewhere.is_empty() else elsewhere, path)
            yield from (other,) if other is not None else ()

    def _around(self, entry: Entry, flow: Flow) -> Iterator[Trial]:
        """What is close to a hot flow, and no connection that was asked for."""
        name, echo = entry.name, flow.protocol not in (TCP, UDP)
        if flow.protocol == TCP:
            for number, flags in enumerate(_STRAYS, 1):
                apart = self._at_port(flow, number)
                yield Trial(f"{name}, no connection", apart, stray(flags), Left.FEWER, Expected.MORE)
                yield Trial(f"{name}, unasked", apart.reversed, stray(flags), Left.FEWER, Expected.MORE)
        elif flow.protocol == UDP and entry.role != "server":
            yield Trial(f"{name}, unasked", self._at_port(flow, 1).reversed, stray(), Left.FEWER, Expected.MORE)
        elif echo:
            reply = ECHO[flow.family][1]
            yield Trial(
                f"{name}, unasked", flow._replace(asker_port=1).reversed, stray(reply), Left.FEWER, Expected.MORE
            )
        if not echo:
            yield from self._neighbours(entry, flow)
            yield from self._reversed(entry, flow)

    def _at_port(self, flow: Flow, number: int) -> Flow:
        """The same flow from another port, if it is hot, too."""
        other = flow._replace(asker_port=flow.asker_port + 2000 + number)
        return other if entry_of(self._policy, other) else flow

    def _reversed(self, entry: Entry, flow: Flow) -> Iterator[Trial]:
        """The flow that the other side begins from the hot port; of UDP nothing tells it from an answer."""
        other = self._at_port(flow, 20).reversed
        if flow.protocol == TCP or entry.role == "server":
            expected = Expected.MORE if flow.protocol == UDP else Expected.SAME
            yield Trial(f"{entry.name}, from the hot port", other, _kept(entry, other), Left.FEWER, expected)

    def _is_assumed(self, entry: Entry) -> bool:
        """Whether it is assumed that nobody begins connections from the ports of an entry."""
        if entry.role != "server":
            return entry.role == "forward"
        low, high = self._policy.ephemeral
        return entry.reserved or not any(first <= high and low <= last for first, last in entry.ports)

    def _neighbours(self, entry: Entry, flow: Flow) -> Iterator[Trial]:
        """Ports next to the hot ones, and other ports that are asked from the hot one."""
        last = next(last for first, last in entry.ports if first <= flow.answerer_port <= last)
        first = next(first for first, end in entry.ports if first <= flow.answerer_port <= end)
        for port in (first - 1, last + 1):
            beside = flow._replace(answerer_port=port)
            if 0 < port < 1 << 16:
                yield from self._plain(f"{entry.name}, a port beside it", beside, opening(beside))
        asking = flow.reversed if entry.role == "client" else flow
        for port in _OTHER_PORTS:
            other = asking._replace(asker_port=flow.answerer_port, answerer_port=port)
            yield from self._plain(f"{entry.name}, from the hot port to another", other, opening(other))
            if flow.protocol == TCP:
                for flags in (0x10, 0x12):
                    lone = other._replace(asker=other.asker ^ 8)
                    yield from self._plain(f"{entry.name}, from the hot port to another", lone, stray(flags))

    def _not_admitted(self, entry: Entry) -> Iterator[Trial]:
        """Requests that the ruleset does not admit: from other addresses, or by other interfaces."""
        sampler, path = self._sampler, WAYS[entry.role]
        for protocol in protocols(entry, sampler.family):
            for flow in self._two(sampler.dropped(path) & of_entry(sampler, entry, protocol), path):
                yield Trial(f"{entry.name}, not admitted", flow, opening(flow), Left.FEWER)

    # ── flows that have to stay as they are ──

    def _beside(self, entry: Entry) -> Iterator[Trial]:
        """Flows with a hot port that are not hot: over the loopback, of this host itself, and through it."""
        sampler = self._sampler
        for protocol in protocols(entry, sampler.family):
            if entry.role != "forward":
                yield from self._over_loopback(entry, protocol)
            for path in PATHS:
                for field in ("dport", "sport") if protocol in (TCP, UDP) else ("proto",):
                    found = sampler.accepted(path) & sampler.of(protocol) - self._hot[path]
                    if field != "proto":
                        found &= sampler.port(field, entry.ports)
                    flow = sampler.flow(found, path)
                    if flow is not None:
                        yield from self._with_hot_port(entry, flow, field)

    def _with_hot_port(self, entry: Entry, flow: Flow, field: str) -> Iterator[Trial]:
        word = "to" if field == "dport" else "from"
        about = f"{entry.name}, {word} the same port elsewhere" if field != "proto" else f"{entry.name}, elsewhere"
        yield from self._plain(about, flow, whole(flow))

    def _over_loopback(self, entry: Entry, protocol: int) -> Iterator[Trial]:
        family = self._sampler.family
        own, port = _LOOPBACK[family], entry.ports[0][0] if entry.ports else 0
        asking = next((first for first, _ in entry.client_ports or ()), 40000)
        flow = Flow(family, protocol, own, asking + 9, own, max(port, 1) if entry.ports else 0, "", "")
        left = Left.NONE if entry_of(self._policy, flow) else Left.SAME
        yield Trial(f"{entry.name}, over the loopback", flow, whole(flow), left)

    def _of_rules(self) -> Iterator[Trial]:
        """For each rule that accepts what is not hot a flow from each side."""
        for path in PATHS:
            for chain, line, packets in self._sampler.deciding(path):
                if self._is_enough():
                    return
                where = f"line {line}" if line else f"the policy of {chain}"
                for protocol in PROTOCOLS[self._sampler.family]:
                    flow = self._sampler.flow(packets & self._sampler.of(protocol) - self._hot[path], path)
                    if flow is not None:
                        self._left -= 1
                        yield from self._both_sides(where, flow)

    def _both_sides(self, where: str, flow: Flow) -> Iterator[Trial]:
        yield from self._plain(where, flow, whole(flow))
        other = flow._replace(asker_port=flow.asker_port ^ 0x4000).reversed
        if flow.protocol in (TCP, UDP):
            yield from self._plain(f"{where}, from the other side", other, opening(other))

    # ── what may be otherwise ──

    def as_assumed(self, trial: Trial) -> Trial:
        """The same, with what is assumed of whoever begins it, and what the policy leaves.

        Of UDP nothing tells hot requests from answers where the other side may ask; lone
        packets with a hot port are of no connection that has to be kept.
        """
        expected, back = trial.expected, trial.flow.reversed
        anywhere = (replace(entry, interface=None) for entry in self._entries if entry.role != "client")
        others = [entry for entry in anywhere if is_of(entry, back)]
        if others and all(self._is_assumed(entry) for entry in others):
            expected |= Expected.LESS | (Expected.MORE if self._is_moved(trial.flow) else Expected.SAME)
        if self._is_from_low(trial.flow):
            expected |= Expected.LESS
        entry = entry_of(self._policy, trial.flow)
        if entry is not None and entry.icmp_errors == "leave":
            expected |= Expected.SILENT
        if entry is not None and trial.flow.protocol == UDP and self._may_begin(back):
            expected |= Expected.MORE
        if entry is not None and trial.steps[0].kind is Kind.STRAY:
            expected |= Expected.LESS
        return trial._replace(expected=expected)

    def _is_moved(self, flow: Flow) -> bool:
        """Whether a rule of the old ruleset sends what this host asks elsewhere."""
        first = self._first_packets(flow)
        return flow.path == "output" and any(packets.meets(first) for _, packets in self._sampler.translating("output"))

    def _is_from_low(self, flow: Flow) -> bool:
        """Whether a flow through this host is from a hot port of its own that only root may take.

        Of those that are masqueraded it is assumed that there are none.
        """
        own = (entry for entry in self._entries if entry.role == "server" and flow.protocol in entry.protocols)
        hot = any(first <= flow.asker_port <= last for entry in own for first, last in entry.ports)
        return flow.path == "forward" and hot and flow.asker_port < _PRIVILEGED

    def without_tracking(self, trial: Trial) -> Trial:
        """The same where nothing is tracked: nothing leaves an entry, and who is not asked is taken for who is.

        Flows that this host begins, or that pass it, may be lost where the policy accepts that, and where
        it is assumed that they are asked from listed ports alone.
        """
        expected, flow = trial.expected, trial.flow
        accepts = self._policy.losses == "accept" or self._is_from_another_port(flow)
        if accepts and flow.path != "input" and not self._is_listed(flow):
            expected |= Expected.LESS
        if trial.steps[0].kind is Kind.STRAY:
            expected |= Expected.SILENT
        if (trial.steps[0].kind is Kind.STRAY or flow.protocol != TCP) and self._may_begin(flow, flow.reversed):
            expected |= Expected.MORE
        return trial._replace(left=Left.NONE, expected=expected)

    def _is_listed(self, flow: Flow) -> bool:
        """Whether the policy names a flow, begun by this side."""
        entry = entry_of(self._policy, flow)
        return entry is not None and WAYS[entry.role] == flow.path

    def _is_from_another_port(self, flow: Flow) -> bool:
        """Whether a flow is one that the policy names, but for the port from which it is asked."""
        anyhow = (replace(entry, client_ports=None) for entry in self._entries if entry.client_ports is not None)
        return any(is_of(entry, flow) for entry in anyhow)

    def _may_begin(self, *flows: Flow) -> bool:
        """Whether the old ruleset lets one of these begin."""
        return any(not self._first_packets(flow).is_empty() for flow in flows)

    def _first_packets(self, flow: Flow) -> PacketSet:
        sampler, path = self._sampler, "output" if flow.path == "loopback" else flow.path
        found = sampler.accepted(path) & sampler.of(flow.protocol)
        ends = {"src": flow.asker, "dst": flow.answerer}
        ports = {"sport": flow.asker_port, "dport": flow.answerer_port} if flow.protocol in (TCP, UDP) else {}
        for field, number in {**ends, **ports}.items():
            found &= sampler.space.field(field).equals(number)
        return found

    def _translated(self) -> Iterator[Trial]:
        """For each rule that sends packets elsewhere a flow."""
        for path in ("input", "output"):
            for line, packets in self._sampler.translating(path):
                if self._is_enough():
                    return
                for protocol in PROTOCOLS[self._sampler.family]:
                    flow = self._sampler.flow(packets & self._sampler.of(protocol), path)
                    if flow is not None:
                        self._left -= 1
                        yield Trial(f"line {line}", flow, whole(flow))

    def _is_enough(self) -> bool:
        """Whether enough flows of rules are tried."""
        if self._left <= 0:
            self.skipped.append(f"flows of rules beyond the first {MOST_RULES}")
        return self._left <= 0

    def _plain(self, about: str, flow: Flow, steps: tuple[Step, ...]) -> Iterator[Trial]:
        """A flow that is not hot; one that happens to be so is tried as such."""
        expected = Expected.SAME
        if entry_of(self._policy, flow) and steps[0].kind is Kind.STRAY:
            expected |= Expected.MORE
        yield Trial(about, flow, steps, Left.FEWER if entry_of(self._policy, flow) else Left.SAME, expected)


def _kept(entry: Entry, flow: Flow) -> tuple[Step, ...]:
    """A whole connection, without the errors where the policy leaves them."""
    errors = entry.icmp_errors != "leave"
    return tuple(step for step in whole(flow) if errors or step.kind is not Kind.ERROR)
