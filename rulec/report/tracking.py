"""Why connection tracking is on, for which flows, and the ways out: as text for whoever has a full table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap

from rulec.analysis.tracking_answers import Blocker, Cause, Cost, Edit, OfFile, Told, TrackingReport
from rulec.analysis.tracking_kinds import Kind
from rulec.report.text import printable
from rulec.report.tracking_json import document
from rulec.report.tracking_next import is_free, next_step

_WIDTH = 96
_MOST_LINES = 8

_PLACES = {
    "arriving": "that arrive", "input": "to this host", "forward": "through this host", "output": "of this host",
}  # fmt: skip

_EDITS = {
    Kind.NAT: "NAT by {names}: there is none without tracking",
    Kind.HELPER: "helpers ({names}): there are none without tracking",
    Kind.SYNPROXY: "SYNPROXY: there is none without tracking",
    Kind.LIMIT: "connlimit: delete; it counts tracked connections (hashlimit counts packets instead)",
    Kind.MARK: "marks of connections ({names}): delete; mark the packets of both directions with -j MARK instead",
    Kind.OTHER: "{names}: say -p, -s, -d and ports where they ask for these; all else they ask is lost",
    Kind.REPLIES: "accept answers by hand in place of ESTABLISHED and RELATED: tcp by ! --tcp-flags SYN,ACK SYN"
    " (ACK scans pass), udp by server and port",
    Kind.REFUSALS: "refuse --syn in place of NEW; new flows that are not TCP pass from there on",
    Kind.REQUESTS: "take away the state match and --syn; the rest of the rule stays",
    Kind.STRAY: "delete what refuses packets of no connection",
    Kind.NOTES: "take away the state match; they then meet all packets of a flow, and not its first alone",
    Kind.SETTINGS: "delete; they say how connections are tracked",
    Kind.IN_RAW: "delete: in the table raw no state is known yet",
    Kind.LOADS: "delete the NOTRACK rules as well: with nothing tracked they only load the module",
}
_NEEDLESS = "delete: what is let through for its state passes all the same"
_EFFECTS = {
    ("lost", "output"): "lost: answers to connections of this host",
    ("lost", "input"): "lost: connections to this host, after their first packet",
    ("lost", "forward"): "lost: connections through this host, after their first packet",
    "translated": "lost: the translation of connections {place}",
    "met": "changed: connections {place}",
    "opened": "opened: new connections {place}",
    "data": "lost: connections that a helper announces, such as FTP data",
    "errors": "lost: ICMP errors about connections (too large, unreachable); accept {types} by hand",
}
_ERRORS = {"IPv4": "icmp types 3, 11, 12", "IPv6": "icmpv6 types 1 to 4"}
_REASONS = {
    "translated": "NAT rewrites these", "target": "NAT sends others there", "own": "this host asks from these ports",
    "hidden": "NAT may use these ports for others", "helper": "a helper reads these", "synproxy": "SYNPROXY",
    "connlimit": "connlimit counts these", "connmark": "the mark of the connection", "other": "needs the connection",
}  # fmt: skip


def render(reports: Sequence[TrackingReport], form: str, version: str) -> Iterator[str]:
    """All reports in one of the forms full, concise, json; concise is the first sentence and the last."""
    if form == "json":
        yield document(reports, version)
        return
    for number, report in enumerate(reports):
        yield from [""] * (number > 0 and form == "full")
        yield from map(printable, _full(report) if form == "full" else _brief(report))


def _brief(report: TrackingReport) -> Iterator[str]:
    yield _head(report)
    yield f"{report.file}: {next_step(report)}"


def _full(report: TrackingReport) -> Iterator[str]:
    yield from _wrapped(_head(report), "", "  ")
    sections = (("why", _why(report)), ("which flows", _which(report)), *_ways_out(report))
    for title, lines in sections:
        found = list(lines)
        if found:
            yield from ("", title, *found)
    yield ""
    yield from _wrapped(next_step(report), "", "  ")


def _head(report: TrackingReport) -> str:
    name = f"{report.file}: {report.family}"
    if not report.is_tracked:
        other = f", which cannot; but {report.tracked} is" if report.tracked else ""
        return (
            f"{name} is not tracked on {report.kernel}{other}{_because(report) if other else ' by what is given here'}"
        )
    return f"{name} is tracked on {report.kernel}, every packet of it{_because(report)}"


def _because(report: TrackingReport) -> str:
    counted = [_count(len(report.lines), "rule")] if report.lines else []
    counted += ["the nat table"] if report.nat_tracks and report.nat_tables else []
    counted += [_count(len(report.modules), "line") + " of configuration files"] if report.modules else []
    listed = ", ".join(counted[:-1]) + " and " * (len(counted) > 1) + "".join(counted[-1:])
    return f", because of {listed}" if counted else ""


# ── why ──


def _why(report: TrackingReport) -> Iterator[str]:
    for cause in report.causes:
        yield from _item(f"{cause.words}: {_rules(cause)}")
    yield from _nat_table(report)
    for line in report.modules:
        what = "has all tracked once the module is loaded" if "=" in line.words else "tracks as soon as it is loaded"
        yield from _item(f"{_place(line)} {what} on {report.kernel}")
    for cause in report.loads:
        yield from _item(f"{cause.words} loads nf_conntrack only, and tracks nothing: {_rules(cause)}")
    for line in report.idle:
        yield from _item(f"{_place(line)} loads the module only, and tracks nothing on {report.kernel}")
    for line in report.others:
        yield from _item(f"{_place(line)} tracks the other family as soon as it is loaded")
    if report.refused:
        yield from _item(f"{_place(report.refused)} keeps the module away: rules that need it do not load at all")
    if report.flows.dead:
        dead = f"{len(report.flows.dead)} of them ({_numbers(report.flows.dead)})"
        yield from _item(f"no packet gets to {dead}, but to load a rule is enough")


def _nat_table(report: TrackingReport) -> Iterator[str]:
    if report.nat_tables:
        does = "tracks all by itself, with or without rules," if report.nat_tracks else "loads the module only"
        yield from _item(f"the nat table (line {report.nat_tables[-1]}) {does} on {report.kernel}")


def _rules(cause: Cause) -> str:
    """``5 rules (lines 1, 2, ...)``, of many the first line."""
    count = len(cause.lines)
    if count == 1:
        return f"line {cause.lines[0]}"
    if count > _MOST_LINES:
        return f"{count} rules, first: line {cause.lines[0]}"
    return f"{count} rules ({_numbers(cause.lines)})"


def _place(line: OfFile) -> str:
    return f"{line.file}:{line.line}: {line.words}"


# ── flows ──


def _which(report: TrackingReport) -> Iterator[str]:
    flows = report.flows
    if report.undecided:
        yield from _item(report.undecided)
        return
    for title, told in (
        ("half tracked, an entry for each all the same", flows.half), ("untracked, and refused so", flows.refused),
        ("untracked", flows.untracked),
    ):  # fmt: skip
        for one in told:
            yield from _item(f"{title}: connections {_PLACES[one.path]}: {_said(one)}", one.witness)
    if report.is_tracked:
        rest = flows.untracked or flows.half
        yield from _item("tracked: all others" if rest else "tracked: all; no rule leaves any connection untracked")


def _said(told: Told) -> str:
    return "; ".join(told.flows)


# ── the ways out ──


def _ways_out(report: TrackingReport) -> Iterator[tuple[str, Iterable[str]]]:
    if report.undecided or not report.is_tracked:
        return
    yield "NOTRACK could take, while the rest stays tracked", _candidates(report)
    edits, hard = report.flows.edits, [edit for edit in report.flows.edits if not is_free(edit)]
    count = len(edits) + bool(report.flows.dead) + len(report.modules) + len(report.spare_tables)
    number = len(hard) or count
    which = f"{number} of which" if number < count else "which"
    cost = f"{which} {'cost' if number > 1 else 'costs'} {'something' if hard else 'nothing'}"
    yield f"to have nothing of {report.family} tracked: {_count(count, 'edit')}, {cost}", _edits(report)


def _candidates(report: TrackingReport) -> Iterator[str]:
    found = report.flows.candidates
    for ports, who in ((found.anybody, "any address"), (found.some, "some addresses")):
        if ports:
            yield from _item(f"{ports}  (from {who})")
    if not found.anybody and not found.some:
        yield "  no port of this host"
    for blocker in found.blockers:
        yield from _item(f"not {blocker.ports}: {_blocked(blocker)}")


def _blocked(blocker: Blocker) -> str:
    lines = f" ({_numbers(blocker.lines)})" if blocker.lines else ""
    return f"{_REASONS[blocker.reason]}{lines}"


def _edits(report: TrackingReport) -> Iterator[str]:
    for number, (title, costs) in enumerate(_all_edits(report), 1):
        yield from _wrapped(title, f"  {number}. ", "     ")
        for cost in costs:
            yield from _wrapped(cost, "     - ", "       ")


def _all_edits(report: TrackingReport) -> Iterator[tuple[str, Iterable[str]]]:
    for edit in report.flows.edits:
        is_needless = edit.kind is Kind.REPLIES and not edit.costs
        title = _NEEDLESS if is_needless else _EDITS[edit.kind].format(names=", ".join(edit.names))
        yield f"{_numbers(edit.lines)}: {title}", _costs(report, edit)
    if report.flows.dead:
        yield f"{_numbers(report.flows.dead)}: delete; no packet gets there", ()
    for table in report.spare_tables:
        yield f"line {table}: delete the table nat; to list it (iptables -t nat -L) loads it again", ()
    for line in report.modules:
        yield f"{_place(line)}: take it out", ()


def _costs(report: TrackingReport, edit: Edit) -> Iterator[str]:
    """What it costs, of what is alike on several ways once, and a packet; last what is no harm."""
    told = [cost for cost in edit.costs if cost.effect != "strays"]
    yield from dict.fromkeys(_cost(report, cost) for cost in told)
    yield from [f"e.g. {cost.told.witness}" for cost in told if cost.told.witness][:1]
    if edit.rates:
        yield f"limits on {_numbers(edit.rates)} would count packets, and not connections"
    if is_free(edit):
        yield from _nothing([cost for cost in edit.costs if cost.effect == "strays"])


def _nothing(strays: Sequence[Cost]) -> Iterator[str]:
    yield "costs nothing" + "; packets of no connection pass where new connections may" * bool(strays)
    yield from [f"e.g. {cost.told.witness}" for cost in strays][:1]


def _cost(report: TrackingReport, cost: Cost) -> str:
    path = cost.told.path
    words = _EFFECTS.get((cost.effect, path)) or _EFFECTS[cost.effect]
    title = words.format(place=_PLACES[path], types=_ERRORS[report.family])
    return f"{title}: {_said(cost.told)}" if cost.told.flows else title


# ── words ──


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _numbers(lines: Sequence[int]) -> str:
    shown = ", ".join(map(str, lines[:_MOST_LINES]))
    more = len(lines) - _MOST_LINES
    return f"line{'s' * (len(lines) > 1)} {shown}" + (f" and {more} more" if more > 0 else "")


def _item(words: str, witness: str = "") -> Iterator[str]:
    yield from _wrapped(words, "  ", "    ")
    if witness:
        yield from _wrapped(f"e.g. {witness}", "    ", "      ")


def _wrapped(words: str, first: str, then: str) -> Iterator[str]:
    yield from wrap(
        words, _WIDTH, initial_indent=first, subsequent_indent=then, break_long_words=False, break_on_hyphens=False
    )
