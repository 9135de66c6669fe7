"""srh: match on the segment routing header of an IPv6 packet.

The three options on one field (``-eq``, ``-gt``, ``-lt``) share one number in the
kernel: when several of them stand in a rule, all have the number of the last.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import IPV6, Example, Extension, Given, Option, saved_option
from rulec.catalogue.values.hosts import HOST_AND_LENGTH
from rulec.catalogue.values.numbers import number
from rulec.model import Use

_FIELDS = ("--srh-hdr-len", "--srh-segs-left", "--srh-last-entry")
_COMPARISONS = ("-eq", "-gt", "-lt")
_BYTE = number(8)


def _save(given: Given) -> Iterator[str]:
    last = {use.option[:-3]: use.value for use in given if use.option[-3:] in _COMPARISONS}
    for option in EXTENSION.options:
        if option.name in given:
            value = last.get(option.name[:-3], given.get(option.name))
            yield from saved_option(option, Use(option.name, given.negated(option.name), value))


EXTENSION = Extension(
    name="srh",
    summary="match on the segment routing header of an IPv6 packet",
    families=IPV6,
    modules=("ip6t_srh",),
    options=(
        Option("--srh-next-hdr", _BYTE, invertible=True),
        *(Option(field + ending, _BYTE, invertible=True) for field in _FIELDS for ending in _COMPARISONS),
        Option("--srh-tag", number(16), invertible=True),
        Option("--srh-psid", HOST_AND_LENGTH, invertible=True),
        Option("--srh-nsid", HOST_AND_LENGTH, invertible=True),
        Option("--srh-lsid", HOST_AND_LENGTH, invertible=True),
    ),
    save=_save,
    valid=(
        Example("-m srh"),
        Example("-m srh --srh-tag 0x10 ! --srh-next-hdr 17", saved="-m srh ! --srh-next-hdr 17 --srh-tag 16"),
        Example("-m srh --srh-hdr-len-eq 8 ! --srh-hdr-len-gt 5 --srh-hdr-len-lt 9",
                saved="-m srh --srh-hdr-len-eq 9 ! --srh-hdr-len-gt 9 --srh-hdr-len-lt 9"),
        Example("-m srh --srh-segs-left-lt 2 ! --srh-last-entry-gt 4"),
        Example("-m srh --srh-segs-left-eq 2 --srh-last-entry-lt 4"),
        Example("-m srh ! --srh-segs-left-gt 2 --srh-last-entry-eq 4"),
        Example("-m srh --srh-psid 2001:db8::1/64 ! --srh-nsid ::1 --srh-lsid ::/0",
                saved="-m srh --srh-psid 2001:db8::1/64 ! --srh-nsid ::1/128 --srh-lsid ::/0"),
    ),
    invalid=(
        "-m srh --srh-next-hdr 256",
        "-m srh --srh-tag 65536",
        "-m srh --srh-hdr-len-eq 5 --srh-hdr-len-eq 6",
        "-m srh --srh-psid 2001:db8::/129",
        "-m srh --srh-psid 192.0.2.1",
    ),
)  # fmt: skip
