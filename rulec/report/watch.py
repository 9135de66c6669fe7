"""The table of connections from moment to moment: as text, as a table of a terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rulec.host.conntrack.table import Service
from rulec.host.conntrack.watch import SHOWN, View
from rulec.report.hot import wrapped
from rulec.report.json import dumped, head
from rulec.report.text import printable
from rulec.resources import lazy

_LOSSES = {"drop": "dropped", "early_drop": "evicted", "insert_failed": "not inserted"}
_COLOURS = {"room": "green", "near": "yellow", "full": "red", "dropping": "red"}
_STATES = {
    "near": "the table is nearly full",
    "full": "the table is full: packets of new connections are dropped",
    "dropping": "packets are being dropped",
}
_NEXT = "next: rulec hot says what fills it and what could be untracked, rulec size how large it should be"
_BAR = 40
_HOUR = 3600


def lines(view: View, top: int) -> Iterator[str]:
    """A view as text of 80 columns."""
    yield f"{entries(view)}{_growth(view)}"
    yield losses(view)
    for service in view.services[:top]:
        yield f"  {_title(service):<44}{service.entries:>12,}{_share(service, view):>9}"
    yield from said(view)


def entries(view: View) -> str:
    """How full the table is."""
    if view.part is None:
        return f"{view.moment.entries:,} entries, no limit"
    return f"{view.moment.entries:,} of {view.moment.most:,} entries: {view.part:.1%}"


def _growth(view: View) -> str:
    if view.growth is None:
        return ""
    seconds = view.full_in
    when = f", full in {_duration(seconds)}" if seconds is not None and seconds < _HOUR else ""
    return f", {view.growth:+,.1f} a second{when}"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def losses(view: View) -> str:
    """What was dropped, evicted and not inserted since the start, and goes on so."""
    found = view.moment.counters
    return ", ".join(
        f"{found[name]:,} {_LOSSES[name]}{_rate(view, name)}" for name in SHOWN if name in found
    )  or "drops: not known"  # fmt: skip


def _rate(view: View, name: str) -> str:
    return f" (+{view.rates[name]:,.1f} a second)" if view.rates.get(name) else ""


def _title(service: Service) -> str:
    nat = f" {service.nat}" if service.nat else ""
    return printable(f"{service.title} {service.role}{nat}")


def _share(service: Service, view: View) -> str:
    return f"{service.entries / view.read:.1%}" if view.read else ""


def said(view: View) -> Iterator[str]:
    """What is wrong, what to do about it, and what could not be read."""
    if view.state in _STATES:
        yield from wrapped(f"{_STATES[view.state]}; {_NEXT}")
    for reason in view.unread:
        yield from wrapped(f"not read: {printable(reason)}")


# ── terminals ──


def screen(view: View, top: int) -> Any:
    """A view for a terminal that is written over again and again (rich)."""
    table = lazy("rich.table").Table(box=None, pad_edge=False)
    table.add_column("services")
    table.add_column("entries", justify="right")
    table.add_column("share", justify="right")
    for service in view.services[:top]:
        table.add_row(_title(service), f"{service.entries:,}", _share(service, view))
    text = lazy("rich.text").Text
    parts = [text(f"{entries(view)}{_growth(view)}", style="bold"), text(_bar(view), style=_COLOURS[view.state])]
    parts += [text(losses(view)), *([table] if view.services else [])]
    parts += [text(line, style=_COLOURS[view.state]) for line in said(view)]
    return lazy("rich.console").Group(*parts)


def _bar(view: View) -> str:
    taken = round(min(view.part or 0.0, 1.0) * _BAR)
    return f"[{'#' * taken}{'.' * (_BAR - taken)}]"


# ── programs ──


def document(view: View, top: int, version: str) -> str:
    """A view as JSON on one line; what is not known is null."""
    moment = view.moment
    content = {
        **head(version),
        "entries": moment.entries,
        "maximum": moment.most or None,
        "growth_per_second": view.growth,
        "full_in_seconds": view.full_in,
        "state": view.state,
        "counters": dict(moment.counters) or None,
        "rates_per_second": dict(view.rates) or None,
        "services": [_service(one, view) for one in view.services[:top]],
        "unread": list(view.unread),
    }
    return dumped(content, None)


def _service(service: Service, view: View) -> dict[str, Any]:
    named = {"protocol": service.protocol, "port": service.port, "role": service.role, "nat": service.nat or None}
    return {**named, "entries": service.entries, "share": round(service.entries / view.read, 6) if view.read else None}
