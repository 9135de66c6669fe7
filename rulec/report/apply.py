"""What is said while rulesets are taken into service: short, and true when it is said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import Any, NamedTuple

from rulec.host.apply.folder import HOME, Confirmed, came_too_late
from rulec.host.apply.plan import Part
from rulec.host.apply.session import Session
from rulec.host.apply.tools import Tools
from rulec.model import Family
from rulec.syntax.ruleset import Ruleset

_MOST_CHAINS = 8


class Fate(NamedTuple):
    """What becomes of a packet of the connection: what it is, its text, the verdict and why."""

    about: str
    packet: str
    verdict: str
    why: str


# ── before ──


def planned(parts: Sequence[Part], forget: Sequence[str], seconds: float | None, home: str) -> Iterator[str]:
    """What would be done; nothing is."""
    files = dict.fromkeys(part.file for part in parts)
    yield f"would try with iptables-restore --test (which loads the modules that rules need): {', '.join(files)}"
    yield f"would save what is there below {home}"
    for part in parts:
        yield f"would load {_name(part)} of {part.file}"
    for command in forget:
        yield f"would delete entries: {command}"
    if seconds is None:
        yield "would ask nobody, and go back only where a table cannot be loaded"
    else:
        yield f"would go back unless somebody confirms within {seconds:g} seconds"


def others(family: Family, tables: Sequence[str], chains: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """The tables and the chains that the new file does not speak of."""
    for table, names in chains.items():
        shown = ", ".join(names[:_MOST_CHAINS]) + (", ..." if len(names) > _MOST_CHAINS else "")
        yield f"{family.label} {table}: these chains are not in the new file, and go: {shown}"
    if tables:
        yield f"{family.label} {', '.join(tables)}: not in the new file, so as iptables-restore does, left as it is"


def saved(folder: Path) -> str:
    """Where the way back lies."""
    return f"what is there is saved in {folder}"


# ── the connection ──


def no_connection(found: Session | None) -> str:
    """Why no connection is looked at."""
    if found is None:
        return "your session: none over the network is found, so none is looked at"
    return f"your session: {found} is {found.family.label}, and these rules are not, so it stays as it is"


def fates(found: Session, told: Iterable[Fate], ruleset: Ruleset, refused: bool, forced: bool) -> Iterator[str]:
    """What becomes of the connection that rulec runs in."""
    bad = [fate for fate in told if fate.verdict != "ACCEPT"]
    if not bad:
        yield f"your session: {found} passes, and so does a new one like it"
        return
    yield f"your session: {found}, through {ruleset.source.name}"
    for fate in bad:
        yield f"  {fate.about}: {fate.packet}"
        yield f"    {fate.why}"
    if refused and not forced:
        yield "refused: the new rules may cut off the connection that this runs in; nothing was touched"
        yield "  change them, or say --force-session"
    elif refused:
        yield "  the new rules may cut off this connection, and are loaded as --force-session says"


# ── while it is done ──


def told(
    event: Sequence[Any], folder: Path, parts: Sequence[Part], tools: Mapping[Family, Tools], is_asked: bool
) -> Iterator[str]:
    """What a guard said, in words."""
    kind, *rest = event
    if kind == "waiting":
        yield from _waiting(rest[0], folder, is_asked)
    elif kind in ("loaded", "restored", "failed", "stuck"):
        part, said = parts[rest[0]], rest[1:]
        yield from _of_table(kind, part, *said)
        if kind == "stuck":
            old = folder / f"{part.family.value}.{part.table}.old"
            yield f"  by hand: {' '.join(tools[part.family].undo)} < {quote(str(old))}"
    elif kind in _WORDS:
        yield _WORDS[kind].format(*rest, folder=folder)


_WORDS = {
    "going back": "going back: {0}",
    "pause": "waiting {0:g} seconds for tracking to pick up the flows, before the old filter",
    "past the lock": "another program holds the lock of iptables for too long; past the lock from now on",
    "back": "the old rules are back, and iptables-save prints what it printed before",
    "half back": "NOT ALL OLD RULES ARE BACK; they lie in {folder}, and so does the log",
    "kept": "the new rules stay, until the next start of the host; what was there before lies in {folder}",
    "unnoted": "the new rules cannot be confirmed: {0}",
    "unclear": 'answer "yes" to keep the new rules, or "no" to go back now',
}


def _of_table(kind: str, part: Part, said: str = "") -> Iterator[str]:
    if kind == "loaded":
        yield f"{_name(part)}: loaded"
    elif kind == "restored":
        yield f"{_name(part)}: as it was"
    else:
        yield f"{_name(part)}: {'could not be loaded' if kind == 'failed' else 'COULD NOT BE TAKEN BACK'}"
        yield from (f"  {line}" for line in said.splitlines())


def _waiting(seconds: float, folder: Path, is_asked: bool) -> Iterator[str]:
    home = "" if str(folder.parent) == HOME else f" --state-dir {quote(str(folder.parent))}"
    yield f"the new rules are in force for {seconds:g} seconds; open a new connection to this host now"
    yield f"  if it works, say there: rulec apply --confirm{home}"
    if is_asked:
        yield "  or answer yes here; no, Ctrl-C and silence bring the old rules back"
    else:
        yield "  Ctrl-C and silence bring the old rules back"


def confirmed(found: Confirmed) -> str:
    """What became of a confirmation."""
    if came_too_late(found):
        return f"too late, the old rules are back: {found.reason}"
    return f"confirmed: {_WORDS['kept'].format(folder=found.folder)}"


def _name(part: Part) -> str:
    return f"{part.family.label} {part.table}"
