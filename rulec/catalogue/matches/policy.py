"""policy: match on how IPsec treated the packet, or will treat it.

``--dir in`` looks at what has been taken off, ``--dir out`` at what will be put
on; ``--pol none`` matches packets without any.  With ``--strict`` the whole
chain of transformations must fit, its elements set apart by ``--next``.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import IPV4, IPV6, Example, Extension, Given, Option, Setting, saved_option
from rulec.catalogue.values.hosts import HOST_AND_MASK
from rulec.catalogue.values.numbers import hexadecimal, number
from rulec.catalogue.values.protocols import PROTOCOL
from rulec.catalogue.values.text import choice
from rulec.model import Family, Use
from rulec.model.protocols import AH, ESP, IPCOMP

DEPTH = 4
"""XT_POLICY_MAX_ELEM: the most elements of a chain."""

_INCOMING = {"PREROUTING", "INPUT"}
_OUTGOING = {"POSTROUTING", "OUTPUT"}


def _read_protocol(family: Family, text: str) -> int:
    found: int = PROTOCOL.read(family, text)
    if found not in (AH, ESP, IPCOMP):
        raise ValueError(f"{text} is no protocol of IPsec (ah, esp or ipcomp)")
    return found


_ELEMENT = (
    Option("--reqid", number(), invertible=True, repeatable=True),
    Option("--spi", number(show=hexadecimal), invertible=True, repeatable=True),
    Option("--proto", PROTOCOL._replace(read=_read_protocol), invertible=True, repeatable=True),
    Option("--mode", choice(("transport", "tunnel"), "transport or tunnel"), invertible=True, repeatable=True),
    Option("--tunnel-dst", HOST_AND_MASK, invertible=True, repeatable=True),
    Option("--tunnel-src", HOST_AND_MASK, invertible=True, repeatable=True),
)
_ELEMENT_NAMES = [option.name for option in _ELEMENT]


def elements(given: Given) -> list[dict[str, Use]]:
    """The options of each element; ValueError for one that stands twice in an element."""
    found: list[dict[str, Use]] = [{}]
    for use in given:
        if use.option == "--next":
            found.append({})
        elif use.option in _ELEMENT_NAMES:
            if use.option in found[-1]:
                raise ValueError(f"{use.option} may stand only once in an element")
            found[-1][use.option] = use
    return found


def _check(given: Given) -> None:
    chain = elements(given)
    if len(chain) > DEPTH:
        raise ValueError(f"a chain has at most {DEPTH} elements")
    if given.get("--pol") == "none":
        if "--strict" in given:
            raise ValueError("--pol none and --strict exclude each other")
        return
    for element in chain:
        if "--strict" in given and not element:
            raise ValueError("each element of --strict needs an option")
        _check_tunnel(element)


def _check_tunnel(element: dict[str, Use]) -> None:
    mode = element.get("--mode")
    tunnel = mode is not None and (mode.value == "tunnel") != mode.negated
    if not tunnel and ("--tunnel-src" in element or "--tunnel-dst" in element):
        raise ValueError("--tunnel-src and --tunnel-dst need --mode tunnel")


def _kernel_check(given: Given, setting: Setting) -> None:
    direction = given.get("--dir")
    if direction == "out" and setting.hooks & _INCOMING:
        raise ValueError("--dir out is not known yet where packets come in")
    if direction == "in" and setting.hooks & _OUTGOING:
        raise ValueError("--dir in is no longer known where packets leave")


def _save(given: Given) -> Iterator[str]:
    yield f"--dir {given.get('--dir')} --pol {given.get('--pol', 'ipsec')}"
    if given.get("--pol") == "none":
        return
    if "--strict" in given:
        yield "--strict"
    for place, element in enumerate(elements(given)):
        if place:
            yield "--next"
        for option in _ELEMENT:
            if option.name in element:
                yield from saved_option(option, element[option.name])


EXTENSION = Extension(
    name="policy",
    summary="match on how IPsec treated the packet, or will treat it",
    modules=("xt_policy",),
    options=(
        Option("--dir", choice(("in", "out"), "in or out"), required=True),
        Option("--pol", choice(("none", "ipsec"), "none or ipsec")),
        Option("--strict"),
        *_ELEMENT,
        Option("--next", repeatable=True, requires=("--strict",)),
    ),
    check=_check,
    kernel_check=_kernel_check,
    save=_save,
    valid=(
        Example("-m policy --dir in", saved="-m policy --dir in --pol ipsec"),
        Example("-m policy --pol none --dir out", chain="OUTPUT", saved="-m policy --dir out --pol none"),
        Example("-m policy --dir in --pol ipsec --strict --reqid 1 --next ! --spi 5 --proto 50",
                saved="-m policy --dir in --pol ipsec --strict --reqid 1 --next ! --spi 0x5 --proto esp"),
        Example("-m policy --dir in --tunnel-src 10.0.0.1/8 --tunnel-dst 10.1 --mode tunnel", families=IPV4,
                saved="-m policy --dir in --pol ipsec --mode tunnel --tunnel-dst 10.0.0.1 --tunnel-src 10.0.0.1/8"),
        Example("-m policy --dir in ! --mode transport ! --tunnel-src fe80::1/64", families=IPV6,
                saved="-m policy --dir in --pol ipsec ! --mode transport ! --tunnel-src fe80::1/64"),
    ),
    invalid=(
        "-m policy",
        "-m policy --pol ipsec",
        "-m policy --dir in --pol none --strict",
        "-m policy --dir in --strict",
        "-m policy --dir in --next",
        "-m policy --dir in --strict --reqid 1 --next",
        "-m policy --dir in --reqid 1 --reqid 2",
        "-m policy --dir in --proto tcp",
        "-m policy --dir in --mode other",
        Example("-m policy --dir in --tunnel-src 10.0.0.1", families=IPV4),
        "-m policy --dir in --strict --reqid 1 --next --reqid 2 --next --reqid 3 --next --reqid 4 --next --reqid 5",
    ),
    refused=("-m policy --dir out", Example("-m policy --dir in", chain="OUTPUT")),
)  # fmt: skip
