r"""A line cut into words, as iptables-restore cuts it.

Only ``"`` quotes, and only inside quotes does ``\\`` take the next character as
it is.  A quote may open in the middle of a word; what follows a closing quote
begins a new one; an unclosed quote runs to the end of the line and takes the
newline with it (add_param_to_argv() of iptables 1.8.9, tried line by line).
"""

from __future__ import annotations

import re
from typing import NamedTuple

LONGEST_LINE = 10239  # fgets() into 10,240 bytes; a newline that is left over makes an empty line
LONGEST_WORD = 1023
MOST_WORDS = 251  # 255 arguments, of which `iptables-restore -t TABLE` takes three


class Word(NamedTuple):
    """A word after unquoting, and where it stands in the text."""

    text: str
    start: int
    end: int


_PLAIN = re.compile(r'[^ \t\n"]+')
_PIECES = re.compile(r'([^ \t\n"]*)(?:"((?:[^"\\]|\\[\s\S])*)("|\\?\Z)|(?=[ \t\n]|\Z))')
_ESCAPED = re.compile(r"\\([\s\S])")


def split(line: str, offset: int = 0) -> list[Word]:
    """The words of a line with its newline; ``offset`` is where the line begins in its text."""
    if '"' not in line:
        return [Word(found[0], offset + found.start(), offset + found.end()) for found in _PLAIN.finditer(line)]
    return list(_split_quoted(line, offset))


def _split_quoted(line: str, offset: int) -> list[Word]:
    words, position = [], 0
    while position < len(line):
        if line[position] in " \t\n":
            position += 1
            continue
        found = _PIECES.match(line, position)
        assert found is not None
        text = found[1] if found[2] is None else found[1] + _ESCAPED.sub(r"\1", found[2])
        closed = found[2] is None or found[3] == '"'
        if text or closed:
            words.append(Word(text, offset + position, offset + found.end()))
        position = found.end()
    return words
