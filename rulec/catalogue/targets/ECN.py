"""ECN: change the bits of explicit congestion notification, to get past hosts that choke on them.

The bits of the TCP header need ``-p tcp``.  The options are read one after the
other: ``--ecn-tcp-remove`` undoes a ``--ecn-ip-ect`` before it.  The packet goes
on with the next rule.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import IPV4, Example, Extension, Given, Option, Setting
from rulec.catalogue.values.numbers import number
from rulec.model.protocols import TCP

BIT = number(8, high=1)

OPTIONS = (
    Option("--ecn-tcp-remove", excludes=("--ecn-tcp-cwr", "--ecn-tcp-ece")),
    Option("--ecn-tcp-ece", BIT, excludes=("--ecn-tcp-remove",)),
    Option("--ecn-tcp-cwr", BIT, excludes=("--ecn-tcp-remove",)),
    Option("--ecn-ip-ect", number(8, high=3)),
)

_REMOVED = {"--ecn-tcp-ece": 0, "--ecn-tcp-cwr": 0}


def ecn_bits(given: Given) -> dict[str, int]:
    """The option and value of each field that is set."""
    bits: dict[str, int] = {}
    for use in given:
        if use.option == "--ecn-tcp-remove":
            bits = dict(_REMOVED)
        else:
            bits[use.option] = use.value
    return bits


def _save(given: Given) -> Iterator[str]:
    bits = ecn_bits(given)
    if bits == _REMOVED:
        yield "--ecn-tcp-remove"
        return
    for option in OPTIONS[1:]:
        if option.name in bits:
            yield from (option.name, str(bits[option.name]))


def _kernel_check(given: Given, setting: Setting) -> None:
    if not ecn_bits(given).keys().isdisjoint(_REMOVED) and not setting.speaks(TCP):
        raise ValueError("the bits of the TCP header need -p tcp in the same rule")


EXTENSION = Extension(
    name="ECN",
    summary="change the bits of explicit congestion notification",
    families=IPV4,
    modules=("ipt_ECN",),
    tables=("mangle",),
    options=OPTIONS,
    one_of=(tuple(option.name for option in OPTIONS),),
    save=_save,
    kernel_check=_kernel_check,
    valid=(
        Example("-p tcp -j ECN --ecn-tcp-remove", table="mangle", chain="POSTROUTING"),
        Example("-j ECN --ecn-ip-ect 0", table="mangle"),
        Example("-p tcp -j ECN --ecn-tcp-cwr 0 --ecn-tcp-ece 0", saved="-p tcp -j ECN --ecn-tcp-remove",
                table="mangle"),
        Example("-p tcp -j ECN --ecn-tcp-remove --ecn-ip-ect 1", table="mangle",
                saved="-p tcp -j ECN --ecn-tcp-ece 0 --ecn-tcp-cwr 0 --ecn-ip-ect 1"),
        Example("-p tcp -j ECN --ecn-ip-ect 1 --ecn-tcp-remove", saved="-p tcp -j ECN --ecn-tcp-remove",
                table="mangle"),
        Example("-p tcp -j ECN --ecn-tcp-cwr 1", table="mangle"),
    ),
    invalid=(
        Example("-p tcp -j ECN", table="mangle"),
        Example("-p tcp -j ECN --ecn-tcp-remove --ecn-tcp-ece 0", table="mangle"),
        Example("-p tcp -j ECN --ecn-tcp-ece 2", table="mangle"),
        Example("-j ECN --ecn-ip-ect 4", table="mangle"),
    ),
    refused=(
        "-p tcp -j ECN --ecn-tcp-remove",
        Example("-j ECN --ecn-tcp-remove", table="mangle"),
        Example("! -p tcp -j ECN --ecn-tcp-cwr 1", table="mangle"),
    ),
)  # fmt: skip
