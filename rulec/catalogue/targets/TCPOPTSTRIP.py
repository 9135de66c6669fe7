"""TCPOPTSTRIP: overwrite options of the TCP header with nothing.

The space stays, so that the packet keeps its size.  The packet goes on with the
next rule.
"""

from __future__ import annotations

from rulec.catalogue.extension import Example, Extension, Option, Value
from rulec.catalogue.values.numbers import integer
from rulec.model import Family
from rulec.model.protocols import TCP

TCP_OPTIONS = {"wscale": 3, "mss": 2, "sack-permitted": 4, "sack": 5, "timestamp": 8, "md5": 19}
"""The numbers of the options that have a name (IANA, TCP parameters)."""


def _read_options(family: Family, words: str) -> tuple[int, ...]:
    numbers: set[int] = set()
    for word in words.split(","):
        number = TCP_OPTIONS[word] if word in TCP_OPTIONS else integer(word, 2, 255)
        if number in numbers:
            raise ValueError(f"option {number} stands twice")
        numbers.add(number)
    return tuple(sorted(numbers))


STRIPPED = Value(
    ("NAMES",),
    f"a list with commas and no blanks of numbers and of {', '.join(TCP_OPTIONS)}",
    _read_options,
    lambda numbers: ",".join(map(str, numbers)),
)
"""The numbers in ascending order."""

EXTENSION = Extension(
    name="TCPOPTSTRIP",
    summary="overwrite options of the TCP header with nothing",
    modules=("xt_TCPOPTSTRIP",),
    tables=("mangle",),
    protocols=(TCP,),
    options=(Option("--strip-options", STRIPPED),),
    valid=(
        Example("-p tcp -j TCPOPTSTRIP", table="mangle"),
        Example("-p tcp -j TCPOPTSTRIP --strip-options wscale,mss,sack-permitted,sack,timestamp,md5", table="mangle",
                saved="-p tcp -j TCPOPTSTRIP --strip-options 2,3,4,5,8,19"),
        Example("-p tcp -j TCPOPTSTRIP --strip-options 255,0x2", table="mangle", chain="PREROUTING",
                saved="-p tcp -j TCPOPTSTRIP --strip-options 2,255"),
    ),
    invalid=(
        Example("-p tcp -j TCPOPTSTRIP --strip-options 1", table="mangle"),
        Example("-p tcp -j TCPOPTSTRIP --strip-options 2,mss", table="mangle"),
        Example("-p tcp -j TCPOPTSTRIP --strip-options MSS", table="mangle"),
        Example("-p tcp -j TCPOPTSTRIP --strip-options 256", table="mangle"),
    ),
    refused=("-p tcp -j TCPOPTSTRIP", Example("-j TCPOPTSTRIP", table="mangle")),
)  # fmt: skip
