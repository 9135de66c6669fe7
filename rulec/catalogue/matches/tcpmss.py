"""tcpmss: match on the maximum segment size that a TCP SYN announces.

A packet without that option, and so nearly every packet that is no SYN, is
taken for one that announces nothing and does not match.
"""

from __future__ import annotations

from rulec.catalogue.extension import Example, Extension, Option
from rulec.catalogue.values.numbers import number_range
from rulec.model import Family
from rulec.model.protocols import TCP

_RANGE = number_range(16)


def _read_sizes(family: Family, text: str) -> tuple[int, int]:
    low, high = pair = _RANGE.read(family, text)
    if low > high:
        raise ValueError(f"the range {text} runs backwards")
    return pair  # type: ignore[no-any-return]


EXTENSION = Extension(
    name="tcpmss",
    summary="match on the maximum segment size that a TCP SYN announces",
    modules=("xt_tcpmss",),
    protocols=(TCP,),
    options=(Option("--mss", _RANGE._replace(read=_read_sizes), invertible=True, required=True),),
    valid=(
        Example("-p tcp -m tcpmss --mss 1460"),
        Example("-p tcp -m tcpmss ! --mss 1400:1500"),
        Example("-p tcp -m tcpmss --mss 0x500:", saved="-p tcp -m tcpmss --mss 1280:65535"),
    ),
    invalid=(
        "-p tcp -m tcpmss",
        "-p tcp -m tcpmss --mss 1500:1400",
        "-p tcp -m tcpmss --mss 65536",
        "-p tcp -m tcpmss --mss 1400-1500",
    ),
    refused=("-m tcpmss --mss 1460", "-p udp -m tcpmss --mss 1460"),
)
