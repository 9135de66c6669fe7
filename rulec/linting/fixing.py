"""Fixes, written only when what they leave behind means what it should.

All fixes of a file are tried together, and one by one if that does not do.  Then the
checks are run again, since one fix can make room for the next, until nothing changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from rulec import api
from rulec.config.file import ConfigFile
from rulec.diagnostics import Edit, Fix, Safety
from rulec.errors import RulecError
from rulec.linting.checking import Linter
from rulec.linting.files import REPAIRING, File, read, wanted_fixes
from rulec.syntax.ruleset import Ruleset

_ROUNDS = 20


class Wanted(NamedTuple):
    """A fix, and the check whose finding it is for."""

    slug: str
    line: int
    fix: Fix


class Fixed(NamedTuple):
    """The files as they are with the fixes, their reports, the fixes taken by file, and why others were not."""

    files: list[File]
    reports: list[Any]
    taken: list[list[Wanted]]
    declined: list[str]

    @property
    def number(self) -> int:
        """How many fixes were taken."""
        return sum(map(len, self.taken))


def fixed(files: Sequence[File], linter: Linter, unsafe: bool | None = None) -> Fixed:
    """The files with all fixes that may be taken; ``unsafe``: also others than safe ones, None for as settings say."""
    now, taken = list(files), [list[Wanted]() for _ in files]
    declined: dict[_Key, str] = {}
    for _ in range(_ROUNDS):
        reports = linter.reports(now)
        changed = False
        for number, (file, report) in enumerate(zip(now, reports, strict=True)):
            fixes = [one for one in _wanted(file, report, unsafe) if _key(file, one) not in declined]
            result, done = _with(file, fixes, declined)
            taken[number] += done
            changed |= bool(done)
            now[number] = result
        if not changed:
            break
    texts = {(file.path, file.source.text) for file in now}
    left = [why for (path, text, _), why in declined.items() if (path, text) in texts]
    return Fixed(now, linter.reports(now), taken, list(dict.fromkeys(left)))


_Key = tuple[str, str, tuple[Edit, ...]]


def _key(file: File, one: Wanted) -> _Key:
    return file.path, file.source.text, one.fix.edits


def _wanted(file: File, report: Any, unsafe: bool | None) -> list[Wanted]:
    slugs, allowed = wanted_fixes(file), file.settings.unsafe_fixes if unsafe is None else unsafe
    found: dict[tuple[Edit, ...], Wanted] = {}
    for finding in report.findings:
        fix = finding.fix
        if fix is not None and finding.slug in slugs and (allowed or fix.safety is Safety.SAFE):
            found.setdefault(fix.edits, Wanted(finding.slug, finding.line, fix))
    return list(found.values())


def _with(file: File, fixes: list[Wanted], declined: dict[_Key, str]) -> tuple[File, list[Wanted]]:
    """The file with some fixes, and which were taken; why others were not goes into ``declined``."""
    chosen = apart(one for one in fixes if one.fix.safety is Safety.SAFE) or apart(fixes)
    if not chosen:
        return file, []
    result = _applied(file, chosen)
    if not _objection(file, result, chosen):
        return result, chosen
    for one in chosen:
        alone = _applied(file, [one])
        objection = _objection(file, alone, [one])
        if not objection:
            return alone, [one]
        where = f"{file.source.name}:{one.line}"
        declined[_key(file, one)] = f"{where}: the fix of {one.slug} is not taken: {objection}"
    return file, []


def apart(fixes: Iterable[Wanted]) -> list[Wanted]:
    """Fixes that do not touch each other, the first of the text first."""
    chosen: list[Wanted] = []
    edits: list[Edit] = []
    for one in sorted(fixes, key=lambda wanted: wanted.fix.edits):
        if not any(_meet(edit, other) for edit in one.fix.edits for other in edits):
            chosen.append(one)
            edits += one.fix.edits
    return chosen


def _meet(edit: Edit, other: Edit) -> bool:
    """Whether two edits overlap, or begin at one place."""
    (start, end), (first, last) = edit.span, other.span
    return (start < last and first < end) or start == first


def apply(text: str, edits: Iterable[Edit]) -> str:
    """A text with edits that do not touch each other."""
    for edit in sorted(edits, reverse=True):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text


def _applied(file: File, fixes: Iterable[Wanted]) -> File:
    text = apply(file.source.text, (edit for one in fixes for edit in one.fix.edits))
    return read(file.path, file.source.name, text, file.settings, file.host)


def _objection(old: File, new: File, fixes: Sequence[Wanted]) -> str:
    """Why a file must not be written so, or nothing."""
    if isinstance(old.content, ConfigFile) or isinstance(new.content, ConfigFile):
        same = isinstance(new.content, ConfigFile) and isinstance(old.content, ConfigFile)
        return "" if same and new.content.kind is old.content.kind else "the file would be of another kind"  # type: ignore[union-attr]
    if _bare(old.source.text) == _bare(new.source.text):
        return ""
    errors, before = _errors(new.content), _errors(old.content)
    if before:
        return "" if errors < before else "the file would have as many errors as before"
    if errors:
        return "iptables-restore would not load the result"
    memory = 2048 if old.settings.memory is None else old.settings.memory
    return _other_meaning(old.content, new.content, fixes, memory << 20)


def _other_meaning(old: Ruleset, new: Ruleset, fixes: Sequence[Wanted], memory: int) -> str:
    """What packets would meet otherwise; nothing is asked of fixes that are not safe."""
    if any(one.fix.safety is Safety.UNSAFE for one in fixes):
        return ""
    if api.canonical(old) == api.canonical(new):
        return ""
    try:
        found = api.diff(old, new, memory)
    except RulecError as error:
        return f"whether it keeps what packets meet is not known: {error}"
    if found.is_same:
        return ""
    repairs = any(one.slug in REPAIRING for one in fixes)
    changed = [kind for kind in found.counts if found.number(kind)]
    if repairs and found.switch is None and changed == ["opened"]:
        return ""
    return "packets would fare otherwise"


def _errors(ruleset: Ruleset) -> int:
    return sum(finding.severity.rank == 2 for finding in ruleset.findings)


def _bare(text: str) -> list[str]:
    """The lines that are no comments."""
    return [line for line in text.split("\n") if line[:1] != "#"]
