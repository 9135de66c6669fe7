"""Ranges of 32-bit numbers that stand for everything when they are left out: SPIs and fragment ids."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rulec.catalogue.extension import Given, Option, saved_option
from rulec.catalogue.values.numbers import number_range

EVERY_NUMBER = (0, 2**32 - 1)
"""All of them: iptables-save leaves this out."""

SPI = number_range()
"""First and last security parameter index; crossed ends match nothing."""


def saved_without_everything(options: tuple[Option, ...]) -> Callable[[Given], Iterator[str]]:
    """Printing option by option, of which a range of everything is left out, and with it a ``!`` before it.

    So ``! --espspi 0:``, which no packet matches, is gone from a dump (tried on
    iptables 1.8.9 for ah, esp, frag and ipcomp).
    """

    def save(given: Given) -> Iterator[str]:
        for option in options:
            for use in given:
                silent = use.value == EVERY_NUMBER or (use.value == option.silent and not use.negated)
                if use.option == option.name and not silent:
                    yield from saved_option(option, use)

    return save
