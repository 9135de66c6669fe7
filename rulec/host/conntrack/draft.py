"""A policy file drafted from a table: its largest services, each an entry that ``rulec compile`` takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rulec.errors import RulecError
from rulec.host.conntrack.own import is_address
from rulec.host.conntrack.table import Service, Table

LEAST = 0.01
"""The part of a table that a service holds at least, to be drafted: less is not worth an entry."""

_DEFAULT_RANGE = (32768, 60999)
_LAST_PORT = 65535


class Draft(NamedTuple):
    """An entry of a policy for a service, or ``why`` there is none; ``entries`` of the table go with it.

    ``told`` is what the compiler says of it where a ruleset was given: of one that it refuses, why.
    """

    name: str
    service: Service
    lines: tuple[str, ...]
    entries: int
    why: str = ""
    told: tuple[str, ...] = ()

    @property
    def is_taken(self) -> bool:
        """Whether it goes into the policy."""
        return not self.why


def drafts(table: Table, ephemeral: tuple[int, int] | None = None, least: float = LEAST) -> tuple[Draft, ...]:
    """The services of a table that hold at least such a part of it, the largest first."""
    large = [service for service in table.services if table.share(service.entries) >= least]
    return tuple(_draft(service, ephemeral or _DEFAULT_RANGE) for service in large)


def _draft(service: Service, ephemeral: tuple[int, int]) -> Draft:
    named = service.role in ("client", "forward")
    shown = tuple(one for one in service.servers if is_address(one[0])) if named else ()
    why = _why_not(service, ephemeral) or ("" if shown or not named else "what stands for its servers are no addresses")
    name = _name(service)
    entries = sum(count for _, count in shown) if shown else service.entries
    return Draft(name, service, () if why else tuple(_lines(name, service, shown, ephemeral)), entries, why)


def _name(service: Service) -> str:
    """Without blanks, since chains are called after it."""
    where = {"client": "to-", "forward": "through-", "loopback": "loopback-"}.get(service.role, "")
    return where + service.title.replace("/", "-").replace(" ", "-")


def _why_not(service: Service, ephemeral: tuple[int, int]) -> str:
    if service.role == "loopback":
        return "over loopback: the key `loopback: hot` of an entry takes these, too"
    if service.protocol not in ("tcp", "udp", "icmp echo"):
        return "a policy names tcp, udp and ping"
    if service.protocol != "icmp echo" and not 0 < (service.port or 0) <= _LAST_PORT:
        return "there is no such port"
    if service.role == "server" and service.port and ephemeral[0] <= service.port <= ephemeral[1]:
        low, high = ephemeral
        return f"this host begins connections from such ports ({low}-{high}); an entry needs `reserved: true`"
    return ""


def _lines(
    name: str, service: Service, servers: Sequence[tuple[str, int]], ephemeral: tuple[int, int]
) -> Iterator[str]:
    yield f"  - name: {name}"
    yield f"    role: {service.role}"
    yield f"    protocol: {service.protocol.removesuffix(' echo')}"
    if service.port is not None:
        yield f"    ports: {service.port}"
    if servers:
        if len(servers) < service.server_count:
            held = f"{sum(count for _, count in servers)} of {service.entries} entries"
            yield f"    # {len(servers)} of {service.server_count} servers: they have {held}"
        yield f"    servers: [{', '.join(_quoted(server) for server, _ in servers)}]"
    if service.role == "client" and service.port is not None:
        yield f'    client-ports: "{ephemeral[0]}-{ephemeral[1]}"  # the ports from which the kernel lets programs ask'


def _quoted(address: str) -> str:
    return f'"{address}"' if ":" in address else address


def policy(found: Iterable[Draft], table: Table, name: str, ephemeral: tuple[int, int] | None = None) -> str:
    """The text of a policy file; what is left out stands in comments, with the reason.  RulecError where all is."""
    found = tuple(found)
    taken = [draft for draft in found if draft.is_taken]
    if not taken:
        raise RulecError(f"{name}: no service of it can be untracked, so there is no policy to write")
    entries = sum(draft.entries for draft in taken)
    lines = [
        f"# Drafted from {name}: {len(taken)} services with {entries} of its {table.entries} entries",
        f"# ({table.share(entries):.0%}). Read it before you compile it: what is busy now may not be tomorrow.",
        "version: 1",
        "mode: notrack",
        *([f'ephemeral: "{ephemeral[0]}-{ephemeral[1]}"'] if ephemeral not in (None, _DEFAULT_RANGE) else []),
        "hot:",
    ]
    for draft in found:
        lines += _described(draft, table)
    return "\n".join(lines) + "\n"


def _described(draft: Draft, table: Table) -> Iterator[str]:
    service = draft.service
    held = f"{service.title} ({service.role}): {table.share(service.entries):.1%} of the table"
    if draft.is_taken:
        yield f"  # {held}"
        yield from draft.lines
    else:
        yield f"  # left out: {held}: {draft.why}"
