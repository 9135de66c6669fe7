"""nfacct: count packets and bytes in an object of nfacct(8), and match.

The object must exist before the ruleset is loaded.  Every packet is counted and
matches; where the object has a quota, only those match that come after it is
used up.
"""

from __future__ import annotations

from rulec.catalogue.extension import Answer, Example, Extension, Option
from rulec.catalogue.values.text import quoted, text

NAME = text(limit=31, shortest=1, show=lambda name: f" {quoted(name)}")
"""The name of an account; iptables-save puts two blanks before it."""

EXTENSION = Extension(
    name="nfacct",
    summary="count packets and bytes in an object of nfacct(8), and match",
    modules=("xt_nfacct", "nfnetlink_acct"),
    answer=Answer.STATEFUL,
    options=(Option("--nfacct-name", NAME, required=True),),
    valid=(
        Example("-m nfacct --nfacct-name http-traffic", saved="-m nfacct --nfacct-name  http-traffic"),
        Example('-m nfacct --nfacct-name "http traffic"', saved='-m nfacct --nfacct-name  "http traffic"'),
    ),
    invalid=(
        "-m nfacct",
        '-m nfacct --nfacct-name ""',
        "-m nfacct ! --nfacct-name http-traffic",
        "-m nfacct --nfacct-name a --nfacct-name b",
    ),
)
