"""osf: match on the operating system that a TCP SYN looks like.

The kernel compares it with the fingerprints that nfnl_osf(8) has loaded; without
them nothing matches.  A sender can imitate any of them.
"""

from __future__ import annotations

from rulec.catalogue.extension import IPV4, Example, Extension, Option
from rulec.catalogue.values.numbers import number
from rulec.catalogue.values.text import text
from rulec.model.protocols import TCP

EXTENSION = Extension(
    name="osf",
    summary="match on the operating system that a TCP SYN looks like",
    families=IPV4,
    modules=("xt_osf", "nfnetlink_osf"),
    protocols=(TCP,),
    hooks=("PREROUTING", "INPUT", "FORWARD"),
    options=(
        Option("--genre", text(limit=31, show=str), invertible=True, required=True),
        Option("--ttl", number(high=2)),
        Option("--log", number(high=2)),
    ),
    valid=(
        Example("-p tcp -m osf --genre Linux"),
        Example(
            "-p tcp -m osf --log 1 --ttl 0x2 ! --genre Windows",
            saved="-p tcp -m osf ! --genre Windows --ttl 2 --log 1",
        ),
        Example("-p tcp -m osf --genre Linux", table="raw", chain="PREROUTING"),
    ),
    invalid=(
        "-p tcp -m osf",
        "-p tcp -m osf --genre Linux --ttl 3",
        "-p tcp -m osf --genre Linux --log 3",
        "-p tcp -m osf --genre Linux ! --log 1",
    ),
    refused=(
        "-m osf --genre Linux",
        Example("-p tcp -m osf --genre Linux", chain="OUTPUT"),
    ),
)
