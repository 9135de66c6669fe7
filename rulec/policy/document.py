"""A policy file as YAML: plain data, and where each piece of it stands.

Every scalar stays the text that was written, so that ``22:30`` is no number of
minutes and ``no`` is no truth value (YAML 1.1 makes them that).  What is wrong
with one node does not hide what is wrong with the next: only a text that is no
YAML at all stops the reading.

Size and depth are bounded, and aliases are not followed: a small text can stand
for gigabytes with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from yaml import BaseLoader
from yaml.composer import ComposerError
from yaml.error import Mark, MarkedYAMLError
from yaml.events import AliasEvent
from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode
from yaml.reader import ReaderError

from rulec.source import Span

LONGEST = 1 << 17
"""Characters that a policy file may have: two thousand entries, each compared with each."""

DEEPEST = 16
"""Levels of nesting that are read; a policy has five."""

Path = tuple[str | int, ...]
"""Keys and indices that lead from the root to a node."""


class Problem(NamedTuple):
    """What is wrong at a place, and the other places that take part."""

    span: Span
    message: str
    also: tuple[tuple[Span, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """Texts, lists and mappings, and the span of each."""

    data: Any
    keys: dict[Path, Span] = field(default_factory=dict)
    values: dict[Path, Span] = field(default_factory=dict)

    def value(self, path: Path) -> Span:
        """Where the value at the path stands, or the nearest thing around it."""
        while path and path not in self.values:
            path = path[:-1]
        return self.values[path]

    def key(self, path: Path) -> Span:
        """Where the last key of the path stands; of an item of a list, the item."""
        return self.keys.get(path) or self.value(path)


def load(text: str) -> tuple[Document | None, list[Problem]]:
    """The document of a text, and what is wrong with it as YAML; None when it cannot be read at all."""
    if len(text) > LONGEST:
        return None, [Problem(Span(0, 0), f"the file has {len(text)} characters; a policy may have {LONGEST}")]
    try:
        loader = _Loader(text)
    except ReaderError as error:
        return None, [Problem(Span(error.position, error.position + 1), _unreadable(text[error.position]))]
    try:
        root = loader.get_single_node()
    except (MarkedYAMLError, ValueError, OverflowError) as error:
        return None, [_not_yaml(error, text, loader.index)]
    if root is None:
        return None, [Problem(Span(0, 0), "the policy is empty: it must have version, mode and hot")]
    reading = _Reading(text, loader.problems)
    data = reading.data(root, ())
    return Document(data, reading.keys, reading.values), reading.problems


class _Loader(BaseLoader):
    """Texts only; tags and aliases are noted as problems, and depth is bounded."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.problems: list[Problem] = []
        self.depth = 0

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        """The next node."""
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, AliasEvent):
            return self._stand_in()
        if event.tag is not None:
            start = event.start_mark.index
            message = "tags are not read in a policy: delete the word that begins with !"
            self.problems.append(Problem(Span(start, start + 1), message))
        if self.depth == DEEPEST:
            raise ComposerError(problem=f"nested more than {DEEPEST} levels deep", problem_mark=event.start_mark)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def _stand_in(self) -> Node:
        event: Any = self.get_event()  # type: ignore[no-untyped-call]
        message = f"aliases are not read in a policy: write out what *{event.anchor} stands for"
        self.problems.append(Problem(Span(event.start_mark.index, event.end_mark.index), message))
        return ScalarNode("", f"*{event.anchor}", event.start_mark, event.end_mark, "")


def _not_yaml(error: Exception, text: str, index: int) -> Problem:
    said, hint = "a number in it is out of all bounds", ""
    if isinstance(error, MarkedYAMLError):
        mark: Mark | None = error.problem_mark or error.context_mark
        index = mark.index if mark else index
        said = ", ".join(part for part in (error.context, error.problem) if part)
        hint = _hint(text[index : index + 1], said)
    start = min(index, len(text))
    return Problem(Span(start, min(start + 1, len(text))), f"this is not YAML as a policy needs it: {said}{hint}")


def _hint(character: str, said: str) -> str:
    """What to do about the character at which PyYAML stops."""
    if character == "\t":
        return "; indent with blanks"
    if character == ":" or "cannot start any token" in said:
        return f"; put a word with {character} in it into quotes"
    return ""


def _unreadable(character: str) -> str:
    if "\udc80" <= character <= "\udcff":
        return f"the byte 0x{ord(character) - 0xDC00:02x} is not UTF-8: save the file as UTF-8"
    return f"the character U+{ord(character):04X} may not stand in YAML: delete it"


class _Reading:
    """Turns nodes into plain data, and notes where they stand."""

    def __init__(self, text: str, problems: list[Problem]) -> None:
        self.text = text
        self.problems = problems
        self.keys: dict[Path, Span] = {}
        self.values: dict[Path, Span] = {}

    def data(self, node: Node, path: Path) -> Any:
        """The data of a node."""
        self.values[path] = self._place(node, path)
        if isinstance(node, MappingNode):
            return {key: self.data(value, (*path, key)) for key, value in self._pairs(node, path)}
        if isinstance(node, SequenceNode):
            return [self.data(item, (*path, number)) for number, item in enumerate(node.value)]
        return self._text(node, self.values[path])

    def _text(self, node: Node, span: Span) -> str:
        """The text of a scalar; an escape can stand for half a character (a surrogate), which is none."""
        written = str(node.value)
        if any("\ud800" <= character <= "\udfff" for character in written):
            self.problems.append(Problem(span, f"{shown(written)} holds half a character: write it whole"))
        return written.encode("utf-8", "replace").decode()

    def _pairs(self, node: MappingNode, path: Path) -> Iterator[tuple[str, Node]]:
        """Keys and values; of a key that stands twice, the first."""
        for key, value in node.value:
            span = self._first_line(key.start_mark.index, key.end_mark.index)
            if not isinstance(key, ScalarNode):
                self.problems.append(Problem(span, "a key must be one word, and this is a list or a mapping"))
                continue
            name = self._text(key, span)
            if first := self.keys.get((*path, name)):
                message = f"{shown(name)} stands twice: keep one of the two"
                self.problems.append(Problem(span, message, ((first, "the first"),)))
                continue
            self.keys[(*path, name)] = span
            yield name, value

    def _place(self, node: Node, path: Path) -> Span:
        """The words to underline: a scalar or flow collection itself, of a block its key or first line."""
        block = isinstance(node, CollectionNode) and not node.flow_style
        start, end = node.start_mark.index, node.end_mark.index
        if (block or start == end) and path in self.keys:
            return self.keys[path]
        if isinstance(node, MappingNode) and block:
            key, value = node.value[0]
            start, end = key.start_mark.index, max(key.end_mark.index, value.end_mark.index)
        return self._first_line(start, end)

    def _first_line(self, start: int, end: int) -> Span:
        newline = self.text.find("\n", start, end)
        stretch = self.text[start : end if newline < 0 else newline]
        return Span(start, start + len(stretch.rstrip()))


def shown(text: str) -> str:
    """A text of the file as a message quotes it: cut when it is long."""
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
