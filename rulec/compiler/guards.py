"""What is refused before anything is planned: each by its name, at its place, with what can be done.

The proof would find most of these, too; here they are told in words, and sooner.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from rulec.analysis.tracking import tracking_facts
from rulec.analysis.untracked_helpers import PORTS, asked_by
from rulec.compiler import guards_nat, guards_rules
from rulec.compiler.guards_rules import Guarded
from rulec.compiler.job import Job
from rulec.compiler.outcome import line_span, refusal
from rulec.diagnostics import Finding, Label
from rulec.model.protocols import ICMP
from rulec.policy import ANY, Entry, Policy
from rulec.source import Span
from rulec.syntax.ruleset import Ruleset

_MOST = 3


def of_texts(ruleset: Ruleset, policy: Policy, unguarded: frozenset[str]) -> Iterator[Finding]:
    """What can be told from the texts alone."""
    for name, guard in _OF_POLICY.items():
        if name not in unguarded:
            for entry in policy.hot:
                if ruleset.family in entry.families:
                    yield from guard(policy, entry)
    for name, look in _OF_RULESET.items():
        if name not in unguarded:
            yield from look(ruleset, policy)


def of_packets(job: Job) -> Iterator[Finding]:
    """What the packets of hot flows meet, and cannot do without connection tracking."""
    found = (one for name, guard in OF_PACKETS.items() if name not in job.unguarded for one in guard(job))
    yield from (_at_rule(job, one) for one in _first_of_each(found))


def _first_of_each(found: Iterable[Guarded]) -> Iterator[Guarded]:
    """Each rule once, and of many that stand in the way for the same reason the first few."""
    told: set[tuple[str, int]] = set()
    times: Counter[tuple[str, str]] = Counter()
    for one in found:
        name = one.case.entry.name
        if (name, one.line) not in told and times[name, one.message] < _MOST:
            told.add((name, one.line))
            times[name, one.message] += 1
            yield one


def _at_rule(job: Job, found: Guarded) -> Finding:
    source, policy = job.start.ruleset.source, job.policy
    asked = Label(policy.source, found.case.entry.span("name"), "asked for here")
    message = f"{found.case.entry.name}: {found.message}"
    return refusal(source, line_span(source, found.line), message, found.hint, (asked,), found.witness)


# ── policies ──


def _ephemeral(policy: Policy, entry: Entry) -> Iterator[Finding]:
    if entry.role != "server" or entry.reserved or entry.ports == ANY or entry.protocols == (ICMP,):
        return
    first, last = policy.ephemeral
    for low, high in entry.ports:
        if low <= last and first <= high:
            yield refusal(
                policy.source,
                entry.span("ports"),
                f"{entry.name}: {low}-{high} lies among the ports from which this host begins connections,"
                " and answers to these would be untracked and dropped",
                "reserve the ports (net.ipv4.ip_local_reserved_ports) and say reserved: true",
            )


_OF_POLICY: dict[str, Callable[[Policy, Entry], Iterator[Finding]]] = {
    "ephemeral port": _ephemeral,
}


# ── rulesets ──


def _one_table_each(ruleset: Ruleset, policy: Policy) -> Iterator[Finding]:
    if len(ruleset.blocks) != len(ruleset.tables):
        yield _at(ruleset, ruleset.blocks[-1].line, "a table stands twice in this file", "delete the first one")


def _filter_table(ruleset: Ruleset, policy: Policy) -> Iterator[Finding]:
    if "filter" not in ruleset.tables:
        message = "there is no filter table in this file, so it is not known what is open"
        yield refusal(ruleset.source, Span(0, 0), message, "save the ruleset with all its tables")


def _helper_port(ruleset: Ruleset, policy: Policy) -> Iterator[Finding]:
    """Rules for what a helper expects, which has read the packets of a hot port; without it these are lost."""
    for line in (cause.line for cause in tracking_facts(ruleset).tracks if cause.name == "helper"):
        helpers = {name for rule in ruleset.rules_on(line) for name in asked_by(rule)}
        ports = {port for name in helpers for port in PORTS.get(name, ())}
        for entry in policy.hot:
            if ruleset.family in entry.families and any(_is_of(entry, *port) for port in ports):
                message = f"{entry.name}: the rule asks for what a helper expects that reads this port"
                asked = (Label(policy.source, entry.span("name"), "asked for here"),)
                yield refusal(ruleset.source, line_span(ruleset.source, line), message, "leave it tracked", asked)


def _is_of(entry: Entry, protocol: int, port: int) -> bool:
    ports = ((0, 65535),) if entry.ports == ANY else entry.ports
    return protocol in entry.protocols and any(low <= port <= high for low, high in ports)


def _at(ruleset: Ruleset, line: int, message: str, hint: str) -> Finding:
    return refusal(ruleset.source, line_span(ruleset.source, line), message, hint)


_OF_RULESET: dict[str, Callable[[Ruleset, Policy], Iterator[Finding]]] = {
    "one table each": _one_table_each,
    "filter table": _filter_table,
    "helper port": _helper_port,
}

OF_PACKETS: dict[str, Callable[[Job], Iterator[Guarded]]] = {
    "helper": guards_rules.helper,
    "connection match": guards_rules.connection_match,
    "connection option": guards_rules.connection_option,
    "connection target": guards_rules.connection_target,
    "SYNPROXY": guards_rules.synproxy,
    "TPROXY": guards_rules.tproxy,
    "ipvs": guards_rules.ipvs,
    "state in raw": guards_rules.state_in_raw,
    "exemption in raw": guards_rules.exemption,
    "other interface": guards_rules.other_interface,
    "rewritten": guards_nat.rewritten,
    "rewritten into": guards_nat.rewritten_into,
}

GUARDS: frozenset[str] = frozenset((*_OF_POLICY, *_OF_RULESET, *OF_PACKETS))
"""The names of all guards."""

ONLY_NOTRACK: frozenset[str] = frozenset((*_OF_POLICY, "helper port"))
"""Guards that are for flows untracked beside others that are tracked."""
