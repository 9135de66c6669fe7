"""Mode stateless: a ruleset of which no rule needs connection tracking, for the flows that it admits.

What states did is done by flags, by rules for answers, and by looking into ICMP
errors.  What cannot be had so is refused, or listed as lost where the policy allows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rulec.analysis.tracking import tracking_facts
from rulec.compiler import stateless_errors, stateless_plan, stateless_resets, stateless_settled
from rulec.compiler.certificate import Certificate, Failure
from rulec.compiler.emit import Draft, draft
from rulec.compiler.others import leaves_untracked
from rulec.compiler.outcome import Declined, line_span, refusal
from rulec.compiler.prove import prove
from rulec.compiler.stateless_clones import cloned
from rulec.compiler.stateless_flows import Work
from rulec.compiler.stateless_rules import obstacles, restated
from rulec.diagnostics import Finding, Label
from rulec.errors import Refused
from rulec.kernel.generations import KERNELS
from rulec.model import Family
from rulec.packetset.space import DEFAULT_MEMORY, Space
from rulec.policy import Policy
from rulec.semantics.ruleset import Prepared, in_space
from rulec.syntax.ruleset import Ruleset

_ROUNDS = 8


class Done(NamedTuple):
    """The text of the new ruleset, what is to be said of it, and what was proved."""

    text: str
    notes: tuple[str, ...]
    certificate: Certificate | None


def compile_stateless(ruleset: Ruleset, policy: Policy, memory: int = DEFAULT_MEMORY) -> Done:
    """The ruleset without connection tracking; raises Refused, with every reason, when it cannot be had."""
    refused = [_declined(ruleset, policy, declined) for declined in obstacles(ruleset)]
    if refused:
        raise Refused(tuple(dict.fromkeys(refused)))
    lines = sorted({cause.line for cause in tracking_facts(ruleset).tracks})
    if not lines:
        text = "no rule of this file needs connection tracking: there is nothing to do"
        return Done(ruleset.source.text, (text,), None)
    refusal_ = None
    for start in _starts(ruleset):
        try:
            return _compiled(ruleset, start, policy, memory)
        except Refused as refused_:
            refusal_ = refusal_ or refused_
    assert refusal_ is not None
    raise refusal_


def _starts(ruleset: Ruleset) -> Iterator[Draft]:
    """The ruleset as it stands, which is the most readable; and with its shared chains cloned."""
    yield draft(ruleset)
    clones = cloned(ruleset)
    if clones is not None:
        yield clones


def _compiled(ruleset: Ruleset, start: Draft, policy: Policy, memory: int) -> Done:
    """The result, proved; Refused where it cannot be."""
    lines = sorted({cause.line for cause in tracking_facts(start.ruleset).tracks})
    replaced = {line: restated(start.ruleset, line) for line in lines}
    interfaces = frozenset(entry.interface for entry in policy.hot if entry.interface is not None)

    def job(space: Space) -> Work:
        return _planned(start, policy, space, replaced)

    work = in_space((Prepared(start.ruleset),), job, memory, interfaces)
    certificate = prove(ruleset, work.draft.ruleset, policy, memory)
    if certificate.failures:
        raise Refused(tuple(_refuted(work, start, failure) for failure in certificate.failures))
    return Done(work.draft.ruleset.source.text, tuple(_notes(work, start, certificate)), certificate)


def _planned(start: Draft, policy: Policy, space: Space, replaced: dict[int, tuple[str, ...]]) -> Work:
    """All changes."""
    try:
        work = Work(start.ruleset, policy, space, replaced)
        stateless_settled.spare(work)
        steps = (
            stateless_settled.plan,
            stateless_errors.plan,
            stateless_resets.plan,
            stateless_plan.later,
            stateless_plan.answers,
        )
        for _ in range(_ROUNDS):
            if not sum(work.add(step(work)) for step in steps):
                break
        if policy.fragments == "reassemble" and _needs_whole(work):
            work.edit(work.edits._replace(is_whole=True))
    except Declined as declined:
        declined.line = start.origin(declined.line)
        raise Refused((_declined(start.ruleset, policy, declined),)) from None
    return work


def _needs_whole(work: Work) -> bool:
    """Whether fragments come to rules that ask for ports: IPv4 of this host is put together after PREROUTING."""
    programs = work.old.prepared.programs.values()
    steps = [step for program in programs for step in program.steps()]
    if any(step.extension == "TPROXY" or step.rule.match("socket") for step in steps):
        return False
    paths = ("forward",) if work.family is Family.IPV4 else ("input", "forward", "output")
    return any(not work.old.passing(path, work.opening(path)).is_empty() for path in paths)


# ── what is said ──


def _notes(work: Work, start: Draft, certificate: Certificate) -> Iterator[str]:
    yield "no rule of this file needs connection tracking any more"
    if certificate.exposures:
        yield "packets of no connection pass that look like those of a flow: answers nobody asked for, stray segments"
    for lost in certificate.losses:
        yield f"lost: {lost.flows or lost.packet}: {lost.message}"
    for line in _needless(work):
        yield f"line {start.origin(line)}: leaves untracked what is not tracked anyway; it may be deleted"
    for table in tracking_facts(work.ruleset).nat_tables:
        old = ", ".join(each.title for each in KERNELS.values() if each.tracked_by_nat_table(work.family) is not None)
        yield f"line {start.origin(table)}: on {old} the table nat alone has packets tracked; delete it there"


def _needless(work: Work) -> Iterable[int]:
    program = work.old.prepared.programs.get("raw")
    return [step.line for step in program.steps() if leaves_untracked(step)] if program is not None else []


def _declined(ruleset: Ruleset, policy: Policy, declined: Declined) -> Finding:
    asked = Label(policy.source, policy.span("mode"), "asked for here")
    span = line_span(ruleset.source, declined.line)
    return refusal(ruleset.source, span, str(declined), declined.hint, (asked,), declined.witness)


def _refuted(work: Work, start: Draft, failure: Failure) -> Finding:
    """A counterexample as a refusal, at the rule that decides on it."""
    source, policy = start.ruleset.source, work.policy
    lines = [*failure.old_lines, *(start.origin(work.draft.origin(line)) for line in failure.new_lines)]
    began = f" (of a flow that began with {failure.began})" if failure.began else ""
    asked = Label(policy.source, policy.span("mode"), "asked for here")
    hint = "list it under hot, or say losses: accept" if "no entry of the policy" in failure.message else ""
    span = line_span(source, next(filter(None, lines), 0))
    return refusal(source, span, f"{failure.message}{began}", hint, (asked,), failure.packet)
