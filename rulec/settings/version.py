"""Which versions of rulec a configuration asks for, as in ``>=0.1,<2``."""

from __future__ import annotations

import re
from typing import Any

from rulec.resources import VERSION

_ONE = r"\s*(>=|<=|==|!=|>|<|)\s*(\d+(?:\.\d+)*)\s*"


def wanted_version(value: Any) -> str:
    """The text of a wish that this version fulfils; raises ValueError with a sentence for any other."""
    wishes = [re.fullmatch(_ONE, wish) for wish in value.split(",")] if isinstance(value, str) else [None]
    if None in wishes:
        raise ValueError("this must name versions, such as >=0.1 or >=0.1,<2")
    for wish in wishes:
        if wish and not _fulfils(_numbers(VERSION), wish[1] or "==", _numbers(wish[2])):
            raise ValueError(f"this is rulec {VERSION}, and {wish[0].strip()} is asked for")
    return str(value)


def _fulfils(have: tuple[int, ...], sign: str, want: tuple[int, ...]) -> bool:
    length = max(len(have), len(want))
    have, want = (version + (0,) * (length - len(version)) for version in (have, want))
    return {
        ">=": have >= want,
        "<=": have <= want,
        "==": have == want,
        "!=": have != want,
        ">": have > want,
        "<": have < want,
    }[sign]


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdecimal())
