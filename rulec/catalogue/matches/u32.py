"""u32: match on any four bytes of the packet, read with masks, shifts and jumps.

A test is a place and the ranges that its value may be in: ``6&0xFF=1`` reads the
four bytes from byte 6, keeps the last eight bits and matches when they are 1.
``@`` goes on reading at the place that was computed; a place outside the packet
never matches.  All tests, joined by ``&&``, must hold.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from rulec.catalogue.extension import Example, Extension, Option, Value
from rulec.catalogue.values.numbers import integer
from rulec.model import Family

MOST = 10
"""XT_U32_MAXSIZE: the most tests, numbers of a place, and ranges of a test."""

_NUMBER = r"\+?(?:0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)"
_PLACE = re.compile(rf"\s*{_NUMBER}(?:\s*(?:&|<<|>>|@)\s*{_NUMBER})*\s*")
_RANGES = re.compile(rf"\s*{_NUMBER}(?:\s*:\s*{_NUMBER})?(?:\s*,\s*{_NUMBER}(?:\s*:\s*{_NUMBER})?)*\s*")
_STEP = re.compile(rf"(&|<<|>>|@)\s*({_NUMBER})")


class Test(NamedTuple):
    """Where to begin, what to do with what is read, and the ranges of values that match.

    A step is an operator (``&``, ``<<``, ``>>``, ``@``) and its number.
    """

    start: int
    steps: tuple[tuple[str, int], ...]
    ranges: tuple[tuple[int, int], ...]


def _read_tests(family: Family, text: str) -> tuple[Test, ...]:
    tests = tuple([_read_test(part) for part in text.split("&&")])
    if len(tests) > MOST:
        raise ValueError(f"at most {MOST} tests may be joined")
    return tests


def _read_test(text: str) -> Test:
    place, equals, ranges = text.partition("=")
    if not _PLACE.fullmatch(place) or not equals:
        raise ValueError(f"{place.strip()!r} is no place such as 6&0xFF or 0>>22&0x3C@4, with = and a value behind it")
    if not _RANGES.fullmatch(ranges):
        raise ValueError(f"{ranges.strip()!r} is no list of values and ranges, such as 1,5:10")
    first = re.split("[&<>@]", place, maxsplit=1)[0].strip()
    steps = tuple([(operator, integer(number)) for operator, number in _STEP.findall(place)])
    values = tuple([_read_range(part) for part in ranges.split(",")])
    if len(steps) >= MOST or len(values) > MOST:
        raise ValueError(f"a test has at most {MOST} numbers in its place, and {MOST} ranges")
    return Test(integer(first), steps, values)


def _read_range(text: str) -> tuple[int, int]:
    first, colon, last = text.partition(":")
    low = integer(first.strip())
    return low, integer(last.strip()) if colon else low


def _show_tests(tests: tuple[Test, ...]) -> str:
    return f'"{"&&".join(map(_show_test, tests))}"'


def _show_test(test: Test) -> str:
    steps = "".join(f"{operator}{number:#x}" for operator, number in test.steps)
    values = ",".join(f"{low:#x}" if low == high else f"{low:#x}:{high:#x}" for low, high in test.ranges)
    return f"{test.start:#x}{steps}={values}"


TESTS = Value(("TESTS",), "tests such as 0>>22&0x3C@12&0xFF=0:5, joined by &&", _read_tests, _show_tests)
"""The tests, in their order."""

EXTENSION = Extension(
    name="u32",
    summary="match on any four bytes of the packet, read with masks, shifts and jumps",
    modules=("xt_u32",),
    options=(Option("--u32", TESTS, invertible=True, required=True),),
    valid=(
        Example("-m u32 --u32 6&0xFF=1", saved='-m u32 --u32 "0x6&0xff=0x1"'),
        Example('-m u32 ! --u32 "0 >> 22 & 0x3C @ 0 >> 24 = 0, 5:010 && 4 & 0x1FFF = 0"',
                saved='-m u32 ! --u32 "0x0>>0x16&0x3c@0x0>>0x18=0x0,0x5:0x8&&0x4&0x1fff=0x0"'),
        Example('-m u32 --u32 "0<<1=7:3"', saved='-m u32 --u32 "0x0<<0x1=0x7:0x3"'),
        Example('-m u32 --u32 "0=1,2,3,4,5,6,7,8,9,10"',
                saved='-m u32 --u32 "0x0=0x1,0x2,0x3,0x4,0x5,0x6,0x7,0x8,0x9,0xa"'),
    ),
    invalid=(
        "-m u32",
        "-m u32 --u32 0",
        "-m u32 --u32 0=",
        "-m u32 --u32 =0",
        "-m u32 --u32 0=0&&",
        "-m u32 --u32 0=0&1=1",
        "-m u32 --u32 0<1=1",
        "-m u32 --u32 08=1",
        "-m u32 --u32 5=1,",
        "-m u32 --u32 4294967296=1",
        "-m u32 --u32 0=1,2,3,4,5,6,7,8,9,10,11",
        "-m u32 --u32 0&1&2&3&4&5&6&7&8&9&10=1",
    ),
)  # fmt: skip
