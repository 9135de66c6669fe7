"""The ports that should not be open to everybody by accident."""

from __future__ import annotations

import re

from rulec.analysis.rules import OpenPort

OPEN_PORTS = (
    *map(OpenPort, (22, 23, 2375, 3306, 5432, 6379, 9200, 11211)),
    OpenPort(11211, "udp"),
)
"""Those of logins, and of services that ask nobody for a name."""

_PORT = re.compile(r"(\d{1,5})(?:/(tcp|udp))?")


def open_ports(text: str | None) -> tuple[OpenPort, ...]:
    """Ports as a person lists them, ``22,53/udp``; the usual ones for None.  Raises ValueError with a sentence."""
    if text is None:
        return OPEN_PORTS
    return tuple(_port(word.strip()) for word in text.split(",") if word.strip())


def _port(word: str) -> OpenPort:
    read = _PORT.fullmatch(word)
    if read is None or int(read[1]) > 65535:
        raise ValueError(f"{word!r} is no port; say it as in 22,53/udp")
    return OpenPort(int(read[1]), read[2] or "tcp")
