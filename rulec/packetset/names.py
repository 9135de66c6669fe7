"""Names as numbers: those of interfaces, with patterns such as ``ppp+``, and MAC addresses.

Of all names only those differ that some rule tells apart.  Each such class is a
number, so that a few bits hold a name of 15 characters, or an address of 48 bits.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Iterator
from itertools import count, islice

LONGEST = 15
"""IFNAMSIZ less the byte that ends the name."""

_ORDINARY = ("eth0", "eth1", "eth2", "ens3", "wan0", "lan0")
_CHARACTERS = string.digits + string.ascii_letters + "_-."
_ORDINARY_MAC = 0x00163E000007


class Classes:
    """The classes into which all names of a kind are divided.

    ``labels``, by number, are what they are called: a name, a pattern, ``+`` for all
    that is in no other class.  ``examples`` are one name of each, and ``numbers``
    tell the number of a label.
    """

    def __init__(self, labels: Iterable[str], examples: Iterable[str]) -> None:
        self.labels = tuple(labels)
        self.examples = tuple(examples)
        self.numbers = {label: number for number, label in enumerate(self.labels)}

    @property
    def bits(self) -> int:
        """How many bits hold the number of a class."""
        return max((len(self.examples) - 1).bit_length(), 1)

    def number(self, name: str) -> int:
        """The class of a name; the lowest of its numbers."""
        return self.numbers[name if name in self.numbers else "+"]

    def matching(self, pattern: str) -> list[int]:
        """The numbers that a name matches."""
        return [self.number(pattern)]

    def another(self, name: str) -> str:
        """Another name of the same class; itself where that holds no other, or none that would be written."""
        return name


class Macs(Classes):
    """The MAC addresses of which rules speak, and as the first class all others.

    Every number that is left over stands for these others as well.
    """

    def __init__(self, addresses: Iterable[str]) -> None:
        named = dict.fromkeys(addresses)
        other = next(text for text in map(mac_text, count(_ORDINARY_MAC)) if text not in named)
        super().__init__(("+", *named), (other, *named))

    def matching(self, pattern: str) -> list[int]:
        """The numbers of an address."""
        number = self.number(pattern)
        return [number] if number else [0, *range(len(self.labels), 1 << self.bits)]


def mac_text(number: int) -> str:
    """A MAC address as people write it."""
    return number.to_bytes(6, "big").hex(":")


class Names(Classes):
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
        examples = sorted(labels, key=lambda name: (labels[name] == "+", name))
        super().__init__((labels[name] for name in examples), examples)

    def number(self, name: str) -> int:
        """The class of a name; the lowest of its numbers."""
        name = name[:LONGEST]
        return self.numbers[name if name in self._exact else self._longest_prefix(name) + "+"]

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
