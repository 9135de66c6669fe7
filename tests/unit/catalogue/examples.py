"""Every example of the catalogue, one by one: what the parser and the real iptables are asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rulec import catalogue
from rulec.catalogue.extension import Example, Extension
from rulec.catalogue.names import MATCHES, TARGETS
from rulec.model import Family


class Case(NamedTuple):
    """One example in one family; ``kind`` is valid, invalid or refused."""

    extension: Extension
    kind: str
    family: Family
    example: Example

    @property
    def role(self) -> str:
        """What the extension is: ``matches`` or ``targets``, as the kernel lists them."""
        return "matches" if self.extension.name in MATCHES else "targets"

    @property
    def line(self) -> str:
        """The rule as it stands in a file."""
        return f"-A {self.example.chain} {self.example.rule}"

    def ruleset(self, copies: int = 1) -> str:
        """A whole ruleset with that one rule; its first copy stands on line 2."""
        return f"*{self.example.table}\n" + f"{self.line}\n" * copies + "COMMIT\n"

    @property
    def saved(self) -> str:
        """What iptables-save prints of it."""
        return f"-A {self.example.chain} {self.example.saved or self.example.rule}"

    def __str__(self) -> str:
        return f"{self.family.value} {self.example.table} {self.line}"


def _extensions() -> tuple[Extension, ...]:
    found = [catalogue.match(name) for name in sorted(MATCHES)] + [catalogue.target(name) for name in sorted(TARGETS)]
    return tuple(extension for extension in found if extension is not None)


def cases(extension: Extension) -> Iterator[Case]:
    """The examples of one extension."""
    listed: tuple[tuple[str, tuple[Example | str, ...]], ...] = (
        ("valid", extension.valid),
        ("invalid", extension.invalid),
        ("refused", extension.refused),
    )
    for kind, given in listed:
        for one in given:
            example = Example(one) if isinstance(one, str) else one
            for family in extension.families:
                if family in example.families:
                    yield Case(extension, kind, family, example)


def of_kind(kind: str) -> list[Case]:
    """The cases of one kind, in the order of the catalogue."""
    return [case for case in CASES if case.kind == kind]


EXTENSIONS = _extensions()
CASES = tuple(case for extension in EXTENSIONS for case in cases(extension))
