"""What the table of connections holds, as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rulec.host.conntrack.draft import Draft
from rulec.host.conntrack.here import Machine
from rulec.host.conntrack.lines import Missed
from rulec.host.conntrack.table import Service, Table
from rulec.report.json import SCHEMA_VERSION


def document(
    name: str, table: Table, missed: Missed, drafts: Sequence[Draft], machine: Machine | None, top: int, version: str
) -> str:
    """One object: the tool, and the table; of hosts and services the first ``top``."""
    drafted = {draft.service: draft for draft in drafts}
    content = {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "rulec", "version": version},
        "table": {
            "name": name,
            "entries": table.entries,
            "octets_per_entry": table.entry,
            "maximum": machine.most if machine else None,
            "buckets": machine.buckets if machine else None,
            "addresses": list(table.own.texts),
            "addresses_known": table.own.known or None,
            "unread": {"count": missed.count, "first": [one._asdict() for one in missed.first]},
            "signs": dict(table.signs),
            "services": [_service(one, table, drafted.get(one)) for one in table.services[:top]],
            "translated": [_service(one, table, None) for one in table.translated[:top]],
            "states": dict(table.states),
            "zones": dict(table.zones),
            "hosts": {"by": table.by, "count": table.host_count, "first": dict(table.hosts[:top])},
        },
    }
    return json.dumps(content, indent=2)


def _service(service: Service, table: Table, draft: Draft | None) -> dict[str, Any]:
    plain = {**service._asdict(), "states": dict(service.states), "servers": dict(service.servers)}
    return {
        **plain,
        "share": round(table.share(service.entries), 6),
        "octets": table.octets(service.entries),
        "policy": None if draft is None else _draft(draft),
    }


def _draft(draft: Draft) -> dict[str, Any]:
    return {"entry": draft.name, "taken": draft.is_taken, "why": draft.why or None, "told": list(draft.told)}
