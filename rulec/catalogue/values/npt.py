"""The prefixes of stateless IPv6 prefix translation (RFC 6296)."""

from __future__ import annotations

from rulec.catalogue.extension import Option, Unloadable
from rulec.catalogue.values.addresses import Addressed, prefix_length
from rulec.catalogue.values.hosts import HOST_AND_LENGTH
from rulec.model import Family

LONGEST = 64
"""The kernel translates no longer prefix (ip6t_NPT.c)."""


def _read(family: Family, text: str) -> Addressed:
    value: Addressed = HOST_AND_LENGTH.read(family, text)
    if (prefix_length(family, value[1]) or 0) > LONGEST:
        raise Unloadable(f"{text} is longer than /{LONGEST}, and the kernel refuses that")
    if value[0] & ~value[1]:
        raise Unloadable(f"{text} has bits behind its prefix, and the kernel refuses that")
    return value


PREFIX = HOST_AND_LENGTH._replace(expected=f"a prefix of at most {LONGEST} bits", read=_read)
"""A prefix; the kernel refuses one with host bits."""

OPTIONS = tuple(Option(name, PREFIX, required=True, silent=(0, 0)) for name in ("--src-pfx", "--dst-pfx"))
"""What is replaced, and by what."""
