"""ecn: match on explicit congestion notification, in the IP header and in the TCP header.

The two TCP flags need ``-p tcp``; ``--ecn-ip-ect`` is the value of the two bits
of the IP header, 3 for a packet that has met congestion.
"""

from __future__ import annotations

from rulec.catalogue.extension import Example, Extension, Given, Option, Setting
from rulec.catalogue.values.numbers import number
from rulec.model.protocols import TCP


def _kernel_check(given: Given, setting: Setting) -> None:
    if ("--ecn-tcp-ece" in given or "--ecn-tcp-cwr" in given) and not setting.speaks(TCP):
        raise ValueError("the flags of TCP need -p tcp")


EXTENSION = Extension(
    name="ecn",
    summary="match on explicit congestion notification, in the IP header and in the TCP header",
    modules=("xt_ecn",),
    options=(
        Option("--ecn-tcp-ece", invertible=True),
        Option("--ecn-tcp-cwr", invertible=True),
        Option("--ecn-ip-ect", number(2), invertible=True),
    ),
    one_of=(("--ecn-tcp-ece", "--ecn-tcp-cwr", "--ecn-ip-ect"),),
    kernel_check=_kernel_check,
    valid=(
        Example("-m ecn --ecn-ip-ect 0"),
        Example("-p udp -m ecn ! --ecn-ip-ect 0x3", saved="-p udp -m ecn ! --ecn-ip-ect 3"),
        Example(
            "-p tcp -m ecn --ecn-tcp-cwr ! --ecn-tcp-ece --ecn-ip-ect 1",
            saved="-p tcp -m ecn ! --ecn-tcp-ece --ecn-tcp-cwr --ecn-ip-ect 1",
        ),
        Example("-p tcp -m ecn ! --ecn-tcp-cwr"),
    ),
    invalid=(
        "-m ecn",
        "-m ecn --ecn-ip-ect 4",
        "-p tcp -m ecn --ecn-tcp-cwr --ecn-tcp-cwr",
    ),
    refused=("-m ecn --ecn-tcp-cwr", "-p udp -m ecn --ecn-tcp-ece", "! -p tcp -m ecn ! --ecn-tcp-cwr"),
)
