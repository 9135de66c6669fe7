"""How large the conntrack table is and should be, as text of 80 columns and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator

from rulec.host.conntrack.sizing import HEADROOM, Life, Sizing
from rulec.report.hot import octets, wrapped
from rulec.report.json import SCHEMA_VERSION
from rulec.report.text import printable

_MUCH = 1 << 30


def render(found: Sizing, form: str, version: str) -> Iterator[str]:
    """A size in one of the forms full, json."""
    if form == "json":
        yield _document(found, version)
    else:
        yield from map(printable, _full(found))


def _full(found: Sizing) -> Iterator[str]:
    host = found.host
    yield f"{host.kernel.title}, {host.bits} bits, {octets(host.memory)} of memory"
    yield from ("", f"{'table':<8}{'entries (max)':>16}{'buckets':>16}{'memory when full':>20}")
    yield _row("kernel", found.own.entries, found.own.buckets, found)
    if found.here:
        yield _row("here", *found.here, found)
    if found.wanted:
        yield _row("to set", found.wanted.entries, found.wanted.buckets, found)
    if found.here and found.taken is not None:
        yield f"  now there are {found.taken:,} entries: {found.taken / max(found.here[0], 1):.1%} of it"
    yield from wrapped(f"the kernel by itself: {found.source}", "  ", "    ")
    yield from wrapped(f"an entry takes {_entry(found)}, a bucket {found.own.head}", "  ", "    ")
    yield from _need(found)
    yield from ("", "so many new entries a second fill it, if each lives for its whole timeout")
    yield from map(_life, found.lives)
    yield from _to_set(found)


def _row(name: str, entries: int, buckets: int, found: Sizing) -> str:
    memory = entries * found.host.entry + buckets * found.own.head
    return f"{name:<8}{entries:>16,}{buckets:>16,}{octets(memory):>20}"


def _entry(found: Sizing) -> str:
    kernel = found.host.kernel
    how = f"measured on Linux {', '.join(kernel.measured)}" if kernel.measured else "inferred"
    bits = "; less with 32 bits" if found.host.bits == 32 else ""
    return f"{found.host.entry} octets ({how}{bits}; MASQUERADE and accounting add 128 each)"


def _need(found: Sizing) -> Iterator[str]:
    if found.need is None:
        return
    yield ""
    plural = "entry" if found.need.entries == 1 else "entries"
    yield f"needed: {found.need.entries:,} {plural} ({found.need.known}),"
    room = found.need.entries * HEADROOM
    enough = "" if found.wanted else "; the table has that"
    yield f"  with room for bursts {HEADROOM} x as many: {room:,}{enough}"


def _life(life: Life) -> str:
    return f"{life.rate:>12,.1f}  {life.setting:<25}{life.seconds:>7} s  {life.what}"


def _to_set(found: Sizing) -> Iterator[str]:
    for name, text in found.files:
        yield from ("", f"/etc/{name}", *(f"  {line}" for line in text.splitlines()))
    if found.commands:
        yield from ("", "at once, as root", *(f"  {line}" for line in found.commands))
    if found.wanted and found.wanted.octets(found.host.entry) >= _MUCH:
        yield ""
        much = octets(found.wanted.octets(found.host.entry))
        yield from wrapped(f"that is {much} when the table is full, which cannot be swapped out: first see what rulec"
                           " hot says; fewer entries cost less")  # fmt: skip


def _document(found: Sizing, version: str) -> str:
    host = found.host
    wanted = {**found.wanted._asdict(), "octets": found.wanted.octets(host.entry)} if found.wanted else None
    content = {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "rulec", "version": version},
        "size": {
            "kernel": host.kernel.name,
            "bits": host.bits,
            "memory": host.memory,
            "octets_per_entry": host.entry,
            "kernel_default": {**found.own._asdict(), "octets": found.own.octets(host.entry)},
            "here": {"entries": found.here[0], "buckets": found.here[1]} if found.here else None,
            "entries_now": found.taken,
            "need": found.need._asdict() if found.need else None,
            "set": wanted,
            "fills_at": {life.setting: {"seconds": life.seconds, "rate": round(life.rate, 3)} for life in found.lives},
            "source": found.source,
            "files": dict(found.files),
            "commands": list(found.commands),
        },
    }
    return json.dumps(content, indent=2)
