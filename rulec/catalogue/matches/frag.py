"""frag: match on the fragment header of an IPv6 packet.

Where connection tracking, or the matches and targets that put fragments
together, are at work, the whole packet comes by instead and has no such
header.  A dump leaves out ``--fragid 0:``, even with a ``!`` before it.
"""

from __future__ import annotations

from rulec.catalogue.extension import IPV6, Example, Extension, Option
from rulec.catalogue.values.numbers import number
from rulec.catalogue.values.spi import SPI, saved_without_everything

_OPTIONS = (
    Option("--fragid", SPI._replace(expected="a fragment id or a range first:last"), invertible=True),
    Option("--fraglen", number(), invertible=True),
    Option("--fragres"),
    Option("--fragfirst"),
    Option("--fragmore", excludes=("--fraglast",)),
    Option("--fraglast", excludes=("--fragmore",)),
)

EXTENSION = Extension(
    name="frag",
    summary="match on the fragment header of an IPv6 packet",
    families=IPV6,
    modules=("ip6t_frag",),
    options=_OPTIONS,
    save=saved_without_everything(_OPTIONS),
    valid=(
        Example("-m frag"),
        Example("-m frag --fragfirst --fragid 1:42", saved="-m frag --fragid 1:42 --fragfirst"),
        Example("-m frag ! --fragid 7 ! --fraglen 0 --fragres --fragmore"),
        Example("-m frag ! --fragid 0: --fraglast", saved="-m frag --fraglast"),
    ),
    invalid=(
        "-m frag --fragmore --fraglast",
        "-m frag ! --fragfirst",
        "-m frag --fragid 1:2:3",
        "-m frag --fraglen 4294967296",
        "-m frag --fragres --fragres",
    ),
)
