"""comment: keep a text beside a rule; it matches every packet.

The kernel stores the text with the rule, and iptables-save gives it back: it is
the one kind of comment that survives loading and saving.  What is longer than
255 bytes is cut without a word.
"""

from __future__ import annotations

from rulec.catalogue.extension import Example, Extension, Option
from rulec.catalogue.values.text import text

EXTENSION = Extension(
    name="comment",
    summary="keep a text beside a rule; it matches every packet",
    modules=("xt_comment",),
    options=(Option("--comment", text(limit=255), required=True),),
    valid=(
        Example("-m comment --comment web"),
        Example('-m comment --comment "let the web in"'),
        Example("-m comment --comment it's", saved='-m comment --comment "it\\\'s"'),
        Example('-m comment --comment "a \\"b\\" c\\\\d"'),
        Example('-m comment --comment ""'),
        Example('-m comment --comment "ünï.code"'),
        Example("-m comment --comment one -m comment --comment two"),
        Example("-m comment --comment " + "long" * 64, saved="-m comment --comment " + ("long" * 64)[:255]),
    ),
    invalid=(
        "-m comment",
        "-m comment --comment",
        "-m comment --comment let the web in",
        "-m comment ! --comment web",
        "-m comment --comment one --comment two",
    ),
)
