"""Names with patterns, such as ``eth0`` and ``ppp+``, as numbers.

Of all names only those differ that some pattern tells apart.  Each such class is
a number, so that a few bits hold a name of 15 characters.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Iterator
from itertools import islice

LONGEST = 15
"""IFNAMSIZ less the byte that ends the name."""

_ORDINARY = ("eth0", "eth1", "eth2", "ens3", "wan0", "lan0")
_CHARACTERS = string.digits + string.ascii_letters + "_-."


class Names:
    """The classes into which patterns divide all names; one that ends with ``+`` stands for all that begin so.

    The empty name, of a packet that has no such interface, is a class of its
    own, the first.  The last one is that of all names that no pattern matches,
    and every number from its own on stands for it, so that every number means
    something.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        patterns = set(patterns)
        self._exact = {""} | {name[:LONGEST] for name in patterns if not name.endswith("+")}
        self._prefixes = sorted({""} | {name[:-1] for name in patterns if name.endswith("+")})
        labels = {name: name for name in self._exact}
        labels.update({example: prefix + "+" for prefix in self._prefixes for example in self._example(prefix)})
        self.examples: tuple[str, ...] = tuple(sorted(labels, key=lambda name: (labels[name] == "+", name)))
        """One name of each class, by number."""
        self.labels: tuple[str, ...] = tuple(labels[name] for name in self.examples)
        """What each class is called: a name, or the longest pattern that it matches."""
        self._numbers = {label: number for number, label in enumerate(self.labels)}

    @property
    def bits(self) -> int:
        """How many bits hold the number of a class."""
        return max((len(self.examples) - 1).bit_length(), 1)

    def number(self, name: str) -> int:
        """The class of a name; the lowest of its numbers."""
        name = name[:LONGEST]
        return self._numbers[name if name in self._exact else self._longest_prefix(name) + "+"]

    def matching(self, pattern: str) -> list[int]:
        """The numbers that a name matches, or a pattern, which must be one of those given."""
        last = len(self.examples) - 1
        if not pattern.endswith("+"):
            found = [self.number(pattern)]
        else:
            found = [number for number, name in enumerate(self.examples) if name.startswith(pattern[:-1])]
        return found + list(range(last + 1, 1 << self.bits)) if found[-1:] == [last] else found

    def another(self, name: str) -> str:
        """Another name of the same class; itself where that holds no other, or none that would be written."""
        label = self.labels[self.number(name)]
        names = self._members(label[:-1]) if label.endswith("+") else ()
        return next((other for other in names if other != name), name)

    def _longest_prefix(self, name: str) -> str:
        return max((prefix for prefix in self._prefixes if name.startswith(prefix)), key=len)

    def _example(self, prefix: str) -> Iterable[str]:
        """A name that begins so, and that nothing else tells apart, if there is one."""
        return islice(self._members(prefix), 1)

    def _members(self, prefix: str) -> Iterator[str]:
        names = (name for name in _candidates(prefix) if len(name) <= LONGEST and name not in self._exact)
        return (name for name in names if self._longest_prefix(name) == prefix)


def _candidates(prefix: str) -> Iterator[str]:
    """Names that begin so, those that look real before the others."""
    yield from () if prefix else _ORDINARY
    if prefix[-1:].isdigit():
        yield prefix
    yield from (prefix + character for character in _CHARACTERS)
    yield prefix
    yield from (prefix + one + another for one in _CHARACTERS for another in _CHARACTERS)
