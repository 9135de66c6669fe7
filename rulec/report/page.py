"""The page of a check: why it is there, and what it says of an example."""

from __future__ import annotations

import inspect

from rulec.lint.check import Check, Example


def page(check: Check) -> str:
    """The page as text."""
    return "\n".join(
        [
            f"{check.slug} ({check.severity.value}, group {check.group})",
            "",
            check.why.strip(),
            "",
            f"It speaks of{check.example.where}",
            "",
            _indented(check.example.bad),
            *_beside(check.example),
            "",
            "and has nothing to say of",
            "",
            _indented(check.example.good),
        ]
    )


def markdown(check: Check) -> str:
    """The page as Markdown."""
    example = check.example
    lines = [f"{check.severity.value}: {check.summary}", "", inspect.cleandoc(check.why)]
    lines += ["", f"It speaks of{example.where}", "", *_fenced(example.bad)]
    lines += ["", "beside", "", *_fenced(example.beside)] if example.beside else []
    return "\n".join([*lines, "", "and has nothing to say of", "", *_fenced(example.good)])


def _fenced(text: str) -> tuple[str, ...]:
    return ("```", *text.rstrip("\n").split("\n"), "```")


def _beside(example: Example) -> tuple[str, ...]:
    return ("", "beside", "", _indented(example.beside)) if example.beside else ()


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.rstrip("\n").split("\n"))
