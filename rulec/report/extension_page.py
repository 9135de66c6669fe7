"""The page of a match or a target: what it means, how it is written, where it is valid, and what it needs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from rulec.catalogue.extension import Answer, Example, Extension, Option, Tracking
from rulec.diagnostics import Finding
from rulec.model.protocols import NAMES
from rulec.resources import lazy

_TRACKING = {
    Tracking.NONE: "not needed",
    Tracking.LOADS: "its module is loaded, and nothing is tracked for that",
    Tracking.TRACKS: "one such rule has every packet of the family tracked",
}
_ANSWERS = {
    Answer.PURE: "the same for the same packet",
    Answer.STATEFUL: "depends on what came before",
    Answer.RANDOM: "left to chance, or to what else the host does",
}
_MOST_BAD = 6

Reader = Callable[[str, str, str], Sequence[Finding]]
"""Given the text of a ruleset, a name and a family, what is wrong with it."""


class Refused(NamedTuple):
    """A rule that does not load, and why."""

    rule: str
    why: str


class Page(NamedTuple):
    """What is shown of an extension, in this order."""

    title: str
    meaning: str
    facts: tuple[tuple[str, str], ...]
    options: tuple[tuple[str, str], ...]
    good: tuple[str, ...]
    bad: tuple[Refused, ...]


def page_of(kind: str, extension: Extension, read: Reader) -> Page:
    """The page of a match or a target; ``kind`` says which it is."""
    docstring = lazy(f"rulec.catalogue.{kind}{'es' if kind == 'match' else 's'}.{extension.name}").__doc__
    _, _, meaning = inspect.cleandoc(docstring or "").partition(": ")
    return Page(
        f"{extension.name} ({kind})",
        (meaning or extension.summary).replace("``", "`"),
        tuple(_facts(kind, extension)),
        tuple(_option(option) for option in extension.options),
        tuple(dict.fromkeys(_shown(extension, example) for example in extension.valid)),
        tuple(_bad(extension, read)),
    )


def _facts(kind: str, extension: Extension) -> Iterator[tuple[str, str]]:
    yield "families", ", ".join(family.label for family in extension.families)
    yield "tables", ", ".join(extension.tables) or "all"
    yield "chains", ", ".join(extension.hooks) or "all"
    if extension.protocols:
        names = [NAMES.get(number, str(number)) for number in extension.protocols]
        yield "needs", " or ".join(f"-p {name}" for name in names)
    for group in extension.one_of:
        yield "must have", " or ".join(group) if len(group) < len(extension.options) else "at least one option"
    if extension.modules:
        yield "kernel modules", ", ".join(extension.modules)
    tracked = "depends on the options" if extension.tracking_of else _TRACKING[extension.tracking]
    yield "connection tracking", tracked
    if kind == "match":
        yield "answer", _ANSWERS[extension.answer]


def _option(option: Option) -> tuple[str, str]:
    """How it is written, and what goes with it."""
    names = ", ".join((option.name, *option.aliases))
    said = [option.value.expected]
    said += ["must be there"] * option.required + ["may be given several times"] * option.repeatable
    said += [f"only with {', '.join(option.requires)}"] * bool(option.requires)
    said += [f"not with {', '.join(option.excludes)}"] * bool(option.excludes)
    said += [f"only {family.label}" for family in option.families] * (len(option.families) == 1)
    return f"{'[!] ' * option.invertible}{names}", "; ".join(said)


def example_line(example: Example) -> str:
    """An example as a whole rule."""
    table = "" if example.table == "filter" else f"-t {example.table} "
    return f"{table}-A {example.chain} {example.rule}"


def _shown(extension: Extension, example: Example) -> str:
    """A rule, and the family that it is for where the extension has both."""
    only = [family.label for family in extension.families if family in example.families]
    return example_line(example) + f"  # {only[0]}" * (len(only) < len(extension.families))


def _bad(extension: Extension, read: Reader) -> Iterator[Refused]:
    """Some rules that iptables-restore or the kernel refuses, each with what lint says, which is new each time."""
    said: set[str] = set()
    for one in (*extension.invalid[:_MOST_BAD], *extension.refused[:_MOST_BAD]):
        example = Example(one) if isinstance(one, str) else one
        family = next(family for family in extension.families if family in example.families)
        found = read(f"*{example.table}\n-A {example.chain} {example.rule}\nCOMMIT\n", "rules", family.value)
        if found and found[0].message not in said:
            said.add(found[0].message)
            yield Refused(_shown(extension, example), found[0].message)


# ── texts ──


def text(page: Page) -> str:
    """The page as text."""
    wide = max(len(name) for name, _ in page.facts)
    blocks = [page.title, page.meaning, "\n".join(f"{name + ':':{wide + 1}} {words}" for name, words in page.facts)]
    if page.options:
        wide = max(len(name.removeprefix("[!] ")) for name, _ in page.options)
        blocks.append("options ([!]: may be negated)")
        blocks.append("\n".join(_row(name, words, wide) for name, words in page.options))
    blocks += ["valid", _indented(page.good)]
    if page.bad:
        blocks += ["refused", "\n".join(f"    {rule}\n        {why}" for rule, why in page.bad)]
    return "\n\n".join(blocks)


def _row(name: str, words: str, wide: int) -> str:
    negated, name = name.startswith("[!] "), name.removeprefix("[!] ")
    return f"    {'[!]' if negated else '   '} {name:{wide}}  {words}".rstrip()


def _indented(lines: Sequence[str]) -> str:
    return "\n".join(f"    {line}" for line in lines)


def markdown(page: Page) -> str:
    """The page as Markdown, without a heading."""
    blocks = [page.meaning, "\n".join(f"- {name}: {words}" for name, words in page.facts)]
    if page.options:
        rows = ["| `!` | option | argument |", "|---|---|---|", *map(_markdown_row, page.options)]
        blocks.append("\n".join(rows))
    blocks.append("\n".join(["```", *page.good, "```"]))
    if page.bad:
        rows = ["| refused | why |", "|---|---|", *(f"| {_code(rule)} | {_cell(why)} |" for rule, why in page.bad)]
        blocks.append("\n".join(rows))
    return "\n\n".join(blocks)


def _markdown_row(option: tuple[str, str]) -> str:
    name, words = option
    names = ", ".join(f"`{each}`" for each in name.removeprefix("[!] ").split(", "))
    return f"| {'`!`' if name.startswith('[!] ') else ''} | {names} | {_cell(words)} |"


def _cell(words: str) -> str:
    return words.replace("|", "\\|").replace("<", "\\<").replace("*", "\\*").replace("_", "\\_")


def _code(words: str) -> str:
    ticks = "``" if "`" in words else "`"
    return f"{ticks}{words.replace('|', chr(92) + '|')}{ticks}"
