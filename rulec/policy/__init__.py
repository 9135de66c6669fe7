"""Policy files: which flows are to be left out of connection tracking.

``read`` gives the policy of a text, or everything that is wrong with it, each
mistake at its place.  It resolves no names and looks at no ruleset: whether a policy
can be had is for the compiler.
"""

from __future__ import annotations

from rulec.diagnostics import Finding, Label
from rulec.policy import build, rules
from rulec.policy.conflicts import conflicts
from rulec.policy.document import Document, Problem, load
from rulec.policy.model import ANY, AddressRange, Entry, Policy
from rulec.policy.shape import check, schema
from rulec.source import Source

__all__ = ["ANY", "SLUG", "AddressRange", "Entry", "Policy", "read", "schema"]

SLUG = "policy-error"
"""What every finding about a policy file is called."""


def read(text: str, name: str) -> tuple[Policy | None, list[Finding]]:
    """The policy of a text, or None and what is wrong with it, in the order of the text."""
    source = Source(name, text)
    document, problems = load(text)
    if document is None:
        return None, _findings(problems, source)
    policy, more = _judge(document, source)
    known = {problem.span.start for problem in problems}
    problems += [problem for problem in more if problem.span.start not in known]
    return (None if problems else policy), _findings(problems, source)


def _judge(document: Document, source: Source) -> tuple[Policy | None, list[Problem]]:
    """The policy of a document, and everything that is wrong with what it says."""
    shape, problems = check(document)
    drafts = rules.drafts(document, shape)
    problems += [*rules.of_file(document), *rules.of_names(drafts)]
    entries = []
    for draft in drafts:
        wrong = list(rules.of_entry(draft))
        entry = build.entry(draft, shape)
        entries += [entry] if entry is not None and not wrong else []
        problems += wrong
    problems += conflicts(entries, source)
    return build.policy(document, shape, tuple(entries), source), problems


def _findings(problems: list[Problem], source: Source) -> list[Finding]:
    return [_finding(problem, source) for problem in sorted(problems, key=lambda problem: problem.span)]


def _finding(problem: Problem, source: Source) -> Finding:
    others = (Label(source, span, text) for span, text in problem.also)
    return Finding(SLUG, problem.message, (Label(source, problem.span), *others))
