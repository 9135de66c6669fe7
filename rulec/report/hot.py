"""What the table of connections holds, and what of it could be untracked: as text of 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap

from rulec.host.conntrack.draft import Draft
from rulec.host.conntrack.here import Machine
from rulec.host.conntrack.lines import Missed
from rulec.host.conntrack.table import Service, Table
from rulec.model.services import services
from rulec.report.hot_json import document
from rulec.report.text import printable

_WIDTH = 80
_TITLE = 44
_LEAST_SIGN = 0.2

_SIGNS = {
    "unreplied": "without an answer: floods, scans, or flows whose answers are untracked (NOTRACK in one direction)",
    "time_wait": "in TIME_WAIT, closed but kept for nf_conntrack_tcp_timeout_time_wait: many short connections, which"
    " untracking saves most on",
    "idle": "established TCP connections without a packet for an hour, kept for nf_conntrack_tcp_timeout_established"
    " (5 days by default)",
    "syn_recv": "in SYN_RECV: somebody begins connections and does not go on, as a SYN flood does",
    "established": "established TCP connections in use",
    "replied": "UDP and ping with answers",
}
_EXTRA = {
    "reversed": "begun from the server's port: answers whose question was untracked, or connections that were picked up"
    " after the table was emptied",
    "translated": "rewritten by NAT, and NAT needs tracking: no policy takes these",
}
_HOSTS = {"peer": "the other ends", "src": "who began them", "dst": "to whom they were begun"}


def render(
    name: str, table: Table, missed: Missed, drafts: Sequence[Draft], machine: Machine | None, top: int, form: str,
    version: str,
) -> Iterator[str]:  # fmt: skip
    """A table of connections in one of the forms full, json; ``machine`` is that of a running kernel."""
    if form == "json":
        yield document(name, table, missed, drafts, machine, top, version)
    else:
        yield from map(printable, _full(name, table, drafts, machine, top))


def unread(name: str, missed: Missed, entries: int) -> Iterator[str]:
    """Where there were lines that are no entries, and whether entries are missing; nothing where all was read."""
    for one in missed.first:
        text = one.text if len(one.text) <= _WIDTH else f"{one.text[: _WIDTH - 3]}..."
        yield printable(f"{name}:{one.line}: no entry of a conntrack table: {text}")
    if missed.count > len(missed.first):
        yield printable(f"{name}: {missed.count - len(missed.first):,} more lines are no entries")
    if missed.said is not None and missed.said != entries:
        yield printable(f"{name}: conntrack says that it has shown {missed.said:,} entries, and {entries:,} are here")


def _full(name: str, table: Table, drafts: Sequence[Draft], machine: Machine | None, top: int) -> Iterator[str]:
    yield from _head(name, table, machine)
    yield from _section("what they say", _signs(table))
    yield from _section(_columns("services", "entries", "share", "memory"), _services(table, drafts, top))
    nat = (
        _row(f"{service.title} {service.role} {service.nat}", service.entries, table) for service in table.translated
    )
    yield from _section("rewritten by NAT", _first(list(nat), top))
    yield from _section("states", (_row(state, count, table) for state, count in table.states))
    yield from _section("zones", (_row(f"zone {zone}", count, table) for zone, count in table.zones))
    hosts = [_row(host, count, table) for host, count in table.hosts[:top]]
    hosts += [f"  and {table.host_count - top:,} more"] if table.host_count > top else []
    yield from _section(f"hosts: {_HOSTS[table.by]}", hosts)
    yield from _end(table, drafts)


def _head(name: str, table: Table, machine: Machine | None) -> Iterator[str]:
    taken = f", {octets(table.octets(table.entries))} at {table.entry} octets each" if table.entries else ""
    yield from wrapped(f"{name}: {table.entries:,} {_entries(table.entries)}{taken}")
    if machine and machine.most:
        buckets = f", {machine.buckets:,} buckets" if machine.buckets else ""
        yield f"room for {machine.most:,}{buckets}: {table.entries / machine.most:.1%} taken"
    if table.own.texts:
        yield from wrapped(f"seen from {', '.join(table.own.texts[:8])} ({table.own.known})")
    elif table.entries:
        yield "seen from outside: no entry is known to be of this host; --address says which are"


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    found = list(lines)
    if found:
        yield from ("", title, *found)


def _signs(table: Table) -> Iterator[str]:
    found = dict(table.signs)
    for sign, words in _SIGNS.items():
        if found.get(sign, 0) and table.share(found[sign]) >= _LEAST_SIGN:
            yield from wrapped(f"{table.share(found[sign]):.0%} {words}", "  ", "    ")
    for sign, words in _EXTRA.items():
        if found.get(sign, 0):
            yield from wrapped(f"{found[sign]:,} {words}", "  ", "    ")


# ── services ──


def _services(table: Table, drafts: Sequence[Draft], top: int) -> Iterator[str]:
    drafted = {draft.service: draft for draft in drafts}
    for service in table.services[:top]:
        yield _row(_title(service), service.entries, table)
        for line in _judged(drafted.get(service), service, table):
            yield from wrapped(line, "      ", "      ")
    rest = table.services[top:]
    if rest:
        yield _row(f"{len(rest):,} more", sum(service.entries for service in rest), table)


def _title(service: Service) -> str:
    known = _names().get(service.port, "") if service.port and service.protocol in ("tcp", "udp") else ""
    server = service.servers[0][0] if service.role in ("client", "forward") and service.server_count == 1 else ""
    plural = "s" * (service.server_count > 1)
    count = f"{service.server_count:,} server{plural}" if service.role in ("client", "forward") else ""
    words = [service.title, known, service.role]
    fits = len(" ".join([*words, server])) < _TITLE
    return " ".join(word for word in (*words, server if server and fits else count) if word)


def _names() -> dict[int | None, str]:
    names: dict[int | None, str] = {}
    for name, port in services().items():
        names.setdefault(port, name)
    return names


def _judged(draft: Draft | None, service: Service, table: Table) -> Iterator[str]:
    if service.entries and service.unreplied * 2 > service.entries:
        yield f"{service.unreplied / service.entries:.0%} without an answer"
    if service.helped:
        yield f"{service.helped:,} with a helper"
    if draft is None:
        return
    if draft.why:
        yield f"no: {draft.why}"
    elif draft.entries < service.entries:
        yield f"the servers with most of them have {draft.entries:,} entries"
    yield from draft.told


def _end(table: Table, drafts: Sequence[Draft]) -> Iterator[str]:
    saved = sum(draft.entries for draft in drafts if draft.is_taken)
    if saved:
        part = f"{table.share(saved):.0%} of the table, {octets(table.octets(saved))}"
        yield ""
        yield from wrapped(f"untracking what can be would save {saved:,} entries ({part}); --policy-out drafts it")


# ── words ──


def _columns(title: str, *heads: str) -> str:
    return f"{title:<{_TITLE + 2}}{heads[0]:>12}{heads[1]:>9}{heads[2]:>12}"


def _row(title: str, entries: int, table: Table) -> str:
    shown = f"  {title}"
    return f"{shown:<{_TITLE + 2}}{entries:>12,}{table.share(entries):>9.1%}{octets(table.octets(entries)):>12}"


def _first(lines: Sequence[str], top: int) -> list[str]:
    return [*lines[:top], *([f"  and {len(lines) - top:,} more"] if len(lines) > top else [])]


def octets(number: float) -> str:
    """A size as people read it."""
    for unit in ("B", "KiB", "MiB"):
        if number < 1024:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} GiB"


def _entries(number: int) -> str:
    return "entry" if number == 1 else "entries"


def wrapped(words: str, first: str = "", then: str = "  ") -> Iterator[str]:
    """Lines of 80 columns."""
    yield from wrap(
        words, _WIDTH, initial_indent=first, subsequent_indent=then, break_long_words=False, break_on_hyphens=False
    )
