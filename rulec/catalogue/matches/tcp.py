"""tcp: match on what a TCP header holds: ports, flags, options.

``-p tcp`` brings this match in as soon as one of its options stands on the
line; with ``-m tcp`` but without ``-p tcp`` the kernel refuses the rule.  It
reads the header only and knows nothing of connections: ``--syn`` is a packet
that wants to open one, whether or not it belongs to one.

iptables-save leaves out all ports, and with them a ``!`` before them: of
``! --dport 0:65535``, which no packet matches, nothing is left in a dump.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Example, Extension, Given, Option, Value, saved_option
from rulec.catalogue.values.numbers import number
from rulec.catalogue.values.ports import EVERY_PORT, PORTS
from rulec.model import Family, Use
from rulec.model.protocols import TCP

FLAGS = {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32}
"""The bits that this match can look at."""

SYN_ONLY = (FLAGS["SYN"] | FLAGS["RST"] | FLAGS["ACK"] | FLAGS["FIN"], FLAGS["SYN"])
"""What ``--syn`` stands for: mask and value."""

_BITS = {**FLAGS, "ALL": 63, "NONE": 0}


def flag_bits(text: str) -> int:
    """The bits of a comma list of flags."""
    bits = 0
    for name in text.upper().split(","):
        if name and name not in _BITS:
            raise ValueError(f"{name!r} is no TCP flag ({', '.join(_BITS)})")
        bits |= _BITS.get(name, 0)
    return bits


def _read_flags(family: Family, mask: str, value: str) -> tuple[int, int]:
    return flag_bits(mask), flag_bits(value)


def _show_bits(bits: int) -> str:
    return ",".join(name for name, bit in FLAGS.items() if bits & bit) or "NONE"


TCP_FLAGS = Value(
    ("TCP_FLAGS", "TCP_FLAGS"),
    "two lists of flags: those to look at, and those of them that are set",
    _read_flags,
    lambda pair: f"{_show_bits(pair[0])} {_show_bits(pair[1])}",
)
"""Mask and value of the flags."""

_PORTS = (
    Option("--sport", PORTS, aliases=("--source-port",), invertible=True),
    Option("--dport", PORTS, aliases=("--destination-port",), invertible=True),
)
_TCP_OPTION = Option("--tcp-option", number(8, low=1), invertible=True)
_TCP_FLAGS = Option("--tcp-flags", TCP_FLAGS, invertible=True, excludes=("--syn",))
_SYN = Option("--syn", invertible=True, excludes=("--tcp-flags",))


def _save(given: Given) -> Iterator[str]:
    for option in (*_PORTS, _TCP_OPTION, _TCP_FLAGS, _SYN):
        for use in given:
            if use.option != option.name or use.value == EVERY_PORT:
                continue
            if option is _SYN:
                yield from saved_option(_TCP_FLAGS, Use(_TCP_FLAGS.name, use.negated, SYN_ONLY))
            elif option is not _TCP_FLAGS or use.negated or use.value[0]:
                yield from saved_option(option, use)


EXTENSION = Extension(
    name="tcp",
    summary="match on what a TCP header holds: ports, flags, options",
    modules=("xt_tcpudp",),
    protocols=(TCP,),
    options=(*_PORTS, _TCP_OPTION, _TCP_FLAGS, _SYN),
    save=_save,
    valid=(
        Example("-p tcp --dport ssh", saved="-p tcp -m tcp --dport 22"),
        Example("-p tcp --sport 1024: ! --dport :0x10", saved="-p tcp -m tcp --sport 1024:65535 ! --dport 0:16"),
        Example("-p tcp --destination-port 80 --source-port 010", saved="-p tcp -m tcp --sport 8 --dport 80"),
        Example("-p tcp ! --syn", saved="-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN"),
        Example("-p tcp --tcp-flags syn,all none", saved="-p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG NONE"),
        Example("-p tcp -m tcp ! --tcp-option 5 --tcp-flags ALL URG,PSH",
                saved="-p tcp -m tcp ! --tcp-option 5 --tcp-flags FIN,SYN,RST,PSH,ACK,URG PSH,URG"),
        Example("-p tcp ! --dport 0:65535 --tcp-flags NONE NONE", saved="-p tcp -m tcp"),
    ),
    invalid=(
        "-p tcp --dport 2000:1000",
        "-p tcp --dport 65536",
        "-p tcp --dport 80,443",
        "-p tcp --dport 80 --dport 81",
        "-p tcp --syn --tcp-flags ALL SYN",
        "-p tcp --tcp-flags SYN",
        "-p tcp --tcp-flags SYN ECE",
        "-p tcp --tcp-option 0",
    ),
    refused=("-m tcp --dport 80", "-p udp -m tcp --dport 80", "! -p tcp -m tcp --dport 80"),
)  # fmt: skip
