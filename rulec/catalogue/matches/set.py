"""set: match on whether addresses or ports of the packet are in a set of ipset(8).

The set must exist before the ruleset is loaded, and be of the same family; a
ruleset alone does not tell what is in it.  ``--match-set name src,dst`` says for
each part of an entry from which side of the packet it is taken.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import UNSET, Example, Extension, Given, Option, saved_option
from rulec.catalogue.values.numbers import number
from rulec.catalogue.values.sets import SET_ENTRY

_COUNTER = number(64)


def _counter(name: str, *others: str, invertible: bool = False) -> Option:
    return Option(name, _COUNTER, invertible=invertible, excludes=others)


def _save(given: Given) -> Iterator[str]:
    said = (
        " ".join(saved_option(option, use))
        for option in EXTENSION.options
        for use in given
        if use.option == option.name and (use.negated or option.silent is UNSET)
    )
    yield from dict.fromkeys(said)


EXTENSION = Extension(
    name="set",
    summary="match on whether addresses or ports of the packet are in a set of ipset(8)",
    modules=("xt_set", "ip_set"),
    options=(
        Option("--match-set", SET_ENTRY, aliases=("--set",), invertible=True, required=True),
        Option("--return-nomatch", repeatable=True),
        Option("--update-counters", invertible=True, repeatable=True, silent=None),
        Option("--update-subcounters", invertible=True, repeatable=True, silent=None),
        _counter("--packets-eq", "--packets-lt", "--packets-gt", invertible=True),
        _counter("--packets-lt", "--packets-eq", "--packets-gt"),
        _counter("--packets-gt", "--packets-eq", "--packets-lt"),
        _counter("--bytes-eq", "--bytes-lt", "--bytes-gt", invertible=True),
        _counter("--bytes-lt", "--bytes-eq", "--bytes-gt"),
        _counter("--bytes-gt", "--bytes-eq", "--bytes-lt"),
    ),
    save=_save,
    valid=(
        Example("-m set --match-set test src"),
        Example("-m set ! --set test dst,src --return-nomatch",
                saved="-m set ! --match-set test dst,src --return-nomatch"),
        Example("-m set --match-set test src ! --update-counters --update-subcounters",
                saved="-m set --match-set test src ! --update-counters"),
        Example("-m set --bytes-lt 0x10 ! --packets-eq 7 --match-set test src ! --update-subcounters",
                saved="-m set --match-set test src ! --update-subcounters ! --packets-eq 7 --bytes-lt 16"),
        Example("-m set --match-set test src --packets-gt 1 --bytes-eq 0"),
        Example("-m set --match-set test src --packets-lt 1 --bytes-gt 18446744073709551615"),
    ),
    invalid=(
        "-m set",
        "-m set --match-set test",
        "-m set --match-set test SRC",
        "-m set --match-set test src,",
        "-m set --match-set test src,dst,src,dst,src,dst,src",
        "-m set --match-set a-name-of-more-than-thirty-one-bytes src",
        "-m set --match-set test src --match-set test dst",
        "-m set --match-set test src ! --return-nomatch",
        "-m set --match-set test src --packets-lt 1 --packets-gt 2",
        "-m set --match-set test src ! --bytes-gt 2",
    ),
)  # fmt: skip
