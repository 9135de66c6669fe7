"""Compile: plan the changes, apply them to the text, read the result again and prove it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from rulec.analysis.tracking import tracking_facts
from rulec.compiler import admission, guards, icmp_errors, limits, raw, replies
from rulec.compiler.certificate import OF_EVERY_HOST, Certificate, Failure
from rulec.compiler.emit import Draft, draft, with_raw
from rulec.compiler.job import Job
from rulec.compiler.outcome import Declined, Plan, line_span, refusal
from rulec.compiler.prove import prove
from rulec.compiler.stateless import compile_stateless
from rulec.diagnostics import Finding, Label
from rulec.errors import Refused
from rulec.packetset.space import DEFAULT_MEMORY, Space
from rulec.policy import Policy
from rulec.semantics.ruleset import Prepared, in_space
from rulec.syntax.ruleset import Ruleset

_ROUNDS = 64


class Compiled(NamedTuple):
    """The text of the new ruleset, what a user should know about it, and what was proved of it."""

    text: str
    notes: tuple[str, ...]
    certificate: Certificate | None = None


def compile_ruleset(
    ruleset: Ruleset, policy: Policy, *, memory: int | None = None, unguarded: frozenset[str] = frozenset()
) -> Compiled:
    """The ruleset with the hot flows of the policy untracked.

    The ruleset must be valid.  Raises Refused, with every reason, when some entry
    cannot be had; all entries of this family are compiled, or none.  ``unguarded``
    leaves out guards by name, for tests of the proof.
    """
    without = guards.ONLY_NOTRACK if policy.mode == "stateless" else frozenset()
    refused = list(guards.of_texts(ruleset, policy, unguarded | without))
    if refused:
        raise Refused(tuple(refused))
    if policy.mode == "stateless":
        stateless = compile_stateless(ruleset, policy, DEFAULT_MEMORY if memory is None else memory)
        return _compiled(stateless.text, stateless.notes, stateless.certificate)
    if not tracking_facts(ruleset).tracks:
        return Compiled(ruleset.source.text, ("no rule of this file has packets tracked: there is nothing to untrack",))
    interfaces = frozenset(entry.interface for entry in policy.hot if entry.interface is not None)

    def job(space: Space) -> Job:
        return _planned(Job(draft(ruleset), policy, space, unguarded))

    limit = DEFAULT_MEMORY if memory is None else memory
    done = in_space((Prepared(ruleset),), job, limit, interfaces)
    result = _with_raw(done)
    certificate = _proved(done, result, limit)
    return _compiled(result.ruleset.source.text, done.notes, certificate)


def _compiled(text: str, notes: Iterable[str], certificate: Certificate | None) -> Compiled:
    """With what the proof assumes of this host in particular."""
    assumed = certificate.assumptions if certificate is not None else ()
    told = (f"assumed: {each}" for each in assumed if each not in OF_EVERY_HOST)
    return Compiled(text, (*notes, *told), certificate)


def _proved(job: Job, result: Draft, memory: int) -> Certificate:
    """The certificate of the result; Refused, with the counterexamples, where it cannot be had."""
    certificate = prove(job.start.ruleset, result.ruleset, job.policy, memory)
    if certificate.failures:
        raise Refused(tuple(_refuted(job, result, failure) for failure in certificate.failures))
    return certificate


def _refuted(job: Job, result: Draft, failure: Failure) -> Finding:
    """A counterexample as a refusal, at the rule that decides on it."""
    source = job.start.ruleset.source
    lines = [*failure.old_lines, *(line for line in map(result.origin, failure.new_lines) if line)]
    began = f" (of a flow that began with {failure.began})" if failure.began else ""
    asked = Label(job.policy.source, job.policy.span("hot"), "asked for here")
    span = line_span(source, next(iter(lines), 0))
    return refusal(source, span, f"{failure.message}{began}", "", (asked,), failure.packet)


def _planned(job: Job) -> Job:
    """All changes but those in raw."""
    refused = list(guards.of_packets(job))
    if refused:
        raise Refused(tuple(refused))
    try:
        _tell_idle(job)
        _change(job, admission.plan)
        for _ in range(_ROUNDS):
            if not _change(job, limits.plan, replies.plan, icmp_errors.plan):
                break
    except Declined as declined:
        raise Refused((_declined(job, declined),)) from None
    return job


def _change(job: Job, *steps: Callable[[Job], Plan]) -> bool:
    """Do what some steps propose, which look at the same draft; tells whether there was anything to do."""
    plan = Plan()
    for step in steps:
        plan.join(step(job))
    if plan:
        job.change(plan)
    return bool(plan)


def _with_raw(job: Job) -> Draft:
    """The raw rules of every entry that has flows."""
    groups: dict[str, tuple[str, ...]] = {}
    looped = {(case.entry.name, case.flow.request.protocol) for case in job.cases if case.flow.request.looped}
    for case in job.cases:
        told = job.told(case.entry, "")
        also = (case.entry.name, case.flow.request.protocol) in looped
        new = raw.rules(case.flow, job.policy.dialect, also)
        groups[told] = tuple(dict.fromkeys((*groups.get(told, ()), *new)))
    _tell(job)
    return with_raw(job.draft, list(groups.items()))


# ── what is said ──


def _tell_idle(job: Job) -> None:
    for flow in job.idle:
        why = "is untracked already" if job.is_untracked(flow) else "is not admitted, so there is nothing to untrack"
        job.tell(f"{flow.request.entry.name}: {flow.request.name} {why}")


def _tell(job: Job) -> None:
    """What is gained."""
    for case in job.cases:
        if not case.flow.request.looped and not case.flow.request.turned:
            job.tell(f"{case.entry.name}: {case.flow.request.name} takes no entry any more")
    if job.cases:
        old = "delete the old entries of these ports after loading (conntrack -D)"
        job.tell(f"tracking stays on for all other flows; {old}")


def _declined(job: Job, declined: Declined) -> Finding:
    """A refusal at the rule that stands in the way; the policy stands beside it."""
    source = job.start.ruleset.source
    asked = Label(job.policy.source, job.policy.span("hot"), "asked for here")
    span = line_span(source, declined.line)
    return refusal(source, span, str(declined), declined.hint, (asked,), declined.witness)
