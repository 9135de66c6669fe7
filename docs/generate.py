"""Write ``docs/checks.md``, ``docs/extensions.md`` and ``docs/kernels.md`` from the code: ``make docs``."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path

from rulec import catalogue
from rulec.catalogue.extension import BOTH, Example, Extension, Option, Tracking
from rulec.catalogue.names import MATCHES, TARGETS
from rulec.kernel.generations import KERNELS, Kernel
from rulec.lint.check import GROUPS, Check
from rulec.lint.checks import CHECKS

HERE = Path(__file__).resolve().parent
NOTICE = "<!-- Written by `make docs` from the code: do not edit. -->"
TRACKING = {
    Tracking.NONE: "not needed",
    Tracking.LOADS: "its module is loaded, and nothing is tracked for that",
    Tracking.TRACKS: "one such rule has every packet of the family tracked",
}


def checks() -> str:
    """The page of all checks, by group."""
    lines = [NOTICE, "", "# Checks", "", "`rulec explain SLUG` shows one of them in the terminal."]
    for group in GROUPS:
        lines += ["", f"## Group {group}"]
        for check in CHECKS:
            if check.group == group:
                lines += _check(check)
    return "\n".join(lines) + "\n"


def _check(check: Check) -> Iterator[str]:
    yield from ("", f"### {check.slug}", "", f"{check.severity.value}: {check.summary}", "")
    yield inspect.cleandoc(check.why)
    yield from ("", f"It speaks of{check.example.where}", "", *_block(check.example.bad.splitlines()))
    if check.example.beside:
        yield from ("", "beside", "", *_block(check.example.beside.splitlines()))
    yield from ("", "and has nothing to say of", "", *_block(check.example.good.splitlines()))


def extensions() -> str:
    """The page of all extensions, matches first."""
    lines = [NOTICE, "", "# Extensions", "", "The matches and targets of iptables 1.8.9, as rulec reads them."]
    for heading, names, find in (("Matches", MATCHES, catalogue.match), ("Targets", TARGETS, catalogue.target)):
        lines += ["", f"## {heading}"]
        for name in sorted(names, key=str.lower):
            extension = find(name)
            assert extension is not None, name
            lines += _extension(heading, extension)
    return "\n".join(lines) + "\n"


def _extension(heading: str, extension: Extension) -> Iterator[str]:
    module = f"rulec.catalogue.{heading.lower()}.{extension.name}"
    docstring = inspect.cleandoc(import_module(module).__doc__ or "")
    first, _, rest = docstring.partition("\n")
    yield from ("", f"### {extension.name}", "", first.partition(": ")[2] or first)
    yield from _paragraphs(rest)
    yield ""
    yield from (f"- {fact}" for fact in _facts(extension))
    if extension.options:
        yield from ("", "| option | `!` | argument |", "|---|---|---|", *map(_option, extension.options))
    yield from ("", *_block(example_line(example) for example in extension.valid))


def _paragraphs(text: str) -> Iterator[str]:
    if text.strip():
        yield from ("", text.strip("\n"))


def _facts(extension: Extension) -> Iterator[str]:
    if extension.families != BOTH:
        yield f"only {extension.families[0].value}"
    if extension.tables:
        yield f"tables: {', '.join(extension.tables)}"
    if extension.hooks:
        yield f"chains: {', '.join(extension.hooks)}"
    if extension.modules:
        yield f"kernel modules: {', '.join(extension.modules)}"
    yield f"connection tracking: {'depends on the options' if extension.tracking_of else TRACKING[extension.tracking]}"


def _option(option: Option) -> str:
    names = ", ".join(f"`{name}`" for name in (option.name, *option.aliases))
    cells = (names, "yes" if option.invertible else "", option.value.expected.replace("|", "\\|"))
    return f"| {' | '.join(cells)} |"


def example_line(example: Example) -> str:
    """An example as a whole rule."""
    table = "" if example.table == "filter" else f"-t {example.table} "
    return f"{table}-A {example.chain} {example.rule}"


def _block(lines: Iterable[str]) -> Iterator[str]:
    return (f"    {line}" for line in lines)


def kernels() -> str:
    """The page of the kernels that ``--kernel`` names, and of how each is known."""
    lines = [NOTICE, "", "# Kernels", "", inspect.cleandoc(_KERNELS), "", _row(_COLUMNS), "|---" * len(_COLUMNS) + "|"]
    lines += [_row(_kernel(kernel)) for kernel in KERNELS.values()]
    for kernel in KERNELS.values():
        measured = f"Measured on Linux {', '.join(kernel.measured)}." if kernel.measured else "Nothing was measured."
        lines += ["", f"## {kernel.name}", "", f"{measured} Inferred: {kernel.inferred}"]
    return "\n".join(lines) + "\n"


_KERNELS = """
What `rulec lint --kernel` knows of connection tracking.  *Measured* is what was tried on a running kernel;
*inferred* is what sources, commits and printed lists say, and may be wrong where a distribution changed it.
"""

_COLUMNS = ("`--kernel`", "Linux", "known", "tracking is switched on by", "helpers by port alone",
            "octets an entry", "largest table by itself (buckets)")  # fmt: skip


def _kernel(kernel: Kernel) -> tuple[str, ...]:
    modules = ", ".join(f"`{name}`" for name in kernel.hooks)
    return (
        kernel.name,
        kernel.title,
        "measured" if kernel.measured else "inferred",
        "rules" if kernel.by_rules else f"modules: {modules}, and what loads them",
        kernel.helpers.value,
        str(kernel.entry),
        str(kernel.buckets),
    )


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


PAGES = {"checks.md": checks, "extensions.md": extensions, "kernels.md": kernels}


def main() -> None:
    """Write the pages."""
    for name, page in PAGES.items():
        (HERE / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
