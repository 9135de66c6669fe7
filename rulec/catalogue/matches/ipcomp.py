"""ipcomp: match on the compression parameter index of an IPComp packet.

Without ``--ipcompspi`` it matches the index 0 only, unlike ah and esp, which
then match all.  A dump leaves out ``--ipcompspi 0:``, even with a ``!`` before it.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Example, Extension, Given, Option
from rulec.catalogue.values.spi import SPI, saved_without_everything
from rulec.model.protocols import IPCOMP

_OPTIONS = (Option("--ipcompspi", SPI, invertible=True), Option("--compres"))
_saved_options = saved_without_everything(_OPTIONS)


def _save(given: Given) -> Iterator[str]:
    if "--ipcompspi" not in given:
        yield "--ipcompspi 0"
    yield from _saved_options(given)


EXTENSION = Extension(
    name="ipcomp",
    summary="match on the compression parameter index of an IPComp packet",
    modules=("xt_ipcomp",),
    protocols=(IPCOMP,),
    options=_OPTIONS,
    save=_save,
    valid=(
        Example("-p ipcomp -m ipcomp", saved="-p ipcomp -m ipcomp --ipcompspi 0"),
        Example("-p 108 --compres --ipcompspi 0x12", saved="-p ipcomp -m ipcomp --ipcompspi 18 --compres"),
        Example("-p ipcomp -m ipcomp ! --ipcompspi 3:5"),
        Example("-p ipcomp -m ipcomp ! --ipcompspi 0: --compres", saved="-p ipcomp -m ipcomp --compres"),
    ),
    invalid=(
        "-p ipcomp -m ipcomp --ipcompspi 4294967296",
        "-p ipcomp -m ipcomp --ipcompspi 1:2:3",
        "-p ipcomp -m ipcomp ! --compres",
    ),
    refused=("-m ipcomp --ipcompspi 1", "-p esp -m ipcomp"),
)
