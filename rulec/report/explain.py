"""What ``rulec explain`` prints of a name: a check, a group, a match, a target, a verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from rulec import catalogue
from rulec.catalogue.names import MATCH_ALIASES, MATCHES, TARGETS
from rulec.diagnostics import Finding
from rulec.diagnostics.suggest import suggestion
from rulec.errors import InputError
from rulec.lint.check import GROUPS, Check
from rulec.lint.checks import CHECKS
from rulec.report import extension_page
from rulec.report.page import page

VERDICTS = {
    "ACCEPT": "The packet passes the table; the tables behind it, and those of later hooks, still look at it.",
    "DROP": "The packet is gone, and nobody is told. -j REJECT tells the sender.",
    "QUEUE": "A program decides; -j NFQUEUE says which, and what becomes of the packet where none listens.",
    "RETURN": "On with the rule behind the one that jumped here; in a base chain the policy decides.",
}

Said = Callable[[Check], Sequence[Finding]]
"""What a check says of its bad example."""


def explain(name: str, said: Said, read: extension_page.Reader) -> str:
    """All pages of a name; InputError where there is none."""
    pages = list(_pages(name, said, read))
    if not pages:
        close = suggestion(name, known())
        raise InputError(f"there is no check, group, match or target {name!r}{close}; rulec explain lists them all")
    return "\n\n\n".join([*pages, *_see_also(name)])


def _pages(name: str, said: Said, read: extension_page.Reader) -> Iterator[str]:
    match, target = catalogue.match(name), catalogue.target(name)
    if match is not None:
        yield extension_page.text(extension_page.page_of("match", match, read))
    if target is not None:
        yield extension_page.text(extension_page.page_of("target", target, read))
    if name in VERDICTS:
        yield f"{name} (verdict)\n\n{VERDICTS[name]}"
    if name in GROUPS:
        yield f"{name} (group of checks)\n\n{_listed(_members(name))}"
    for check in CHECKS:
        if check.slug == name:
            yield page(check, said(check))


def _members(group: str) -> Iterator[tuple[str, str]]:
    return ((check.slug, check.summary) for check in CHECKS if check.group == group)


def _see_also(name: str) -> Iterator[str]:
    """Names that differ in their case only: the match mark and the target MARK."""
    others = [*(f"{one} (match)" for one in MATCHES), *(f"{one} (target)" for one in TARGETS)]
    alike = [one for one in others if one.partition(" ")[0].lower() == name.lower() and not one.startswith(f"{name} ")]
    if alike:
        yield f"see also: {', '.join(alike)}"


def known() -> tuple[str, ...]:
    """Every name that has a page."""
    slugs = (check.slug for check in CHECKS)
    return (*slugs, *GROUPS, *sorted(MATCHES), *MATCH_ALIASES, *sorted(TARGETS), *VERDICTS)


def names() -> str:
    """All names that can be explained, a line each."""
    blocks = [f"checks of the group {group}\n\n{_listed(_members(group))}" for group in GROUPS]
    blocks.append(f"matches\n\n{_listed(_summaries(MATCHES, catalogue.match))}")
    blocks.append(f"targets\n\n{_listed(_summaries(TARGETS, catalogue.target))}")
    blocks.append(f"verdicts\n\n{_listed(VERDICTS.items())}")
    return "\n\n".join(blocks)


def _summaries(names: Iterable[str], find: Callable[[str], object]) -> Iterator[tuple[str, str]]:
    for name in sorted(names, key=str.lower):
        yield name, str(getattr(find(name), "summary", ""))


def _listed(entries: Iterable[tuple[str, str]]) -> str:
    entries = list(entries)
    wide = max(len(name) for name, _ in entries)
    return "\n".join(f"    {name:{wide}}  {summary}" for name, summary in entries)
