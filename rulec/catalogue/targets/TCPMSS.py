"""TCPMSS: change the largest segment that the first packet of a TCP connection asks for.

For links on which large packets get lost because no ICMP error comes back.
``--clamp-mss-to-pmtu`` takes the path MTU, and never raises the value.  The
kernel wants a match for SYN in the same rule, such as ``-p tcp --syn``.  Of both
options the last one counts.  The packet goes on with the next rule.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import IPV4, IPV6, Example, Extension, Given, Option, Setting, Value
from rulec.catalogue.values.numbers import integer
from rulec.model import Family, Match
from rulec.model.protocols import TCP

HEADER = {Family.IPV4: 20, Family.IPV6: 40}
"""Bytes of the IP header without options."""

SYN = 0x02

_AT_EXIT = frozenset(("FORWARD", "OUTPUT", "POSTROUTING"))


def _read_size(family: Family, text: str) -> int:
    return integer(text, 0, 65535 - HEADER[family])


SIZE = Value(("NUMBER",), "a number of bytes", _read_size)


def clamps(given: Given) -> bool:
    """Whether the size is that of the path; else it is the one given."""
    return given.uses[-1].option == "--clamp-mss-to-pmtu"


def _looks_for_syn(match: Match) -> bool:
    """Whether it is a tcp match that wants SYN set, in the eyes of xt_TCPMSS.c."""
    uses = [use for use in match.uses if match.name == "tcp" and not use.negated]
    return any(use.option == "--syn" or (use.option == "--tcp-flags" and use.value[1] & SYN) for use in uses)


def _kernel_check(given: Given, setting: Setting) -> None:
    if clamps(given) and setting.hooks - _AT_EXIT:
        raise ValueError("--clamp-mss-to-pmtu is for FORWARD, OUTPUT and POSTROUTING")
    if not any(map(_looks_for_syn, setting.matches)):
        raise ValueError("it needs a match for SYN in the same rule, such as -p tcp --syn")


def _save(given: Given) -> Iterator[str]:
    if clamps(given):
        yield "--clamp-mss-to-pmtu"
    else:
        yield from ("--set-mss", str(given.get("--set-mss")))


EXTENSION = Extension(
    name="TCPMSS",
    summary="change the largest segment that the first packet of a TCP connection asks for",
    modules=("xt_TCPMSS",),
    protocols=(TCP,),
    options=(Option("--set-mss", SIZE), Option("--clamp-mss-to-pmtu")),
    one_of=(("--set-mss", "--clamp-mss-to-pmtu"),),
    save=_save,
    kernel_looks_around=True,
    kernel_check=_kernel_check,
    valid=(
        Example("-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu", chain="FORWARD"),
        Example("-p tcp -m tcp --tcp-flags SYN,RST SYN,RST -j TCPMSS --set-mss 65495"),
        Example("-p tcp --syn -j TCPMSS --set-mss 65515", families=IPV4,
                saved="-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j TCPMSS --set-mss 65515"),
        Example("-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu --set-mss 0",
                saved="-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 0"),
        Example("-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 0 --clamp-mss-to-pmtu", table="mangle",
                chain="POSTROUTING", saved="-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu"),
    ),
    invalid=(
        "-p tcp --syn -j TCPMSS",
        "-p tcp --syn -j TCPMSS --set-mss 65516",
        Example("-p tcp --syn -j TCPMSS --set-mss 65496", families=IPV6),
    ),
    refused=(
        "-j TCPMSS --set-mss 1460",
        "-p tcp -j TCPMSS --set-mss 1460",
        "-p tcp ! --syn -j TCPMSS --set-mss 1460",
        "-p tcp --tcp-flags SYN,RST RST -j TCPMSS --set-mss 1460",
        "-p tcp --syn -j TCPMSS --clamp-mss-to-pmtu",
        Example("-p tcp --syn -j TCPMSS --clamp-mss-to-pmtu", table="mangle", chain="PREROUTING"),
    ),
)  # fmt: skip
