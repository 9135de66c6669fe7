"""cpu: match on the processor that handles the packet.

Numbers begin with 0; one that the host does not have matches nothing.
"""

from __future__ import annotations

from rulec.catalogue.extension import Example, Extension, Option
from rulec.catalogue.values.numbers import number

EXTENSION = Extension(
    name="cpu",
    summary="match on the processor that handles the packet",
    modules=("xt_cpu",),
    options=(Option("--cpu", number(), invertible=True, required=True),),
    valid=(
        Example("-m cpu --cpu 0"),
        Example("-m cpu ! --cpu 0x1f", saved="-m cpu ! --cpu 31"),
    ),
    invalid=(
        "-m cpu",
        "-m cpu --cpu 0,1",
        "-m cpu --cpu 4294967296",
        "-m cpu --cpu 0 --cpu 1",
    ),
)
