"""LOG: write a line about the packet to the kernel's log, and go on with the next rule.

The rule ends nothing: a packet that is logged meets the rules behind it as if
this one were not there.  Prefixes are cut after 29 bytes without a word, and a
blank at the end has to be written by oneself.  Nothing limits the number of
lines; put ``-m limit`` before it.  No connection tracking is needed.
"""

from __future__ import annotations

from rulec.catalogue.extension import Example, Extension, Option, Value
from rulec.catalogue.values.logs import log_prefix
from rulec.catalogue.values.numbers import integer
from rulec.model import Family

LEVELS = {
    "emerg": 0, "panic": 0, "alert": 1, "crit": 2, "error": 3, "warning": 4, "notice": 5, "info": 6, "debug": 7,
}  # fmt: skip
"""The levels of syslog that libxtables knows by name; ``err`` and ``warn`` are not among them."""

DEFAULT_LEVEL = LEVELS["warning"]


def _read_level(family: Family, text: str) -> int:
    if text in LEVELS:
        return LEVELS[text]
    try:
        return integer(text, 0, 7)
    except ValueError:
        raise ValueError(f"{text!r} is neither a number up to 7 nor one of {', '.join(LEVELS)}") from None


LEVEL = Value(("SYSLOG_LEVEL",), "a level of syslog, by number or name", _read_level)
"""The number of a level."""

EXTENSION = Extension(
    name="LOG",
    summary="write a line about the packet to the kernel's log, and go on with the next rule",
    modules=("xt_LOG", "nf_log_syslog"),
    options=(
        Option("--log-prefix", log_prefix(29)),
        Option("--log-level", LEVEL, silent=DEFAULT_LEVEL),
        Option("--log-tcp-sequence"),
        Option("--log-tcp-options"),
        Option("--log-ip-options"),
        Option("--log-uid"),
        Option("--log-macdecode"),
    ),
    valid=(
        Example("-j LOG"),
        Example('-j LOG --log-prefix "dropped: " --log-level 7'),
        Example("-j LOG --log-level warning", saved="-j LOG"),
        Example("-j LOG --log-level panic --log-prefix boot", saved="-j LOG --log-prefix boot --log-level 0"),
        Example("-j LOG --log-level error", saved="-j LOG --log-level 3", table="raw", chain="PREROUTING"),
        Example(
            "-j LOG --log-macdecode --log-uid --log-ip-options --log-tcp-options --log-tcp-sequence",
            saved="-j LOG --log-tcp-sequence --log-tcp-options --log-ip-options --log-uid --log-macdecode",
        ),
        Example(
            "-j LOG --log-prefix a-prefix-of-more-than-29-bytes-is-cut",
            saved="-j LOG --log-prefix a-prefix-of-more-than-29-byte",
        ),
    ),
    invalid=(
        "-j LOG --log-level 8",
        "-j LOG --log-level warn",
        "-j LOG --log-level WARNING",
        '-j LOG --log-prefix ""',
        "-j LOG --log-uid --log-uid",
        "-j LOG ! --log-uid",
    ),
)
