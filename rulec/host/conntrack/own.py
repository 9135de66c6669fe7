"""The addresses of the host from which a table is seen: given, or those that are in most entries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Container, Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple

from rulec.errors import InputError

_MOST_REMEMBERED = 1 << 16
_REST = 0.1
"""So small a part of the entries without an address of the host says nothing of another address of it."""

Fields = tuple[bytes | None, ...]


class Own(NamedTuple):
    """The addresses and prefixes of a host, without those of loopback, and how they are known."""

    texts: tuple[str, ...]
    known: str

    def members(self) -> Container[bytes]:
        """A set that knows them as the kernel and as conntrack print them."""
        if any("/" in text for text in self.texts):
            return _Prefixes(self.texts)
        return frozenset(form.encode() for text in self.texts for form in _spellings(text))


def _spellings(text: str) -> tuple[str, str]:
    """As conntrack prints an address, and as /proc does."""
    address = ip_address(text)
    return address.compressed, address.exploded


class _Prefixes:
    """Asks for each address once, or seldom more often."""

    def __init__(self, texts: Iterable[str]) -> None:
        networks = [ip_network(text) for text in texts]
        self._find = lru_cache(_MOST_REMEMBERED)(lambda text: _is_in(text, networks))

    def __contains__(self, text: object) -> bool:
        return self._find(text)


def _is_in(text: bytes, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    address = _address(text)
    return address is not None and any(address in network for network in networks)


def _address(text: bytes) -> IPv4Address | IPv6Address | None:
    """None for what only looks like one, such as 300.1.1.1."""
    try:
        return ip_address(text.decode())
    except ValueError:
        return None


def given(texts: Iterable[str]) -> Own:
    """Those that a user names: addresses or prefixes; InputError for anything else."""
    texts = tuple(texts)
    for text in texts:
        try:
            ip_network(text)
        except ValueError:
            example = "such as 192.0.2.10 or 2001:db8::/64"
            raise InputError(f"--address {text}: that is no address or prefix, {example}") from None
    return Own(texts, "as --address says")


def guessed(entries: Iterable[Fields]) -> Own:
    """The addresses that are in most of some entries, of each family; none where there are none such."""
    both = list(entries)
    texts = [text for colon in (False, True) for text in _most([each for each in both if _is_v6(each) == colon])]
    return Own(tuple(texts), "guessed, since most entries have it; --address says otherwise" if texts else "")


def _is_v6(entry: Fields) -> bool:
    return b":" in (entry[3] or b"")


def _most(entries: Sequence[Fields]) -> Iterable[str]:
    """Address after address, each in most of the entries that are left; of two alike the one that is asked."""
    total = len(entries)
    while entries and len(entries) > _REST * total:
        found = Counter(end for entry in entries for end in {entry[3], entry[4]})
        asked = Counter(entry[4] for entry in entries)
        best = max(found, key=lambda end: (found[end], asked[end]))
        if best is None or 2 * found[best] <= len(entries):
            return
        address = _address(best)
        if address is not None and not address.is_loopback:
            yield str(address)
        entries = [entry for entry in entries if best not in (entry[3], entry[4])]


def among(own: Own, ends: Collection[bytes]) -> bool:
    """Whether any of some addresses is one of the host."""
    members = own.members()
    return any(end in members for end in ends)


def is_address(text: str) -> bool:
    """Whether a text is one, and does not only look like one."""
    return _address(text.encode()) is not None


def shown(address: bytes) -> str:
    """An address as people write it: the kernel prints IPv6 in full."""
    return str(_address(address) or address.decode()) if b":" in address else address.decode()
