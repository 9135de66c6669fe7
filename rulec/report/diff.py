"""What changes from one ruleset to another, as text, as JSON and as Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from rulec.query.diff import KINDS, Difference
from rulec.query.diff_deciders import Decider, rule_decider
from rulec.query.diff_flows import Flow
from rulec.query.diff_rules import Edit
from rulec.report.diff_markdown import Section, page
from rulec.report.json import SCHEMA_VERSION
from rulec.report.text import printable
from rulec.resources import lazy

_TITLES = {
    "opened": "opened", "closed": "closed", "doubtful": "opened or closed", "untracked": "no longer tracked",
    "tracked": "tracked now", "rewritten": "rewritten otherwise", "logged": "logged now",
    "unlogged": "no longer logged",
}  # fmt: skip
_EDITS = {
    "moved": "moved without effect", "deleted": "deleted without effect", "added": "added without effect",
    "policy": "policy changed without effect",
}  # fmt: skip
_MOST_RULES = 10


def render(found: Difference, form: str, version: str) -> Iterator[str]:
    """A difference in one of the forms full, markdown, json."""
    if form == "json":
        yield _document(found, version)
    elif form == "markdown":
        yield from page(closing(found), _heads(found), list(_sections(found)))
    else:
        yield from map(printable, _text(found))


def closing(found: Difference) -> str:
    """Everything in one line."""
    parts = [*_counted_flows(found), *_counted_edits(found)]
    if found.is_same:
        names = f"{found.old.source.name} and {found.new.source.name}"
        return ", ".join([f"same: {names} treat all packets alike", *parts])
    if found.switch is not None:
        parts.append(f"tracking switched {'on' if found.switch.on else 'off'} for {found.old.family.label}")
    return ", ".join(parts)


def _counted_flows(found: Difference) -> Iterator[str]:
    told = False
    for kind in KINDS:
        count = found.counts.get(kind)
        if count and count.flows:
            noun = "" if told else " flow" + "s" * (count.flows > 1)
            sure = f" ({count.possibly} possibly)" if 0 < count.possibly < count.flows else ""
            title = f"possibly {_TITLES[kind]}" if count.possibly == count.flows else _TITLES[kind]
            yield f"{count.flows}{noun} {title}{sure}"
            told = True


def _counted_edits(found: Difference) -> Iterator[str]:
    counts = Counter(edit.kind for edit in found.edits)
    for kind, title in _EDITS.items():
        if counts[kind]:
            noun = ("policy", "policies") if kind == "policy" else ("rule", "rules")
            yield f"{counts[kind]} {noun[counts[kind] > 1]} {title.removeprefix('policy ')}"
    if found.wording.reworded:
        yield f"{found.wording.reworded} {'rules' if found.wording.reworded > 1 else 'rule'} reworded"
    if found.wording.comments:
        yield f"{found.wording.comments} {'comments' if found.wording.comments > 1 else 'comment'} changed"


# ── text ──


def _text(found: Difference) -> Iterator[str]:
    for section in _sections(found):
        yield section.title
        yield from (f"  {line}" for line in section.lines)
        yield ""
    yield from _heads(found)
    for kind, title in _EDITS.items():
        edits = [edit for edit in found.edits if edit.kind == kind]
        yield from (f"{title}: {_edited(found, edit)}" for edit in edits[:_MOST_RULES])
        if len(edits) > _MOST_RULES:
            yield f"{title}: and {len(edits) - _MOST_RULES} more"
    yield closing(found)


def _heads(found: Difference) -> list[str]:
    """What is to be said of the files as a whole."""
    lines = [
        f"note: {name} has no table {table}; it is taken as empty, with ACCEPT for policy"
        for table, name in found.missing
    ]
    if found.switch is not None:
        shown = [_place(rule) for rule in found.switch.rules[:_MOST_RULES]]
        more = len(found.switch.rules) - len(shown)
        reason = "because of" if found.switch.on else "without"
        switched = f"tracking switched {'on' if found.switch.on else 'off'} for {found.old.family.label}, {reason}:"
        lines += [switched, *(f"  {line}" for line in shown), *([f"  and {more} more"] if more else [])]
    return lines


def _sections(found: Difference) -> Iterator[Section]:
    """The flows, and how many of each kind are not shown."""
    for kind in KINDS:
        flows = [flow for flow in found.flows if flow.kind == kind]
        for flow in flows:
            yield Section(_title(flow), tuple(_lines(flow)))
        if found.number(kind) > len(flows):
            yield Section(f"{_TITLES[kind]}: and {found.number(kind) - len(flows)} more (--all shows them)", ())


def _title(flow: Flow) -> str:
    return f"{'' if flow.surely else 'possibly '}{_TITLES[flow.kind]}: {flow.path}: {'; '.join(flow.regions)}"


def _lines(flow: Flow) -> Iterator[str]:
    yield f"witness: {flow.witness}"
    if flow.depends_on:
        yield f"depends on: {', '.join(flow.depends_on)}"
    yield f"before:  {_place(flow.before)}{_others(flow.others_before)}"
    yield f"after:   {_place(flow.after)}{_others(flow.others_after)}"


def _others(others: bool) -> str:
    return " (among others)" if others else ""


def _place(decider: Decider) -> str:
    return f"{decider.file}:{decider.line}: {decider.text}" if decider.line else f"{decider.file}: {decider.text}"


def _edited(found: Difference, edit: Edit) -> str:
    old = None if edit.old is None else rule_decider(found.old, edit.old)
    new = None if edit.new is None else rule_decider(found.new, edit.new)
    if old is not None and new is not None:
        return f"{old.file}:{old.line} > {_place(new)}"
    only = old or new
    return f"{edit.chain} in table {edit.table}" if only is None else _place(only)


# ── JSON ──


def _document(found: Difference, version: str) -> str:
    content = {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "rulec", "version": version},
        "old": found.old.source.name,
        "new": found.new.source.name,
        "family": found.old.family.value,
        "same": found.is_same,
        "flows": [_flow(flow) for flow in found.flows],
        "tracking": None if found.switch is None else _switch(found),
        "missing_tables": [{"table": table, "file": name} for table, name in found.missing],
        "rules_without_effect": [_edit(found, edit) for edit in found.edits],
        "summary": {
            "text": closing(found),
            **{kind: {"flows": count.flows, "possibly": count.possibly} for kind, count in found.counts.items()},
            "reworded": found.wording.reworded,
            "comments": found.wording.comments,
        },
    }
    text: str = lazy("json").dumps(content, indent=2, ensure_ascii=True)
    return text


def _flow(flow: Flow) -> dict[str, Any]:
    return {
        "kind": flow.kind,
        "path": flow.path,
        "certainty": "surely" if flow.surely else "possibly",
        "depends_on": list(flow.depends_on),
        "regions": list(flow.regions),
        "witness": flow.witness,
        "before": {**flow.before._asdict(), "among_others": flow.others_before},
        "after": {**flow.after._asdict(), "among_others": flow.others_after},
    }


def _switch(found: Difference) -> dict[str, Any]:
    assert found.switch is not None
    return {"on": found.switch.on, "rules": [rule._asdict() for rule in found.switch.rules]}


def _edit(found: Difference, edit: Edit) -> dict[str, Any]:
    return {
        "kind": edit.kind,
        "table": edit.table,
        "chain": edit.chain,
        "old": None if edit.old is None else rule_decider(found.old, edit.old)._asdict(),
        "new": None if edit.new is None else rule_decider(found.new, edit.new)._asdict(),
    }
