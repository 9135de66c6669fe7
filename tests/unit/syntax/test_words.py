"""How a line is cut into words: blanks, the one kind of quote, and the one use of the backslash."""

from __future__ import annotations

import pytest

from rulec.syntax.words import split

CUTS = [
    # blanks
    ("", []),
    (" \t \n", []),
    ("-A INPUT\n", ["-A", "INPUT"]),
    ("  -A\t\tINPUT \t\n", ["-A", "INPUT"]),
    ("a\rb\x0bc\x0cd\xa0e\n", ["a\rb\x0bc\x0cd\xa0e"]),
    ("INPUT\r\n", ["INPUT\r"]),
    # quotes
    ('"a b"\n', ["a b"]),
    ('"a\tb"\n', ["a\tb"]),
    ('""\n', [""]),
    ('--comment "" -j\n', ["--comment", "", "-j"]),
    ('"""a"\n', ["", "a"]),
    ("'a b'\n", ["'a", "b'"]),
    ("it's\n", ["it's"]),
    # a quote opens in the middle of a word, and what follows the closing one is a new word
    ('foo"bar baz"\n', ["foobar baz"]),
    ('"foo"bar\n', ["foo", "bar"]),
    ('"a""b"\n', ["a", "b"]),
    ('a"b"c"d"\n', ["ab", "cd"]),
    ('--comment="a b"\n', ["--comment=a b"]),
    # a backslash counts only inside quotes, and means the next character
    ("a\\ b\n", ["a\\", "b"]),
    ("a\\nb\n", ["a\\nb"]),
    (r'"a\"b"' + "\n", ['a"b']),
    (r'"a\\b"' + "\n", [r"a\b"]),
    (r'"a\\" b' + "\n", ["a\\", "b"]),
    (r'"a\nb"' + "\n", ["anb"]),
    (r'"a\'."' + "\n", ["a'."]),
    (r'a\"b c"' + "\n", [r"a\b c"]),
    # an unclosed quote runs to the end, and takes the newline with it
    ('"a b\n', ["a b\n"]),
    ('a"b\n', ["ab\n"]),
    ('x "\n', ["x", "\n"]),
    ('"a\\\n', ["a\n"]),
    ('"a b', ["a b"]),
    ('"a\\', ["a"]),
    ('x "', ["x"]),
]


@pytest.mark.parametrize(("line", "words"), CUTS)
def test_words(line: str, words: list[str]) -> None:
    assert [word.text for word in split(line)] == words


@pytest.mark.parametrize(("line", "words"), CUTS)
def test_places(line: str, words: list[str]) -> None:
    """Each word stands where it says, in order, and only blanks stand between."""
    found, behind = split(line), 0
    for word in found:
        assert line[behind : word.start].strip(" \t\n") == ""
        if '"' not in line[word.start : word.end]:
            assert line[word.start : word.end] == word.text
        behind = word.end
    assert len(found) == len(words)


def test_places_count_from_the_offset() -> None:
    assert split('a "b c" d\n', 100) == [("a", 100, 101), ("b c", 102, 107), ("d", 108, 109)]


def test_quotes_change_nothing_else() -> None:
    """Both ways of cutting, with and without a quote on the line, agree."""
    line = " -A  INPUT\t-s 192.0.2.1\\ -j x\n"
    assert split(line) == split(line.rstrip("\n") + ' ""\n')[:-1]
