"""LED: let a lamp of the machine shine while packets meet the rule.

The rule makes a trigger ``netfilter-ID``, which is then given to a lamp below
/sys/class/leds.  The packet goes on with the next rule.
"""

from __future__ import annotations

import re

from rulec.catalogue.extension import Example, Extension, Option, Value
from rulec.catalogue.values.numbers import integer
from rulec.catalogue.values.text import text
from rulec.model import Family

FOR_EVER = 2**32 - 1


def _show_id(name: str) -> str:
    """In quotes, always."""
    return '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'


def _read_delay(family: Family, word: str) -> int:
    return FOR_EVER if word[:3].lower() == "inf" else integer(word)


def _show_delay(value: int) -> str:
    """As a signed number, which iptables-restore does not take back where it is negative."""
    return str(value if value < 2**31 else value - 2**32)


DELAY = Value(("NAME",), "milliseconds, or inf", _read_delay, _show_delay)
"""How long the lamp shines after a packet, in milliseconds."""

EXTENSION = Extension(
    name="LED",
    summary="let a lamp of the machine shine while packets meet the rule",
    modules=("xt_LED",),
    options=(
        Option("--led-trigger-id", text(longest=16, show=_show_id), required=True),
        Option("--led-delay", DELAY, silent=0),
        Option("--led-always-blink"),
    ),
    valid=(
        Example("-j LED --led-trigger-id ssh", saved='-j LED --led-trigger-id "ssh"'),
        Example("-j LED --led-always-blink --led-delay 0x3e8 --led-trigger-id ssh",
                saved='-j LED --led-trigger-id "ssh" --led-delay 1000 --led-always-blink'),
        Example("-j LED --led-trigger-id ssh --led-delay 0", saved='-j LED --led-trigger-id "ssh"'),
        Example("-j LED --led-trigger-id ssh --led-delay INF", saved='-j LED --led-trigger-id "ssh" --led-delay -1'),
    ),
    invalid=(
        "-j LED",
        "-j LED --led-trigger-id ssh --led-delay soon",
        "-j LED --led-trigger-id a-name-of-17-byte",
        "-j LED --led-trigger-id ssh --led-delay 4294967296",
    ),
)  # fmt: skip
