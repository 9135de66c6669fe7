"""Edits of configuration files; none is safe, since each changes what a host does at its next start."""

from __future__ import annotations

from rulec.config.file import Kind, Statement
from rulec.diagnostics import Edit, Fix, Safety
from rulec.source import Span


def rewritten(statement: Statement, text: str) -> Fix:
    """The lines of a statement say something else."""
    start, end = statement.lines
    return Fix(f"say {text}", (Edit(Span(start, end), text),), Safety.UNSAFE)


def renamed(statement: Statement, name: str) -> Fix:
    """Its name is another."""
    return Fix(f"say {name}", (Edit(statement.name.span, name),), Safety.UNSAFE)


def unlisted(statement: Statement) -> Fix:
    """A module is taken out of a list."""
    content, (start, end) = statement.source.text, statement.lines
    if statement.kind is Kind.MODULES:
        return Fix("delete the line", (Edit(Span(start, min(end + 1, len(content))), ""),), Safety.UNSAFE)
    start, end = statement.name.span
    start, end = (start - 1, end) if content[start - 1] == " " else (start, end + (content[end : end + 1] == " "))
    return Fix(f"take {statement.name.text} out of the list", (Edit(Span(start, end), ""),), Safety.UNSAFE)
