"""XML documents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rulec.report.text import printable
from rulec.resources import lazy


def element(parent: Any, tag: str, content: str = "", **attributes: str) -> Any:
    """A new element, at the end of another if there is one."""
    tree = lazy("xml.etree.ElementTree")
    known = {name: clean(value) for name, value in attributes.items()}
    made = tree.Element(tag, known) if parent is None else tree.SubElement(parent, tag, known)
    made.text = clean(content) or None
    return made


def clean(words: str) -> str:
    """Text that XML 1.0 may hold: no control characters but the newline."""
    return "\n".join(map(printable, words.split("\n")))


def document(root: Any) -> Iterator[str]:
    """The lines of a document."""
    tree = lazy("xml.etree.ElementTree")
    tree.indent(root)
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield tree.tostring(root, "unicode")
