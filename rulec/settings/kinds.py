"""The kinds of values that a key of the configuration may have."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NamedTuple

from rulec.diagnostics.suggest import suggestion

Path = tuple[str | int, ...]
"""What leads to a key or a value: names of keys, numbers of items."""
Problem = tuple[Path, str]


class Kind(NamedTuple):
    """How a value is read: ``read`` gives it, or raises ValueError with a sentence; ``schema`` is for editors."""

    read: Callable[[Any], Any]
    schema: Mapping[str, Any]


class Key(NamedTuple):
    """A key: its kind, what it means, and whether a table that may hold it must."""

    kind: Kind | Table | Tables | Map
    summary: str
    required: bool = False


class Table(NamedTuple):
    """A table with known keys."""

    keys: Mapping[str, Key]


class Tables(NamedTuple):
    """Several tables of one form: ``[[name]]``."""

    table: Table


class Map(NamedTuple):
    """A table whose keys its writer chooses; ``checks`` tells whether they name checks."""

    kind: Kind | Table
    checks: bool = False
    per_check: bool = False


class Item(ValueError):
    """What is wrong with one item of a list."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.number = number


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("this must be a text in quotes")
    return value


def _switch(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("this must be true or false")
    return value


def _number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("this must be a number, 0 or more")
    return value


def listed(read: Callable[[Any], Any], value: Any) -> tuple[Any, ...]:
    """A list, or one thing by itself."""
    found = []
    for number, item in enumerate(value if isinstance(value, list) else [value]):
        try:
            found.append(read(item))
        except ValueError as error:
            raise (Item(number, str(error)) if isinstance(value, list) else error) from None
    return tuple(found)


def several(kind: Kind) -> Kind:
    """A list of them, or one."""
    one = dict(kind.schema)
    return Kind(lambda value: listed(kind.read, value), {"anyOf": [one, {"type": "array", "items": one}]})


def choice(*words: str) -> Kind:
    """One of some words."""

    def read(value: Any) -> str:
        if value not in words:
            close = suggestion(value, words) if isinstance(value, str) else ""
            raise ValueError(f"this must be {', '.join(words[:-1])} or {words[-1]}{close}")
        return str(value)

    return Kind(read, {"enum": list(words)})


def _port(value: Any) -> str:
    text = str(value)
    if (
        isinstance(value, bool)
        or not re.fullmatch(r"\d{1,5}(/(tcp|udp))?", text)
        or int(text.partition("/")[0]) > 65535
    ):
        raise ValueError('this must be a port, such as 22 or "53/udp"')
    return text


TEXT = Kind(_text, {"type": "string"})
SWITCH = Kind(_switch, {"type": "boolean"})
NUMBER = Kind(_number, {"type": "integer", "minimum": 0})
WORDS = several(TEXT)
PORTS = several(Kind(_port, {"type": ["integer", "string"]}))
NAME = {"$ref": "#/$defs/name"}
NAMES = several(Kind(_text, NAME))
"""Names of checks and groups."""


class Known(NamedTuple):
    """The names of checks and groups, and the options of checks; what is not known here is not looked at."""

    names: Collection[str] = ()
    options: Mapping[str, Mapping[str, Key]] = {}


def schema_of(kind: Kind | Table | Tables | Map) -> dict[str, Any]:
    """The JSON schema of a kind."""
    match kind:
        case Kind():
            return dict(kind.schema)
        case Tables():
            return {"type": "array", "items": schema_of(kind.table)}
        case Map():
            named = {"propertyNames": NAME} if kind.checks else {}
            return {"type": "object", **named, "additionalProperties": schema_of(kind.kind)}
    properties = {name: {**schema_of(key.kind), "description": key.summary} for name, key in kind.keys.items()}
    required = [name for name, key in kind.keys.items() if key.required]
    found: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": properties}
    return {**found, "required": required} if required else found


def problems_of(error: ValueError, path: Path) -> Iterator[Problem]:
    """Where it is wrong, and what."""
    yield ((*path, error.number) if isinstance(error, Item) else path), str(error)
