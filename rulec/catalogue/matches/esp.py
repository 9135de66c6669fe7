"""esp: match on the security parameter index of an IPsec ESP packet.

What is inside is encrypted, so the index is all there is to see.  A dump leaves
out ``--espspi 0:``, even with a ``!`` before it.
"""

from __future__ import annotations

from rulec.catalogue.extension import Example, Extension, Option
from rulec.catalogue.values.spi import SPI, saved_without_everything
from rulec.model.protocols import ESP

_OPTIONS = (Option("--espspi", SPI, invertible=True),)

EXTENSION = Extension(
    name="esp",
    summary="match on the security parameter index of an IPsec ESP packet",
    modules=("xt_esp",),
    protocols=(ESP,),
    options=_OPTIONS,
    save=saved_without_everything(_OPTIONS),
    valid=(
        Example("-p esp -m esp"),
        Example("-p 50 --espspi 500", saved="-p esp -m esp --espspi 500"),
        Example("-p esp -m esp ! --espspi :0x20", saved="-p esp -m esp ! --espspi 0:32"),
        Example("-p esp -m esp ! --espspi 0:", saved="-p esp -m esp"),
    ),
    invalid=(
        "-p esp -m esp --espspi -1",
        "-p esp -m esp --espspi 4294967296",
        "-p esp -m esp --espspi 1:2:3",
        "-p esp -m esp --espspi 1 --espspi 2",
    ),
    refused=("-m esp --espspi 1", "-p ah -m esp", "! -p esp -m esp"),
)
