"""hl: match on the hop limit of an IPv6 packet, the field that IPv4 calls TTL."""

from __future__ import annotations

from rulec.catalogue.extension import IPV6, Example, Extension, Option
from rulec.catalogue.values.numbers import number

_LIMIT = number(8)

EXTENSION = Extension(
    name="hl",
    summary="match on the hop limit of an IPv6 packet, the field that IPv4 calls TTL",
    families=IPV6,
    modules=("xt_hl",),
    options=(
        Option("--hl-eq", _LIMIT, aliases=("--hl",), invertible=True, excludes=("--hl-lt", "--hl-gt")),
        Option("--hl-lt", _LIMIT, excludes=("--hl-eq", "--hl-gt")),
        Option("--hl-gt", _LIMIT, excludes=("--hl-eq", "--hl-lt")),
    ),
    one_of=(("--hl-eq", "--hl-lt", "--hl-gt"),),
    valid=(
        Example("-m hl --hl-eq 255"),
        Example("-m hl ! --hl 0x40", saved="-m hl ! --hl-eq 64"),
        Example("-m hl --hl-lt 1"),
        Example("-m hl --hl-gt 0"),
    ),
    invalid=(
        "-m hl",
        "-m hl --hl-eq 256",
        "-m hl --hl-lt 9 --hl-gt 3",
        "-m hl --hl 3 --hl-eq 3",
        "-m hl ! --hl-lt 9",
    ),
)
