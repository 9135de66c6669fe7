"""How findings are handled once they are found: whose severity is another, and which may not be suppressed."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from rulec.diagnostics import Severity

_NONE: Mapping[str, str] = MappingProxyType({})


class Handling(NamedTuple):
    """What is asked of all findings of a file.

    ``ignores`` is False when suppressions do not count; ``markers`` tells whether
    those in rules do, None: where iptables-save wrote the file; ``settled`` are
    checks that must not be suppressed in a file, with the place that says so;
    ``reasons`` asks for a reason; ``known`` are fingerprints of findings that are
    not to be reported, with the reason.
    """

    severities: Mapping[str, Severity] = MappingProxyType({})
    ignores: bool = True
    markers: bool | None = None
    settled: Mapping[str, str] = _NONE
    reasons: bool = False
    known: Mapping[str, str] = _NONE


PLAIN = Handling()


def today() -> str:
    """The date, as in ``until=2027-03-01``; that of SOURCE_DATE_EPOCH where it is set."""
    told = os.environ.get("SOURCE_DATE_EPOCH", "")
    return time.strftime("%Y-%m-%d", time.gmtime(int(told)) if told.isdecimal() else time.localtime())
