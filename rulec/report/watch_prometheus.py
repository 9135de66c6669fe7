"""The table of connections for Prometheus: a file for the textfile collector of node_exporter.

The names are those of node_exporter's own collector of connection tracking, so that the same
boards and alerts serve.  Where that is on, as it is by default, two metrics of one name are an
error of the whole collection; then they are called rulec_conntrack_* instead.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.host.conntrack.watch import View

_STATS = {
    "found": "Lookups that found an entry.",
    "invalid": "Packets that could not be tracked.",
    "ignore": "Packets that had an entry already.",
    "insert": "Entries that were put into the table.",
    "insert_failed": "Entries that could not be put into the table.",
    "drop": "Packets that were dropped, since there was no room for an entry or a helper said so.",
    "early_drop": "Entries that were removed to make room.",
    "search_restart": "Lookups that began again, since the table was resized.",
}
"""Those that node_exporter has, too."""

_STATES = ("room", "near", "full", "dropping")


def text(view: View, top: int, own_names: bool) -> str:
    """The file."""
    prefix = "rulec_conntrack" if own_names else "node_nf_conntrack"
    return "".join(f"{line}\n" for line in (*_table(view, prefix), *_ours(view, top)))


def _table(view: View, prefix: str) -> Iterator[str]:
    yield from _metric(f"{prefix}_entries", "Entries in the table of connections.", view.moment.entries)
    yield from _metric(
        f"{prefix}_entries_limit", "The most entries that there may be; 0 is no limit.", view.moment.most
    )
    for name, meaning in _STATS.items():
        if name in view.moment.counters:
            yield from _metric(f"{prefix}_stat_{name}", meaning, view.moment.counters[name])


def _ours(view: View, top: int) -> Iterator[str]:
    if view.growth is not None:
        yield from _metric("rulec_conntrack_growth_per_second", "Entries that came less those that went.", view.growth)
    yield from _head("rulec_conntrack_state", "1 for what holds: room, near (full), full, dropping.")
    for state in _STATES:
        yield f'rulec_conntrack_state{{state="{state}"}} {int(view.state == state)}'
    if view.services:
        yield from _head("rulec_conntrack_service_entries", "Entries of the services that hold most.")
    for service in view.services[:top]:
        port = "" if service.port is None else service.port
        labels = f'protocol="{service.protocol}",port="{port}",role="{service.role}",nat="{service.nat}"'
        yield f"rulec_conntrack_service_entries{{{labels}}} {service.entries}"


def _metric(name: str, meaning: str, value: float) -> Iterator[str]:
    yield from _head(name, meaning)
    yield f"{name} {value}"


def _head(name: str, meaning: str) -> Iterator[str]:
    """As node_exporter has it, all of them gauges: of its counters, too."""
    yield f"# HELP {name} {meaning}"
    yield f"# TYPE {name} gauge"
