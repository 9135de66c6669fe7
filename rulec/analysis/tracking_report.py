"""All that is to be said of connection tracking and one ruleset: why it is on, for which flows, and the ways out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rulec.analysis.facts import Facts
from rulec.analysis.host import HostFacts
from rulec.analysis.tracking import Cause as Needed
from rulec.analysis.tracking_answers import Cause, Edit, Flows, OfFile, Told, TrackingReport
from rulec.analysis.tracking_costs import Costs, Served
from rulec.analysis.tracking_flows import SAID, TrackedFlows
from rulec.analysis.tracking_kinds import Kind, kind_of
from rulec.analysis.tracking_words import told
from rulec.analysis.untracked_flows import turned
from rulec.analysis.visits import Walked
from rulec.config.file import Statement
from rulec.diagnostics import Label
from rulec.errors import Undecided
from rulec.kernel.generations import Helpers
from rulec.kernel.modules import helper, needs_conntrack, tracked_on_loading
from rulec.model import Family
from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import DEFAULT_MEMORY, Space, TooLarge
from rulec.semantics.ruleset import Prepared, in_space

_RATES = frozenset(("limit", "hashlimit", "recent", "quota", "statistic", "nfacct", "connlimit"))


def tracking_report(facts: Facts, host: HostFacts, memory: int | None = None) -> TrackingReport:
    """The report about a ruleset without errors, loaded on a host."""
    ruleset, tracking = facts.ruleset, facts.tracking
    flows, undecided = Flows(), ""
    try:
        if ruleset.family not in facts.kernel.tracked:
            cannot = f"{facts.kernel.title} cannot track {ruleset.family.label}"
            undecided = f"{cannot}: what the rules match there is not known"
        elif tracking.lines or facts.leaves_untracked or host.tracked_by(ruleset.family):
            flows = _flows(facts, host, DEFAULT_MEMORY if memory is None else memory)
    except Undecided as error:
        undecided = str(error)
    return TrackingReport(
        ruleset.source.name,
        ruleset.family.label,
        facts.kernel.title,
        f"{facts.kernel.settings[0]}max",
        facts.kernel.by_rules,
        tracking.family.label if tracking.lines else "",
        tuple(_grouped(tracking.tracks)),
        tuple(_grouped(tracking.loads)),
        tracking.nat_tables,
        tracking.nat_tracks,
        tuple(_of_label(label) for label in host.tracked_by(ruleset.family)),
        *_only_loaded(host, ruleset.family),
        _of_statement(host.refused) if host.refused else None,
        flows,
        undecided,
    )


# ── rules and files ──


def _grouped(causes: Sequence[Needed]) -> Iterator[Cause]:
    """Those in the same words together, the most frequent first."""
    found: dict[str, list[int]] = {}
    for cause in causes:
        words = f"-{'m' if cause.role == 'match' else 'j'} {cause.name}"
        found.setdefault(words, []).append(cause.line)
    for words, lines in sorted(found.items(), key=lambda one: -len(one[1])):
        yield Cause(words, tuple(dict.fromkeys(lines)))


def _only_loaded(host: HostFacts, family: Family) -> tuple[tuple[OfFile, ...], tuple[OfFile, ...]]:
    """The modules in files that track nothing by themselves, and those that track the other family."""
    tracks = {
        statement: tracked_on_loading(statement.name.text, host.kernel)
        for statement in host.loads()
        if needs_conntrack(statement.name.text)
    }
    idle = tuple(_of_statement(statement) for statement, families in tracks.items() if not families)
    others = tuple(_of_statement(one) for one, families in tracks.items() if families and family not in families)
    return idle, others


def _of_statement(statement: Statement) -> OfFile:
    return _of_label(statement.label())


def _of_label(label: Label) -> OfFile:
    text = label.source.text[label.span.start : label.span.end]
    return OfFile(label.source.name, label.line, " ".join(text.split()))


def _helps(facts: Facts, host: HostFacts, by_rule: bool) -> bool:
    """Whether connections get a helper: by a rule, or, on older kernels, by their port alone."""
    modules = any(helper(statement.name.text) for statement in host.loads())
    when_asked = host.value("helper")
    asked = facts.kernel.helpers is Helpers.WHEN_ASKED and when_asked is not None and when_asked[0] == 1
    return by_rule or (modules and (facts.kernel.helpers is Helpers.ALWAYS or asked))


# ── flows ──


def _flows(facts: Facts, host: HostFacts, memory: int) -> Flows:
    """What is known of packets, in the first order of the fields in which it fits; raises Undecided."""
    prepared = Prepared(facts.ruleset)

    def job(space: Space) -> Flows:
        return _Reporter(facts, host, Walked(prepared, space)).flows()

    try:
        return in_space((prepared,), job, memory)
    except TooLarge:
        raise Undecided(f"{facts.ruleset.source.name}: undecided: it does not fit into memory") from None


class _Reporter:
    """Asks a ruleset that was walked."""

    def __init__(self, facts: Facts, host: HostFacts, walked: Walked) -> None:
        self._ruleset = facts.ruleset
        self._flows = TrackedFlows(walked)
        causes = (*facts.tracking.tracks, *facts.tracking.loads)
        self._tables = {cause.line: cause.table for cause in causes}
        self._names = {cause.line: cause.name for cause in causes}
        self._dead = tuple(line for line in sorted(self._tables) if not self._flows.is_met(line))
        self._lines = self._by_kind()
        self._helps = _helps(facts, host, Kind.HELPER in self._lines)

    def flows(self) -> Flows:
        untracked, half, refused = self._untracked()
        served = Served(self._flows, self._lines, self._ruleset.rules_on)
        requests = self._flows.legs("input")[0] if self._leaves_untracked else self._flows.space.nothing
        return Flows(untracked, half, refused, served.candidates(requests), tuple(self._edits()), self._dead)

    def _by_kind(self) -> dict[Kind, tuple[int, ...]]:
        found: dict[Kind, list[int]] = {}
        for line in sorted(self._tables.keys() - set(self._dead)):
            kind = kind_of(self._ruleset.rules_on(line)[0], self._tables[line])
            found.setdefault(kind, []).append(line)
        return {kind: tuple(found[kind]) for kind in Kind if kind in found}

    def _edits(self) -> Iterator[Edit]:
        costs = Costs(self._flows, self._lines, self._helps)
        for kind, lines in self._lines.items():
            names = tuple(dict.fromkeys(self._names[line] for line in lines))
            rates = tuple(line for line in lines if self._has_rate(line))
            yield Edit(kind, lines, names, tuple(costs.of(kind)), rates if kind is Kind.REQUESTS else ())

    def _has_rate(self, line: int) -> bool:
        return any(match.name in _RATES for rule in self._ruleset.rules_on(line) for match in rule.matches)

    # ── untracked ──

    @property
    def _leaves_untracked(self) -> bool:
        return Kind.LOADS in self._lines

    def _untracked(self) -> tuple[tuple[Told, ...], tuple[Told, ...], tuple[Told, ...]]:
        """The flows that are untracked both ways, one way only, and those of them that are refused."""
        if not self._leaves_untracked:
            return (), (), ()
        legs = {path: self._flows.legs(path) for path in self._flows.paths}
        both = {path: asked & answered for path, (asked, answered) in legs.items()}
        half = {path: asked ^ answered for path, (asked, answered) in legs.items()}
        served = self._flows.elsewhere(both.get("forward", self._flows.space.nothing))
        half["input"] -= served
        half |= {"forward": half["forward"] - turned(served)} if "forward" in half else {}
        refused = {path: self._flows.refused(path, flows) for path, flows in both.items()}
        return self._told(both), self._told(half), self._told(refused)

    def _told(self, flows: dict[str, PacketSet]) -> tuple[Told, ...]:
        return tuple(one for path, found in flows.items() for one in self._told_of(path, found))

    def _told_of(self, path: str, flows: PacketSet) -> Iterator[Told]:
        within = self._flows.whole(path)
        packets = self._flows.widened(path, flows) & within
        if not packets.is_empty():
            words = told(packets, within, SAID[path], lambda: None)
            yield Told(path, words, self._flows.walked.witness(packets, path))
