"""NFLOG: hand a copy of the packet to a program that logs, and go on with the next rule.

The program listens to the group over netlink, as ulogd2 and tcpdump do; where
none listens, nothing happens.  ``--nflog-range`` is read and does nothing:
``--nflog-size`` says how many bytes are copied.
"""

from __future__ import annotations

from rulec.catalogue.extension import Example, Extension, Option
from rulec.catalogue.values.logs import log_prefix
from rulec.catalogue.values.numbers import number

EXTENSION = Extension(
    name="NFLOG",
    summary="hand a copy of the packet to a program that logs, and go on with the next rule",
    modules=("xt_NFLOG", "nfnetlink_log"),
    options=(
        Option("--nflog-prefix", log_prefix(63)),
        Option("--nflog-group", number(16), silent=0),
        Option("--nflog-size", number(32), excludes=("--nflog-range",)),
        Option("--nflog-range", number(32), excludes=("--nflog-size",), silent=0),
        Option("--nflog-threshold", number(16), silent=0),
    ),
    valid=(
        Example("-j NFLOG"),
        Example("-j NFLOG --nflog-threshold 5 --nflog-size 0 --nflog-group 65535 --nflog-prefix 'x'",
                saved="-j NFLOG --nflog-prefix \"\\'x\\'\" --nflog-group 65535 --nflog-size 0 --nflog-threshold 5"),
        Example("-j NFLOG --nflog-group 0 --nflog-range 0 --nflog-threshold 0", saved="-j NFLOG"),
        Example("-j NFLOG --nflog-range 4294967295", table="raw", chain="PREROUTING"),
    ),
    invalid=(
        '-j NFLOG --nflog-prefix ""',
        "-j NFLOG --nflog-group 65536",
        "-j NFLOG --nflog-size 1 --nflog-range 1",
        "-j NFLOG --nflog-threshold -1",
    ),
)  # fmt: skip
