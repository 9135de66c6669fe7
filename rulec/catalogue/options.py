"""Options that belong together."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given, Option, saved_option


def exclusive(*options: Option) -> tuple[Option, ...]:
    """The same options, of which only one may stand in a rule."""
    names = [option.name for option in options]
    return tuple(option._replace(excludes=tuple([name for name in names if name != option.name])) for option in options)


def saved_last(options: tuple[Option, ...], given: Given) -> Iterator[str]:
    """Each of these options once, with the value that was given last, and without a ``!``.

    So iptables-save prints options of extensions that look at neither (those
    with a ``parse`` function of the old kind).
    """
    last = {use.option: use for use in given}
    for option in options:
        if option.name in last:
            yield from saved_option(option, last[option.name]._replace(negated=False))
