"""Which modules are loaded and why, how they go, and how they stay away: as text of 80 columns and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rulec.host.modules.answer import Answer, Blocked
from rulec.host.modules.live import Live
from rulec.host.modules.needed import Cause, Modules, Needed
from rulec.host.modules.recipe import Played, Verdict
from rulec.kernel.generations import Kernel
from rulec.report.hot import wrapped
from rulec.report.json import SCHEMA_VERSION
from rulec.report.text import printable

_MOST = 6


def render(found: Answer, form: str, version: str) -> Iterator[str]:
    """An answer in one of the forms full, json."""
    if form == "json":
        yield _document(found, version)
        return
    parts = [
        *(_ruleset(one, found.kernel) for one in found.rulesets),
        *(_recipe(one, found.kernel) for one in found.recipes),
        *([_live(found.live, found.kernel)] if found.live else []),
        *([_keep_off(found)] if found.rulesets else []),
    ]
    for number, part in enumerate(parts):
        yield from [""] * (number > 0)
        yield from map(printable, part)


# ── rulesets ──


def _ruleset(one: Modules, kernel: Kernel) -> Iterator[str]:
    concerned = sum(module.has_conntrack for module in one.modules)
    counted = f"{len(one.modules)} modules, {concerned} of them" if concerned else f"{len(one.modules)} modules, none"
    where = f"{one.family.label}, {one.backend}, {kernel.title}"
    yield from wrapped(f"{one.file} ({where}) loads {counted} with connection tracking:")
    for module in sorted(one.modules, key=lambda module: not module.has_conntrack):
        mark = "*" if module.has_conntrack else " "
        yield from wrapped(f"{mark} {module.name:<18} {_why(module)}", "  ", " " * 23)
    if one.removal:
        yield "to unload them, when no rule is left that needs them:"
        yield from (f"  modprobe -r {name}" for name in one.removal)
    if one.removal and kernel.core == "nf_conntrack":
        yield from wrapped("then nf_defrag_ipv6 and nf_defrag_ipv4, unless -m socket or -j TPROXY use them", "  ", "  ")


def _why(module: Needed) -> str:
    tracks = " and ".join(family.label for family in module.tracks)
    said = f"tracks {tracks} as soon as it is loaded; " if tracks else ""
    return said + "; ".join(map(_cause, module.causes))


def _cause(cause: Cause) -> str:
    shown = ", ".join(map(str, cause.lines[:_MOST]))
    more = f" and {len(cause.lines) - _MOST} more" if len(cause.lines) > _MOST else ""
    return f"{cause.words}: line{'s' * (len(cause.lines) > 1)} {shown}{more}"


def _keep_off(found: Answer) -> Iterator[str]:
    if found.blocked:
        yield "nothing keeps connection tracking off as long as rules need it:"
        for one in found.blocked:
            yield from wrapped(_blocked(one, found.kernel), "  ", "    ")
        yield from wrapped("take it out of the rules first: rulec compile with mode: stateless does, NOTRACK included")
        return
    both = len({one.family for one in found.rulesets}) > 1
    also = "" if both else "; name the rulesets of the other family, too, if there are any"
    head = "to keep connection tracking off, which no rule here needs"
    yield from wrapped(f"{head} (NOTRACK and -m state rules cannot be loaded from then on{also}):")
    for name, text in found.keep_off:
        yield from (f"/etc/{name}", *(f"  {line}" for line in text.splitlines()))


def _blocked(one: Blocked, kernel: Kernel) -> str:
    others = f", and {one.others} more" if one.others else ""
    effect = "the filter table would not be loaded, and the host be open" if one.opens else "the table would not load"
    return f"{one.file}:{one.line}: {one.words}{others}: without {kernel.core} {effect}"


# ── recipes ──


def _recipe(one: Played, kernel: Kernel) -> Iterator[str]:
    yield f"{one.file} on {kernel.title}:"
    for verdict in one.verdicts:
        yield from wrapped(f"{verdict.line}: {_verdict(verdict)}", "  ", "     ")
    if one.left:
        yield from wrapped(f"still loaded in the end: {', '.join(one.left)}", "  ", "     ")


def _verdict(verdict: Verdict) -> str:
    why = f": {verdict.why}" if verdict.why else ""
    return f"{verdict.text}  -> {verdict.does.value}{why}"


# ── the machine ──


def _live(found: Live, kernel: Kernel) -> Iterator[str]:
    if not found.core:
        yield "connection tracking is not loaded here"
        yield from _ask()
        return
    if found.is_built_in:
        yield from wrapped(f"{found.core} is part of this kernel ({kernel.title}): it cannot be unloaded, no line of"
                           " modprobe.d matters, and packets are tracked while a rule asks for it")  # fmt: skip
        yield from _ask()
        return
    yield "loaded here, in the order in which they can be removed:"
    for module in found.order:
        used = f"  in use by rules ({module.in_use})" if module.in_use else ""
        yield f"  modprobe -r {module.name}{used}"
    if found.held:
        yield from wrapped("rules hold some of them, of this network namespace or of another: load rules without state"
                           " first; to begin before that fails half way")  # fmt: skip
    else:
        yield "no rule holds any: rulec modules --apply removes them"


def _ask() -> Iterator[str]:
    yield from wrapped("what the rules of this machine need: iptables-save > rules.v4, and rulec modules rules.v4")


def _document(found: Answer, version: str) -> str:
    content = {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "rulec", "version": version},
        "modules": {
            "kernel": found.kernel.name,
            "rulesets": _plain(found.rulesets),
            "recipes": _plain(found.recipes),
            "live": _plain(found.live),
            "blocked": _plain(found.blocked),
            "keep_off": dict(found.keep_off),
        },
    }
    return json.dumps(content, indent=2)


def _plain(value: Any) -> Any:
    """Named tuples as objects, others as lists."""
    if hasattr(value, "_asdict"):
        return {name: _plain(inner) for name, inner in value._asdict().items()}
    return [_plain(inner) for inner in value] if isinstance(value, tuple) else value
