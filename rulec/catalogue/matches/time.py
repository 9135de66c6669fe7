"""time: match on the time at which the packet arrives.

All times are UTC unless ``--kerneltz`` is given.  When ``--timestop`` is before
``--timestart`` the span goes over midnight; with ``--contiguous`` the weekday is
that of its beginning.  Without ``--datestop`` a rule ends in January 2038, and
iptables-save says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime

from rulec.catalogue.extension import Example, Extension, Given, Option, Value
from rulec.catalogue.values.numbers import integer
from rulec.model import Family

ALL_WEEKDAYS = frozenset(range(1, 8))
"""Monday is 1."""

ALL_MONTHDAYS = frozenset(range(1, 32))
"""The days of the longest month."""

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DATE = re.compile(r"(\d*)(?:-(\d*)(?:-(\d*)(?:T(\d*)(?::(\d*)(?::(\d*))?)?)?)?)?")
_CLOCK = re.compile(r"(\d*):(\d*)(?::(\d*))?")
_DATE_DEFAULTS = (1970, 1, 1, 0, 0, 0)
_DATE_LIMITS = (2038, 12, 31, 23, 59, 59)
_LAST_SECOND = 86399
_LAST_DATE = 2**31 - 1


def _numbers(groups: tuple[str | None, ...], defaults: tuple[int, ...], limits: tuple[int, ...]) -> list[int]:
    """Each part as a number: its default where it is not there, 0 where it is empty."""
    numbers = [default if part is None else int(part or 0) for part, default in zip(groups, defaults, strict=True)]
    if any(given > limit for given, limit in zip(numbers, limits, strict=True)):
        raise ValueError("out of range")
    return numbers


def _read_date(family: Family, text: str) -> int:
    """Seconds since 1970; month 0 and day 0 are those before the first, as mktime(3) counts."""
    found = _DATE.fullmatch(text)
    try:
        year, month, day, hour, minute, second = _numbers(found.groups() if found else (), _DATE_DEFAULTS, _DATE_LIMITS)
    except ValueError:
        raise ValueError(f"{text!r} is no date such as 2026-02-28T12:00:00, from 1970 to 2038") from None
    if year < 1970:
        raise ValueError(f"{text!r} is before 1970")
    first = date(year, month, 1) if month else date(year - 1, 12, 1)
    seconds = ((first - date(1970, 1, 1)).days + day - 1) * 86400 + hour * 3600 + minute * 60 + second
    if seconds < 0:
        raise ValueError(f"{text!r} is before 1970")
    return seconds


def _show_date(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _read_clock(family: Family, text: str) -> int:
    found = _CLOCK.fullmatch(text)
    try:
        hour, minute, second = _numbers(found.groups() if found else (), (0, 0, 0), (23, 59, 59))
    except ValueError:
        raise ValueError(f"{text!r} is no time such as 23:59 or 23:59:59") from None
    return hour * 3600 + minute * 60 + second


def _show_clock(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _read_weekdays(family: Family, text: str) -> frozenset[int]:
    """Only three characters of each day count, and of a name the first two; numbers wrap as bits do."""
    return frozenset(_read_weekday(day[:3]) for day in text.removesuffix(",").split(","))


def _read_weekday(day: str) -> int:
    for number, name in enumerate(_WEEKDAYS, 1):
        if day[:2] == name[:2]:
            return number
    found = integer(day) if day[:1].isdigit() else 0
    if not found:
        raise ValueError(f"{day!r} is no day of the week (Mon to Sun, or 1 to 7)")
    return found % 32


def _read_monthdays(family: Family, text: str) -> frozenset[int]:
    """Only two characters of each day count."""
    return frozenset(integer(day[:2], 0, 31) for day in text.removesuffix(",").split(","))


def _show_days(days: frozenset[int]) -> str:
    return ",".join(map(str, sorted(days & ALL_MONTHDAYS)))


def _show_weekdays(days: frozenset[int]) -> str:
    return ",".join(_WEEKDAYS[day - 1] for day in sorted(days & ALL_WEEKDAYS))


DATE = Value(("DATE",), "a date such as 2026-02-28T12:00:00", _read_date, _show_date)
"""Seconds since 1970."""

CLOCK = Value(("CLOCK",), "a time such as 23:59:59", _read_clock, _show_clock)
"""Seconds since midnight."""

WEEKDAYS = Value(("DAYS",), "days of the week with commas, such as Mon,Tue or 1,2", _read_weekdays, _show_weekdays)
"""A set of days, Monday is 1."""

MONTHDAYS = Value(("DAYS",), "days of the month with commas", _read_monthdays, _show_days)
"""A set of days from 1."""


def chosen_days(given: Given, option: str, every: frozenset[int]) -> frozenset[int]:
    """The days that match: all where the option is not given, the others where it is negated."""
    days: frozenset[int] = given.get(option, every)
    return days ^ every if given.negated(option) else days


def _check(given: Given) -> None:
    if "--contiguous" in given and given.get("--timestart", 0) < given.get("--timestop", _LAST_SECOND):
        raise ValueError("--contiguous needs a --timestop before --timestart")


def _save(given: Given) -> Iterator[str]:
    span = given.get("--timestart", 0), given.get("--timestop", _LAST_SECOND)
    if span != (0, _LAST_SECOND):
        yield f"--timestart {_show_clock(span[0])} --timestop {_show_clock(span[1])}"
    monthdays = chosen_days(given, "--monthdays", ALL_MONTHDAYS)
    if monthdays != ALL_MONTHDAYS:
        yield f"--monthdays {_show_days(monthdays)}"
    weekdays = chosen_days(given, "--weekdays", ALL_WEEKDAYS) & ALL_WEEKDAYS
    if weekdays != ALL_WEEKDAYS:
        yield f"--weekdays {_show_weekdays(weekdays)}"
    for option, default in (("--datestart", 0), ("--datestop", _LAST_DATE)):
        if given.get(option, default):
            yield f"{option} {_show_date(given.get(option, default))}"
    if "--kerneltz" in given or "--localtz" in given:
        yield "--kerneltz"
    if "--contiguous" in given:
        yield "--contiguous"


EXTENSION = Extension(
    name="time",
    summary="match on the time at which the packet arrives",
    modules=("xt_time",),
    options=(
        Option("--timestart", CLOCK),
        Option("--timestop", CLOCK),
        Option("--monthdays", MONTHDAYS, invertible=True),
        Option("--weekdays", WEEKDAYS, invertible=True),
        Option("--datestart", DATE),
        Option("--datestop", DATE),
        Option("--kerneltz", excludes=("--utc",)),
        Option("--localtz", excludes=("--utc",)),
        Option("--utc", excludes=("--kerneltz", "--localtz")),
        Option("--contiguous"),
    ),
    check=_check,
    save=_save,
    valid=(
        Example("-m time", saved="-m time --datestop 2038-01-19T03:14:07"),
        Example("-m time --timestart 8:00 --datestop 2026-02-30 --utc",
                saved="-m time --timestart 08:00:00 --timestop 23:59:59 --datestop 2026-03-02T00:00:00"),
        Example("-m time --weekdays Mo,Tuesday,5 ! --monthdays 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20"
                " --datestart 2026 --datestop 2027-01-01T01:02:03 --localtz",
                saved="-m time --monthdays 21,22,23,24,25,26,27,28,29,30,31 --weekdays Mon,Tue,Fri"
                      " --datestart 2026-01-01T00:00:00 --datestop 2027-01-01T01:02:03 --kerneltz"),
        Example("-m time --contiguous --timestart 20:00 --timestop 5:00:09 --kerneltz",
                saved="-m time --timestart 20:00:00 --timestop 05:00:09 --datestop 2038-01-19T03:14:07"
                      " --kerneltz --contiguous"),
        Example("-m time ! --weekdays 6,7 --datestart 1970", saved="-m time --weekdays Mon,Tue,Wed,Thu,Fri"
                " --datestop 2038-01-19T03:14:07"),
    ),
    invalid=(
        "-m time --timestart 24:00",
        "-m time --timestart 8",
        "-m time --timestart 8:00 --timestart 9:00",
        "-m time --datestart 2026-13-01",
        "-m time --datestop 2039-01-01",
        "-m time --weekdays monday",
        "-m time --weekdays 0",
        "-m time --monthdays 32",
        "-m time --utc --kerneltz",
        "-m time --contiguous --timestart 8:00 --timestop 20:00",
        "-m time ! --timestart 8:00",
    ),
)  # fmt: skip
