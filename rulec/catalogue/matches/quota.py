"""quota: match until so many bytes have passed.

Each rule counts for itself, and starts anew whenever the ruleset is loaded: a
save and restore gives the whole quota again.
"""

from __future__ import annotations

from rulec.catalogue.extension import Answer, Example, Extension, Option
from rulec.catalogue.values.numbers import number

EXTENSION = Extension(
    name="quota",
    summary="match until so many bytes have passed",
    modules=("xt_quota",),
    answer=Answer.STATEFUL,
    options=(Option("--quota", number(64), invertible=True, required=True),),
    valid=(
        Example("-m quota --quota 1048576"),
        Example("-m quota ! --quota 0x400", saved="-m quota ! --quota 1024"),
        Example("-m quota --quota 18446744073709551615"),
    ),
    invalid=(
        "-m quota",
        "-m quota --quota 18446744073709551616",
        "-m quota --quota 1M",
        "-m quota --quota 1 --quota 2",
    ),
)
