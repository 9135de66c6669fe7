"""ipv6header: match on which extension headers an IPv6 packet has.

Without ``--soft`` the packet must have exactly the headers named; with it, at
least those.  Names are those of /etc/protocols or iptables' own (``dst``,
``route``); a dump shows the former.
"""

from __future__ import annotations

from rulec.catalogue.extension import IPV6, Example, Extension, Option, Value
from rulec.catalogue.values.protocols import PROTOCOL
from rulec.model import Family

_PRINTED = {
    0: "hop-by-hop", 60: "ipv6-opts", 43: "ipv6-route", 44: "ipv6-frag", 51: "ah", 50: "esp", 59: "ipv6-nonxt",
    255: "protocol",
}  # fmt: skip
_OWN_NAMES = {
    "hop-by-hop": 0, "hop": 0, "dst": 60, "route": 43, "frag": 44, "auth": 51, "esp": 50, "none": 59,
    "protocol": 255, "prot": 255, **{str(number): number for number in _PRINTED},
}  # fmt: skip
_NOT_IN_ETC_PROTOCOLS = frozenset(("all", "icmpv6", "mh", "ipv6-mh"))


def _header(family: Family, word: str) -> int:
    if word in _OWN_NAMES:
        return _OWN_NAMES[word]
    number: int = -1 if word[0].isdigit() or word in _NOT_IN_ETC_PROTOCOLS else PROTOCOL.read(family, word)
    if number not in _PRINTED:
        raise ValueError(f"{word!r} is no extension header ({', '.join(_PRINTED.values())})")
    return number


def _read_headers(family: Family, words: str) -> tuple[int, ...]:
    chosen = {_header(family, word) for word in words.split(",") if word}
    if not chosen:
        raise ValueError("no header is named")
    return tuple(number for number in _PRINTED if number in chosen)


HEADERS = Value(
    ("LOOSE_NAMES",),
    "a list of extension headers with commas",
    _read_headers,
    lambda numbers: ",".join(_PRINTED[number] for number in numbers),
)
"""The protocol numbers of the headers; 255 is the payload."""

EXTENSION = Extension(
    name="ipv6header",
    summary="match on which extension headers an IPv6 packet has",
    families=IPV6,
    modules=("ip6t_ipv6header",),
    options=(Option("--header", HEADERS, invertible=True, required=True), Option("--soft")),
    valid=(
        Example("-m ipv6header --header hop-by-hop"),
        Example(
            "-m ipv6header --soft --header prot,none,auth,esp,frag,route,dst,hop",
            saved="-m ipv6header --header hop-by-hop,ipv6-opts,ipv6-route,ipv6-frag,ah,esp,ipv6-nonxt,protocol --soft",
        ),
        Example(
            "-m ipv6header ! --header 60,,ipv6-route,IPv6-Frag",
            saved="-m ipv6header ! --header ipv6-opts,ipv6-route,ipv6-frag",
        ),
        Example("-m ipv6header --header ip", saved="-m ipv6header --header hop-by-hop"),
    ),
    invalid=(
        "-m ipv6header",
        "-m ipv6header --soft",
        "-m ipv6header --header tcp",
        "-m ipv6header --header 6",
        "-m ipv6header --header all",
        '-m ipv6header --header ""',
        "-m ipv6header --header dst ! --soft",
    ),
)
