"""AUDIT: write a record about the packet to the kernel's audit log, and go on with the next rule.

The type is only what the record says of the packet: ``--type drop`` drops
nothing, and the rule behind it has to.
"""

from __future__ import annotations

from rulec.catalogue.extension import Example, Extension, Option
from rulec.catalogue.values.text import choice

TYPE = choice(("accept", "drop", "reject"), "accept, drop or reject", ignore_case=True)

EXTENSION = Extension(
    name="AUDIT",
    summary="write a record about the packet to the kernel's audit log, and go on with the next rule",
    modules=("xt_AUDIT",),
    options=(Option("--type", TYPE, required=True),),
    valid=(
        Example("-j AUDIT --type accept"),
        Example("-j AUDIT --type DROP", saved="-j AUDIT --type drop", table="raw", chain="OUTPUT"),
        Example("-j AUDIT --type reject", chain="FORWARD"),
    ),
    invalid=("-j AUDIT", "-j AUDIT --type log", "-j AUDIT --type drop --type drop"),
)
