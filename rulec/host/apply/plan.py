"""What is done to the tables of a host, in which order, and what is there before: the plan of one run.

The filter comes first and raw last: a failure half way leaves the old filter or the new one, never a host that is
open (measured: a file that begins with raw left no filter at all), and no packet is lost between the tables.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from rulec.errors import RulecError
from rulec.host.apply.guard import PLAN, prepare, run
from rulec.host.apply.guard import tables as tables_of
from rulec.host.apply.tools import Tools, printed_and_said
from rulec.model import Family

ORDER = ("filter", "security", "mangle", "nat", "raw")
PAUSE = 10
"""Seconds for flows to send something between raw and the rest, where entries are deleted."""

_TABLE = re.compile(r"\*\s*(\S+)")
_CHAIN = re.compile(r"(?m)^:(\S+) -")
_HOLDS = re.compile(r"(?m)^-A |^:\S+ DROP\b")


class Part(NamedTuple):
    """One table of a file: its text stands on the lines that it has there, so that complaints name these."""

    family: Family
    table: str
    file: str
    text: str


class Saved(NamedTuple):
    """What the tables of a family hold before, and what iptables-save warns of: tables of the other back end."""

    family: Family
    text: str
    warnings: tuple[str, ...] = ()

    @property
    def tables(self) -> dict[str, str]:
        """The tables by name, without counters."""
        return tables_of(self.text)


def parts(files: Iterable[tuple[Family, str, str]]) -> list[Part]:
    """The tables of some files, each with family, name and text, in the order in which they are loaded."""
    found = [part for family, name, text in files for part in _parts(family, name, text)]
    return sorted(found, key=lambda part: (ORDER.index(part.table) if part.table in ORDER else 1, part.family.value))


def _parts(family: Family, name: str, text: str) -> Iterator[Part]:
    lines = text.split("\n")
    owners: list[str] = []
    for line in lines:
        begins = _TABLE.match(line)
        inside = owners[-1] if owners and lines[len(owners) - 1] != "COMMIT" else ""
        owners.append(begins[1] if begins else inside)
    for table in dict.fromkeys(filter(None, owners)):
        own = (line if owner == table else "" for line, owner in zip(lines, owners, strict=True))
        yield Part(family, table, name, "\n".join(own).rstrip("\n") + "\n")


def saved(tools: Tools) -> Saved:
    """What is there now; RulecError where it cannot be saved, or could not be loaded again."""
    try:
        text, said = printed_and_said(tools.save)
    except RulecError as error:
        raise RulecError(f"what is there cannot be saved, so nothing was touched: {error}") from error
    if len(re.findall(r"(?m)^\*", text)) != len(re.findall(r"(?m)^COMMIT$", text)):
        raise RulecError(f"what is there cannot be saved, so nothing was touched: {said or 'it ends half way'}")
    foreign = re.findall(r"(?m)^# Table `(\S+)' is incompatible", f"{text}\n{said}")
    if foreign:
        raise RulecError(
            f"the {tools.family.label} table {foreign[0]} holds rules that were made with nft, and iptables-save"
            " cannot save them, so nothing was touched; load it with nft, or delete it first"
        )
    return Saved(tools.family, text, tuple(line for line in said.splitlines() if "Warning" in line))


def staying(before: Saved, new: Iterable[Part]) -> list[str]:
    """The tables that hold something, and of which the new file says nothing."""
    named = {part.table for part in new if part.family is before.family}
    return [table for table, text in before.tables.items() if table not in named and _HOLDS.search(text)]


def going(before: Saved, new: Iterable[Part]) -> dict[str, list[str]]:
    """The chains by table that somebody has made, and of which the new file says nothing: they are deleted."""
    named = {part.table: set(_CHAIN.findall(part.text)) for part in new if part.family is before.family}
    found = {table: _CHAIN.findall(text) for table, text in before.tables.items() if table in named}
    return {table: gone for table, own in found.items() if (gone := [name for name in own if name not in named[table]])}


def kept_text(before: Saved, new: Iterable[Part]) -> str:
    """The tables that stay, as a text to be read."""
    return "".join("*" + before.tables[table].rstrip("\n") + "\n" for table in staying(before, new))


def try_out(tools: Tools, text: str, name: str) -> None:
    """Have iptables-restore read a text and load nothing; RulecError says what it said."""
    code, said = run(tools.test, text)
    if code:
        said = said or f"exit code {code}"
        raise RulecError(f"{name}: {Path(tools.restore[0]).name} --test refuses it, so nothing was touched:\n{said}")


def write_plan(
    folder: Path,
    new: Sequence[Part],
    before: Sequence[Saved],
    tools: dict[Family, Tools],
    forget: Sequence[str],
    seconds: float | None,
) -> None:
    """Put all that the guard needs into its folder: texts, commands, and the plan itself."""
    old = {one.family: one for one in before}
    for one in before:
        _write(folder / f"{one.family.value}.before", one.text)
    steps = [_step(folder, part, old[part.family], tools[part.family]) for part in new]
    plan = {"steps": steps, "forget": list(forget), "pause": PAUSE, "seconds": seconds}
    _write(folder / PLAN, json.dumps(plan, indent=1))
    prepare(folder)


def _step(folder: Path, part: Part, before: Saved, tools: Tools) -> dict[str, object]:
    text, old = (folder / f"{part.family.value}.{part.table}.{when}" for when in ("new", "old"))
    _write(text, part.text)
    _write(old, _as_it_was(before, part.table))
    return {
        "family": part.family.value,
        "table": part.table,
        "load": list(tools.restore),
        "text": str(text),
        "undo": tools.undo,
        "before": str(old),
        "save": tools.save,
        "saved": str(folder / f"{part.family.value}.before"),
    }


def _as_it_was(before: Saved, table: str) -> str:
    """What makes a table what it was.

    One that was not there is left empty, which in nft deletes it (measured); in legacy it stands in what was saved,
    since iptables-restore --test has made it before.
    """
    found = re.search(rf"(?ms)^\*{re.escape(table)}\n.*?^COMMIT\n", before.text)
    return found[0] if found else f"*{table}\nCOMMIT\n"


def _write(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    path.chmod(0o600)
