"""The way of a packet as text and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from rulec.query.trace_events import Back, Change, Event, Hook, Note, Outcome, Policy, Rule, Table, Trace, Why
from rulec.report.json import SCHEMA_VERSION
from rulec.report.text import printable
from rulec.resources import lazy
from rulec.syntax.ruleset import Ruleset

_KINDS: dict[type, str] = {
    Hook: "hook", Table: "table", Rule: "rule", Back: "back", Policy: "policy", Note: "note",
}  # fmt: skip
_INDENT = "  "
_ENDS = ("ACCEPT", "DROP", "REJECT", "RETURN")
_MOST_OUTCOMES = 12


def render(ruleset: Ruleset, traces: Sequence[Trace], form: str, version: str) -> Iterator[str]:
    """All traces in one of the forms full and json."""
    if form == "json":
        yield _document(ruleset, traces, version)
        return
    for number, trace in enumerate(traces):
        yield from [""] * (number > 0)
        yield from map(printable, _text(trace))


# ── text ──


def _text(trace: Trace) -> Iterator[str]:
    yield trace.packet
    yield from (f"{_INDENT}assumed: {assumed}" for assumed in trace.assumed)
    for event, following in zip(trace.events, (*trace.events[1:], None), strict=True):
        if isinstance(event, Table) and isinstance(following, Policy):
            yield f"{_INDENT}{event.table} {event.chain}: no rule"
        else:
            yield from _SHOWN[type(event)](event)
    yield verdict(trace)
    for why in trace.why:
        yield from _why(why)


def verdict(trace: Trace) -> str:
    """The verdict in one line: what decides, or on what it depends."""
    if trace.verdict != "depends":
        places = dict.fromkeys(_place(outcome) for outcome in trace.outcomes)
        return f"{trace.verdict}: {', or '.join(places)}"
    *others, last = trace.outcomes
    parts = [_outcome(outcome) for outcome in others[:_MOST_OUTCOMES]]
    more = [f"{len(others) - _MOST_OUTCOMES} more rules"] if len(others) > _MOST_OUTCOMES else []
    return f"depends: {'; otherwise '.join([*parts, *more, _outcome(last._replace(assumptions=()))])}"


def _outcome(outcome: Outcome) -> str:
    said = f"{outcome.verdict} by {_place(outcome)}"
    return f"if {' and '.join(outcome.assumptions)}: {said}" if outcome.assumptions else said


def _place(outcome: Outcome) -> str:
    if not outcome.table:
        return outcome.rule
    kind = "the rule on line" if outcome.rule else "the policy on line"
    where = f"{outcome.table} {outcome.chain}"
    return f"{kind} {outcome.line} ({where})" if outcome.line else f"the policy of {where}"


def _hook(event: Hook) -> Iterator[str]:
    yield f"{event.name}{', if ' * bool(event.assumption)}{event.assumption}"


def _table(event: Table) -> Iterator[str]:
    yield f"{_INDENT}{event.table} {event.chain}"


def _rule(event: Rule) -> Iterator[str]:
    margin = _INDENT * (event.depth + 1)
    answer = {"yes": "yes", "no": "no ", "open": "if "}[event.answer]
    said = f"{event.line:>5} {answer} {margin}{event.text or '(every packet)'}"
    if event.answer == "no":
        yield f"{said}   [{'; '.join(_reason(*reason) for reason in event.reasons)}]"
        return
    effects = [*(_change(change) for change in event.changes), *event.then]
    yield said + (f"   => {', '.join(effects)}" if effects else "")
    if event.answer == "open":
        yield f"{'':9} {margin}{_INDENT}if {event.assumption}{_held(event)}"


def _held(event: Rule) -> str:
    held = "; ".join(dict.fromkeys(reason.packet for reason in event.reasons if reason.packet))
    ends = any(way in _ENDS for way in event.then)
    return (f"   [{held}]" if held else "") + ("; otherwise:" if ends else "")


def _reason(option: str, packet: str) -> str:
    return f"{option}: {packet}" if packet else option


def _change(change: Change) -> str:
    if change.before == change.after:
        return f"{change.field} changes"
    return f"{change.field} {change.before} -> {change.after}"


def _back(event: Back) -> Iterator[str]:
    said = "otherwise, still in" if event.rest else "back in"
    yield f"{'':9} {_INDENT * (event.depth + 1)}{said} {event.chain}"


def _policy(event: Policy) -> Iterator[str]:
    line = str(event.line) if event.line else ""
    yield f"{line:>5} end {_INDENT}policy {event.policy}"


def _note(event: Note) -> Iterator[str]:
    changes = "".join(f", {_change(change)}" for change in event.changes)
    yield f"{_INDENT}{event.subject}: {event.text}{changes}"


_SHOWN: dict[type, Callable[[Any], Iterator[str]]] = {
    Hook: _hook, Table: _table, Rule: _rule, Back: _back, Policy: _policy, Note: _note,
}  # fmt: skip


def _why(why: Why) -> Iterator[str]:
    before = why.before
    where = f"{before.table} {before.chain}"
    end = f"before line {before.line}" if before.rule else "at the end"
    yield f"{_INDENT}{why.verdict} would take: {_article(why.verdict)} {end} of {where}"
    for near in why.near:
        yield f"{_INDENT}or line {near.line} to match, {near.text}   [{_reason(*near.reason)}]"


def _article(name: str) -> str:
    return f"an {name}" if name == "ACCEPT" else f"a {name}"


# ── JSON ──


def _document(ruleset: Ruleset, traces: Iterable[Trace], version: str) -> str:
    content = {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "rulec", "version": version},
        "file": ruleset.source.name,
        "family": ruleset.family.value,
        "traces": [_trace(trace) for trace in traces],
    }
    text: str = lazy("json").dumps(content, indent=2, ensure_ascii=True)
    return text


def _trace(trace: Trace) -> dict[str, Any]:
    return {**_plain(trace), "events": [_event(event) for event in trace.events]}


def _event(event: Event) -> dict[str, Any]:
    return {"kind": _KINDS[type(event)], **_plain(event)}


def _plain(value: Any) -> Any:
    """Named tuples as objects, others as lists."""
    if hasattr(value, "_asdict"):
        return {name: _plain(inner) for name, inner in value._asdict().items()}
    return [_plain(inner) for inner in value] if isinstance(value, tuple) else value
