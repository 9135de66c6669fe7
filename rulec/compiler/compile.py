"""Compile: plan the changes, apply them to the text, read the result again and hold it against the plan."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from rulec.analysis.tracking import tracking_facts
from rulec.compiler import admission, icmp_errors, limits, raw
from rulec.compiler.emit import apply, check_result
from rulec.compiler.flows import HotFlow, PortRange
from rulec.compiler.outcome import Declined, Plan, refusal
from rulec.diagnostics import Finding, Label
from rulec.errors import Refused
from rulec.model.protocols import NAMES
from rulec.policy import ANY, Entry, Policy
from rulec.source import Span
from rulec.syntax.ruleset import Ruleset
from rulec.syntax.save import saved_on


@dataclass(frozen=True, slots=True)
class Compiled:
    """The text of the new ruleset, and what a user should know about it."""

    text: str
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Job:
    """One compilation under way."""

    ruleset: Ruleset
    policy: Policy
    plan: Plan = field(default_factory=Plan)
    refusals: list[Finding] = field(default_factory=list)


def compile_ruleset(ruleset: Ruleset, policy: Policy) -> Compiled:
    """The ruleset with the hot flows of the policy untracked.

    The ruleset must be valid.  Raises Refused, with every reason, when some entry
    cannot be had; all entries of this family are compiled, or none.
    """
    job = _Job(ruleset, policy)
    entries = [entry for entry in policy.hot if ruleset.family in entry.families]
    job.refusals += limits.of_policy(policy)
    job.refusals += limits.of_ruleset(ruleset, _own_rules(entries, policy.dialect))
    if not job.refusals and not tracking_facts(ruleset).tracks:
        return Compiled(ruleset.source.text, ("no rule of this file has packets tracked: there is nothing to untrack",))
    if not job.refusals:
        _plan(job, entries)
    if job.refusals:
        raise Refused(tuple(job.refusals))
    text = apply(ruleset, job.plan)
    check_result(ruleset, job.plan, text)
    return Compiled(text, tuple(job.plan.notes))


def _flows(entries: Iterable[Entry]) -> Iterator[tuple[Entry, HotFlow]]:
    for entry in entries:
        for protocol in entry.protocols:
            if entry.ports != ANY:
                yield entry, HotFlow(protocol, entry.ports)


def _own_rules(entries: Iterable[Entry], dialect: str) -> frozenset[str]:
    """The raw rules that this policy makes, which a compiled ruleset has already."""
    return frozenset(rule for _, flow in _flows(entries) for rule in raw.rules(flow.protocol, flow.ports, dialect))


def _plan(job: _Job, entries: Iterable[Entry]) -> None:
    """Follow each hot flow through INPUT; what is admitted is untracked."""
    chain = job.ruleset.tables["filter"].chains["INPUT"]
    rules = list(job.ruleset.rules(chain))
    hot: dict[int, list[PortRange]] = {}
    for entry, flow in _flows(entries):
        try:
            found = admission.admission(rules, chain.policy, flow)
        except Declined as declined:
            job.refusals.append(_declined(job, entry, declined))
            continue
        if not found.admitted:
            job.plan.notes.append(f"{entry.name}: INPUT admits no {_name(flow)}, so there is nothing to untrack")
            continue
        job.plan.widened.update(found.lines)
        job.plan.raw += [_because(job, entry), *raw.rules(flow.protocol, flow.ports, job.policy.dialect)]
        if entry.icmp_errors == "exact":
            hot.setdefault(flow.protocol, []).extend(flow.ports)
        _tell(job, entry, flow, found.by_interface)
    for protocol, ports in hot.items():
        _plan_errors(job, protocol, tuple(sorted(ports)))
    if job.plan.raw and not job.refusals:
        _plan_tracking(job)


def _plan_errors(job: _Job, protocol: int, ports: tuple[PortRange, ...]) -> None:
    """Rules for the ICMP errors about all hot flows of one protocol."""
    chain = job.ruleset.tables["filter"].chains["INPUT"]
    entry = next(entry for entry in job.policy.hot if protocol in entry.protocols)
    try:
        found = icmp_errors.admitted(job.ruleset.rules(chain), chain.policy, job.ruleset.family)
        if found is None:
            return
        wanted = list(icmp_errors.rules(found, protocol, ports, job.ruleset.family))
    except Declined as declined:
        job.refusals.append(_declined(job, entry, declined))
        return
    present = {rule for line in job.ruleset.lines_before(chain, found.line) for rule in saved_on(job.ruleset, line)}
    missing = [rule for rule in wanted if rule not in present]
    if missing:
        told = f"# ICMP errors about untracked {NAMES[protocol]} flows"
        job.plan.inserted.setdefault(found.line, []).extend([told, *missing])
        job.plan.notes.append(
            f"ICMP errors that carry a header of these {NAMES[protocol]} ports pass,"
            " also forged ones about no flow of this host"
        )


def _plan_tracking(job: _Job) -> None:
    """Say what still switches tracking on: it also keeps fragments reassembled."""
    job.plan.notes.append(
        "tracking stays on for all other flows; delete the old entries of these ports after loading (conntrack -D)"
    )


def _tell(job: _Job, entry: Entry, flow: HotFlow, by_interface: bool) -> None:
    """What is gained, and what is assumed."""
    assumed = [f"no local program begins connections from these ports{_reserved(entry)}"]
    if by_interface:
        assumed.append("all packets of a flow arrive by one interface")
    gained = f"{entry.name}: {_name(flow)} takes no entry any more"
    job.plan.notes.append(f"{gained}; assumed: {'; '.join(assumed)}")


def _reserved(entry: Entry) -> str:
    if not entry.reserved or entry.ports == ANY:
        return ""
    ports = ",".join(f"{low}-{high}" for low, high in entry.ports)
    return f" (reserve them: sysctl net.ipv4.ip_local_reserved_ports={ports})"


def _name(flow: HotFlow) -> str:
    ports = ",".join(str(low) if low == high else f"{low}-{high}" for low, high in flow.ports)
    return f"{NAMES[flow.protocol]}/{ports}"


def _because(job: _Job, entry: Entry) -> str:
    line = job.policy.source.position(entry.span("name").start)[0]
    return f"# {entry.name} ({os.path.basename(job.policy.source.name)}:{line})"


def _declined(job: _Job, entry: Entry, declined: Declined) -> Finding:
    """The refusal of an entry at the rule that stands in the way; the policy's line stands beside it."""
    source = job.ruleset.source
    number = max(declined.line, 1)
    start = source.line_starts[number - 1]
    asked = Label(job.policy.source, entry.span("name"), "asked for here")
    span = Span(start, start + len(source.line(number)))
    return refusal(source, span, f"{entry.name}: {declined}", declined.hint, (asked,))
