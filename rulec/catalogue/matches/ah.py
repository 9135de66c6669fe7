"""ah: match on the IPsec authentication header.

For IPv4 the header is found by ``-p ah``, without which the kernel refuses the
rule; for IPv6 it is looked for among the extension headers of any packet.  A
dump leaves out ``--ahspi 0:``, even with a ``!`` before it.
"""

from __future__ import annotations

from rulec.catalogue.extension import IPV4, IPV6, Example, Extension, Given, Option, Setting
from rulec.catalogue.values.numbers import number
from rulec.catalogue.values.spi import SPI, saved_without_everything
from rulec.model import Family
from rulec.model.protocols import AH

_OPTIONS = (
    Option("--ahspi", SPI, invertible=True),
    Option("--ahlen", number(), invertible=True, silent=0, families=IPV6),
    Option("--ahres", families=IPV6),
)


def _kernel_check(given: Given, setting: Setting) -> None:
    if setting.family is Family.IPV4 and not setting.speaks(AH):
        raise ValueError("the rule needs -p ah")


EXTENSION = Extension(
    name="ah",
    summary="match on the IPsec authentication header",
    modules=("ipt_ah", "ip6t_ah"),
    options=_OPTIONS,
    save=saved_without_everything(_OPTIONS),
    kernel_check=_kernel_check,
    valid=(
        Example("-p ah -m ah --ahspi 500"),
        Example("-p 51 --ahspi 3:0x10", saved="-p ah -m ah --ahspi 3:16"),
        Example("-p ah -m ah ! --ahspi 5:", saved="-p ah -m ah ! --ahspi 5:4294967295"),
        Example("-p ah -m ah ! --ahspi 0:", saved="-p ah -m ah"),
        Example("-m ah --ahspi 9 --ahlen 0 --ahres", saved="-m ah --ahspi 9 --ahres", families=IPV6),
        Example("-m ah ! --ahlen 0 ! --ahspi 9", saved="-m ah ! --ahspi 9 ! --ahlen 0", families=IPV6),
        Example("-m ah --ahlen 24", families=IPV6),
    ),
    invalid=(
        "-p ah -m ah --ahspi 1:2:3",
        "-p ah -m ah --ahspi 4294967296",
        "-p ah -m ah --ahspi 1 --ahspi 2",
        Example("-p ah -m ah --ahlen 4", families=IPV4),
        Example("-m ah ! --ahres", families=IPV6),
    ),
    refused=(Example("-m ah --ahspi 1", families=IPV4), Example("! -p ah -m ah", families=IPV4)),
)
