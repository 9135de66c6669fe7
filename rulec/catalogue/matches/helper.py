"""helper: match on the connection-tracking helper of the packet's connection.

``ftp`` matches the control connection and those that it announces.  An empty
name matches any helper.  One rule with this match has every packet of its family
tracked; but since Linux 6.0 no connection gets a helper by itself, it takes a
rule with ``-j CT --helper``.
"""

from __future__ import annotations

from rulec.catalogue.extension import Example, Extension, Option, Tracking
from rulec.catalogue.values.text import text

EXTENSION = Extension(
    name="helper",
    summary="match on the connection-tracking helper of the packet's connection",
    modules=("xt_helper", "nf_conntrack"),
    tracking=Tracking.TRACKS,
    options=(Option("--helper", text(limit=29), invertible=True, required=True),),
    valid=(
        Example("-m helper --helper ftp-2121"),
        Example('-m helper ! --helper "Q.931"'),
        Example('-m helper --helper ""'),
        Example(
            "-m helper --helper abcdefghijklmnopqrstuvwxyz0123456789",
            saved="-m helper --helper abcdefghijklmnopqrstuvwxyz012",
        ),
    ),
    invalid=("-m helper", "-m helper --helper", "-m helper --helper ftp --helper irc"),
)
