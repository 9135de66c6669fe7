"""Write the pages and schemas of ``docs/`` that come from the code: ``make docs``."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rulec import api, catalogue, policy
from rulec.catalogue.extension import Extension
from rulec.catalogue.names import MATCHES, TARGETS
from rulec.kernel.generations import KERNELS, Kernel
from rulec.lint.check import GROUPS
from rulec.lint.checks import CHECKS
from rulec.linting.files import known
from rulec.report import extension_page, page
from rulec.settings import shape

HERE = Path(__file__).resolve().parent
NOTICE = "<!-- Written by `make docs` from the code: do not edit. -->"


def checks() -> str:
    """The page of all checks, by group."""
    lines = [NOTICE, "", "# Checks", "", inspect.cleandoc(_CHECKS)]
    for group in GROUPS:
        members = [check for check in CHECKS if check.group == group]
        lines += ["", f"## Group {group}", ""]
        lines += [f"- [{check.slug}](#{check.slug}): {check.summary}" for check in members]
        for check in members:
            lines += ["", f"### {check.slug}", "", page.markdown(check, api.example_findings(check))]
    return "\n".join(lines) + "\n"


_CHECKS = """
What `rulec lint` looks for.  Each check has a ruleset of which it speaks, what it says there, the fix where it
knows one, and a ruleset of which it has nothing to say; the tests run them all.  `rulec explain SLUG` shows one of
them in the terminal, `--select` and `--ignore` take slugs and groups.
"""


def extensions() -> str:
    """The page of all extensions, matches first."""
    lines = [NOTICE, "", "# Extensions", "", inspect.cleandoc(_EXTENSIONS)]
    for kind, heading, names, find in (
        ("match", "Matches", MATCHES, catalogue.match),
        ("target", "Targets", TARGETS, catalogue.target),
    ):
        ordered = sorted(names, key=str.lower)
        lines += ["", f"## {heading}", ""]
        lines += [f"- [{name}](#{_anchor(kind, name)}): {_summary(find(name))}" for name in ordered]
        for name in ordered:
            lines += ["", f'<a id="{_anchor(kind, name)}"></a>', "", f"### {name}", "", _extension(kind, find(name))]
    return "\n".join(lines) + "\n"


_EXTENSIONS = """
The matches and targets of iptables 1.8.9, as rulec reads them: what each means, in which tables and chains it is
valid, what it needs, rules that load, and rules that iptables-restore or the kernel refuses, with what `rulec lint`
says of them.  All these rules are tried on the real iptables.  `rulec explain NAME` shows one of them in the terminal.
"""


def _anchor(kind: str, name: str) -> str:
    """A match and a target may differ in case only, and headings have anchors without case."""
    return f"{kind}-{name}"


def _summary(extension: Extension | None) -> str:
    return extension.summary if extension else ""


def _extension(kind: str, extension: Extension | None) -> str:
    assert extension is not None
    return extension_page.markdown(extension_page.page_of(kind, extension, api.problems))


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


def policy_schema() -> str:
    """The JSON schema of policy files, made of the shape by which they are read."""
    return _schema(policy.schema())


def settings_schema() -> str:
    """The JSON schema of rulec.toml, made of the shape by which it is read, and of the options of checks."""
    return _schema(shape.schema(known()))


def _schema(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2) + "\n"


PAGES = {
    "checks.md": checks,
    "extensions.md": extensions,
    "kernels.md": kernels,
    "schema/policy.schema.json": policy_schema,
    "schema/rulec.schema.json": settings_schema,
}


def main() -> None:
    """Write the pages."""
    for name, write in PAGES.items():
        (HERE / name).write_text(write(), encoding="utf-8")


if __name__ == "__main__":
    main()
