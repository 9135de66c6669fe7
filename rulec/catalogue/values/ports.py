"""Ports, by number or by the name of a service."""

from __future__ import annotations

import re

from rulec.catalogue.extension import Value
from rulec.catalogue.values.numbers import colon_range, integer
from rulec.model import Family
from rulec.model.services import service_port

Ports = tuple[int, int]

EVERY_PORT: Ports = (0, 65535)
"""All of them: iptables-save leaves this out."""


def port(text: str) -> int:
    """The number of a port; ValueError when it is neither a number nor a known service."""
    if text.isdecimal() and text[0] != "0" and len(text) < 5:
        return int(text)
    if text[:1].isdigit() or text[:1] in " \t+":
        return integer(text, 0, 65535)
    found = service_port(text)
    if found is None:
        raise ValueError(f"{text!r} is neither a port nor the name of a known service")
    return found


def ports(text: str) -> Ports:
    """``port``, ``first:last``, ``first:`` or ``:last``."""
    first, colon, last = text.partition(":")
    if colon:
        return port(first) if first else 0, port(last) if last else 65535
    only = port(text)
    return only, only


def _read_ports(family: Family, text: str) -> Ports:
    low, high = ports(text)
    if low > high:
        raise ValueError(f"the range {text} runs backwards")
    return low, high


PORT = Value(("PORT",), "a port", lambda family, text: port(text))
"""One port."""

PORTS = Value(("PORTS",), "a port or a range first:last", _read_ports, colon_range)
"""First and last port; a range that runs backwards is refused."""


def _resolved(text: str) -> int:
    """A port as getaddrinfo(3) reads it: decimal, and what is too large is cut."""
    if not re.fullmatch(r"[ \t]*\+?[0-9]+", text):
        return port(text if text[:1].isalpha() else "")
    number = int(text)
    if number >= 2**64 or number & 2**31:
        raise ValueError(f"{text} is out of range (0 to 65535)")
    return number & 0xFFFF


def _read_either_way(family: Family, text: str) -> Ports:
    first, colon, last = text.partition(":")
    low = _resolved(first) if first else 0
    if not colon:
        return low, low
    return low, _resolved(last) if last else 65535


PORTS_EITHER_WAY = PORTS._replace(read=_read_either_way)
"""First and last port, in any order, as libxtables' XTTYPE_PORTRC reads them (udp, dccp; tried on 1.8.9)."""
