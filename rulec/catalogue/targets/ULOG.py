"""ULOG: hand a copy of the packet to a program that logs, by the way that NFLOG has replaced.

The kernel has had no such target since Linux 3.17: write NFLOG.
"""

from __future__ import annotations

from rulec.catalogue.extension import IPV4, Example, Extension, Option
from rulec.catalogue.values.logs import log_prefix
from rulec.catalogue.values.numbers import number

EXTENSION = Extension(
    name="ULOG",
    summary="hand a copy of the packet to a program that logs, by the way that NFLOG has replaced",
    families=IPV4,
    modules=("ipt_ULOG",),
    options=(
        Option("--ulog-prefix", log_prefix(31)),
        Option("--ulog-nlgroup", number(8, low=1, high=32), silent=1),
        Option("--ulog-cprange", number(64), silent=0),
        Option("--ulog-qthreshold", number(64, low=1, high=50), silent=1),
    ),
    valid=(
        Example("-j ULOG"),
        Example('-j ULOG --ulog-qthreshold 50 --ulog-cprange 100 --ulog-nlgroup 32 --ulog-prefix "new: "',
                saved='-j ULOG --ulog-prefix "new: " --ulog-nlgroup 32 --ulog-cprange 100 --ulog-qthreshold 50'),
        Example("-j ULOG --ulog-nlgroup 1 --ulog-cprange 0 --ulog-qthreshold 1", saved="-j ULOG"),
    ),
    invalid=(
        "-j ULOG --ulog-nlgroup 0",
        "-j ULOG --ulog-nlgroup 33",
        "-j ULOG --ulog-qthreshold 51",
        '-j ULOG --ulog-prefix ""',
    ),
)  # fmt: skip
