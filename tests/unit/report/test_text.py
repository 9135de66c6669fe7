"""Findings as text: carets under the right words, and nothing that steers a terminal."""

from __future__ import annotations

from unicodedata import east_asian_width

import pytest

from rulec.diagnostics import Edit, Finding, Fix, Label, Safety, Severity
from rulec.report.text import concise, full, printable
from rulec.source import Source, Span

REPLACED = "\N{REPLACEMENT CHARACTER}"


def label(line: str, words: str, text: str = "", name: str = "rules") -> Label:
    """A label under some words of a one-line text."""
    start = line.index(words)
    return Label(Source(name, line), Span(start, start + len(words)), text)


def shown(*labels: Label, **rest: object) -> list[str]:
    return list(full([Finding("some-check", "a message", labels, **rest)]))  # type: ignore[arg-type]


def test_layout() -> None:
    assert shown(label("-A INPUT -j DROP", "DROP"), severity=Severity.WARNING) == [
        "rules:1:13: warning[some-check]: a message",
        "  |",
        "1 | -A INPUT -j DROP",
        "  |             ^^^^",
        "",
    ]


def test_all_parts() -> None:
    fix = Fix("say ACCEPT", (Edit(Span(12, 16), "ACCEPT"),), Safety.UNSAFE)
    other = Label(Source("other", "\n" * 99 + "-A INPUT -j ACCEPT"), Span(99, 107), "this one takes it")
    main = label("-A INPUT -j DROP", "DROP", "never met")
    assert shown(main, other, hint="delete it", witness="tcp to 22", fix=fix)[1:] == [
        "    |",
        "  1 | -A INPUT -j DROP",
        "    |             ^^^^ never met",
        "    ::: other:100",
        "100 | -A INPUT -j ACCEPT",
        "    | ^^^^^^^^ this one takes it",
        "    = witness: tcp to 22",
        "    = help: delete it",
        "    = fix: say ACCEPT (unsafe)",
        "",
    ]


def columns(text: str) -> int:
    """How far a terminal gets with a text: tabs go to the next multiple of eight, wide characters take two."""
    at = 0
    for character in text:
        at += 8 - at % 8 if character == "\t" else 2 if east_asian_width(character) in "WF" else character != "\u0301"
    return at


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("-A INPUT -j DROP", "DROP"),
        ("-A INPUT -j DROP", "-A INPUT -j DROP"),
        ("-A\tINPUT\t-j\tDROP", "DROP"),
        ("\t\t-j DROP", "-j"),
        ('-m comment --comment "名前 サーバ" -j DROP', "DROP"),
        ("-j 名前 -m state", "名前"),
        ("-j re\u0301seau DROP", "DROP"),
        ("-j re\u0301seau DROP", "re\u0301seau"),
        ("-j \N{SNOWMAN}é DROP", "DROP"),
        ("\x1b[31m\x00-j \u202eDROP", "DROP"),
        ("-j caf\udce9 DROP", "DROP"),
    ],
)
def test_carets_stand_under_the_words(line: str, words: str) -> None:
    excerpt, carets = shown(label(line, words))[2:4]
    visible, before = printable(words), excerpt[: excerpt.index(printable(words))]
    assert columns(carets.rstrip("^")) == columns(before)
    assert columns(carets) - columns(before) == columns(visible)


@pytest.mark.parametrize("place", [0, 10, 79, 80, 81, 500, 990])
@pytest.mark.parametrize("length", [1, 4, 200])
def test_long_lines_are_cut_around_the_words(place: int, length: int) -> None:
    words = "#" * length
    line = "x" * place + words + "x" * (1000 - place)
    excerpt, carets = shown(label(line, words))[2:4]
    assert len(excerpt) < 170
    start = carets.index("^")
    assert excerpt[start] == "#"
    assert excerpt[start - 1] in " x…"
    assert set(excerpt[start : len(carets)]) == {"#"}
    assert excerpt.endswith("…") == (place + 80 < len(line))


def test_words_of_several_lines_are_shown_by_their_first() -> None:
    source = Source("rules", "*filter\nCOMMIT\n")
    assert shown(Label(source, Span(0, 14)))[2:4] == ["1 | *filter", "  | ^^^^^^^"]


@pytest.mark.parametrize(("text", "line"), [("", 1), ("*filter\n", 2), ("*filter", 1)])
def test_the_end_of_the_text_has_a_caret(text: str, line: int) -> None:
    source = Source("rules", text)
    _, _, excerpt, carets, _ = shown(Label(source, Span(len(text), len(text))))
    assert excerpt.startswith(f"{line} |")
    assert carets.endswith("^")


def test_no_line_ends_in_blanks() -> None:
    assert [line for line in shown(label("-j   ", "-j")) if line != line.rstrip()] == []


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain é 名 \N{SNOWMAN}", "plain é 名 \N{SNOWMAN}"),
        ("a\tb", "a\tb"),
        ("\x1b[2J", f"{REPLACED}[2J"),
        ("a\rb\nc\0d\x7f", f"a{REPLACED}b{REPLACED}c{REPLACED}d{REPLACED}"),
        ("\x9b31m", f"{REPLACED}31m"),  # the one-character form of ESC [
        ("\u202edesrever\u2066", f"{REPLACED}desrever{REPLACED}"),
        ("caf\udce9", f"caf{REPLACED}"),
    ],
)
def test_printable(text: str, seen: str) -> None:
    assert printable(text) == seen


def test_nothing_steers_the_terminal() -> None:
    """A ruleset, the name of its file and a message that quotes it are all somebody else's text."""
    evil = "\x1b]0;\u202e\x07"
    place = Label(Source(f"rules{evil}", f"-j {evil}"), Span(3, 8), f"here {evil}")
    finding = Finding("some-check", f"unknown {evil}", (place, place), hint=evil, witness=evil, fix=Fix(evil, ()))
    for line in (*full([finding]), *concise([finding])):
        assert line.isprintable()


def test_concise() -> None:
    findings = [Finding("some-check", "a message", (label("-j DROP", "DROP"),), Severity.NOTE)] * 2
    assert list(concise(findings)) == ["rules:1:4: note[some-check]: a message"] * 2
