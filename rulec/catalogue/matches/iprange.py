"""iprange: match on a range of addresses that need not be a network.

A range that runs backwards is taken with a warning, and matches nothing.  Host
names are not looked up here; ``10.1`` is 10.1.0.0, as after ``-s``.
"""

from __future__ import annotations

from rulec.catalogue.extension import IPV4, IPV6, Example, Extension, Option
from rulec.catalogue.values.addresses import RANGE

EXTENSION = Extension(
    name="iprange",
    summary="match on a range of addresses that need not be a network",
    modules=("xt_iprange",),
    options=(Option("--src-range", RANGE, invertible=True), Option("--dst-range", RANGE, invertible=True)),
    one_of=(("--src-range", "--dst-range"),),
    valid=(
        Example("-m iprange --src-range 10.0.0.5-10.0.0.20", families=IPV4),
        Example("-m iprange ! --dst-range 10.0.0.9-10.0.0.1 --src-range 010.1", families=IPV4,
                saved="-m iprange --src-range 8.1.0.0-8.1.0.0 ! --dst-range 10.0.0.9-10.0.0.1"),
        Example("-m iprange ! --src-range 2001:db8::1-2001:db8::ff --dst-range ::1", families=IPV6,
                saved="-m iprange ! --src-range 2001:db8::1-2001:db8::ff --dst-range ::1-::1"),
    ),
    invalid=(
        "-m iprange",
        Example("-m iprange --src-range 10.0.0.1-", families=IPV4),
        Example("-m iprange --src-range 10.0.0.1-20", families=IPV6),
        Example("-m iprange --src-range 10.0.0.0/8", families=IPV4),
        Example("-m iprange --src-range localhost", families=IPV4),
        Example("-m iprange --src-range ::1-::2", families=IPV4),
        Example("-m iprange --src-range ::1 --src-range ::2", families=IPV6),
    ),
)  # fmt: skip
