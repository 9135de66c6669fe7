"""string: match when the packet holds some bytes.

It looks at single packets: a text that two segments share is not found, and
nobody who wants to get by is stopped.  In ``--hex-string`` bytes in hexadecimal
stand between bars: ``GET|0d 0a|``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rulec.catalogue.extension import Example, Extension, Given, Option, Setting, Value
from rulec.catalogue.values.numbers import number
from rulec.catalogue.values.text import cut
from rulec.model import Family

LONGEST = 128
"""XT_STRING_MAX_PATTERN_SIZE, in bytes."""

_ALGORITHMS = ("bm", "kmp")
_PIECE = re.compile(
    rb"\\(?P<quoted>.)|\| *(?P<hex>(?:[0-9A-Fa-f]{2} ?)+)\|(?P<behind>.?)|(?P<bar>\| *)\Z|(?P<plain>[^\\|])", re.DOTALL
)
_PRINTABLE = re.compile(rb"[ -~]*[ -\[\]-~]")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _read_text(family: Family, text: str) -> bytes:
    if len(_bytes(text)) > LONGEST:
        raise ValueError(f"the pattern is longer than {LONGEST} bytes")
    return _bytes(text)


def _read_hex(family: Family, text: str) -> bytes:
    if not text:
        raise ValueError("the pattern is empty")
    given, pattern, end = _bytes(text), b"", 0
    for piece in _PIECE.finditer(given):
        if piece.start() != end:
            break
        end = piece.end()
        pattern += bytes.fromhex((piece["hex"] or b"").decode())
        pattern += piece["quoted"] or piece["behind"] or piece["plain"] or b""
    if end != len(given):
        raise ValueError("between bars stand pairs of hexadecimal digits, and \\ quotes one character outside of them")
    if len(pattern) > LONGEST or (len(pattern) == LONGEST and _ends_with_bar(given)):
        raise ValueError(f"the pattern is too long: at most {LONGEST} bytes, one less before a final bar")
    return pattern


def _ends_with_bar(given: bytes) -> bool:
    last = list(_PIECE.finditer(given))[-1]
    return last["bar"] is not None or (last["hex"] is not None and not last["behind"])


TEXT = Value(("TEXT",), "a text", _read_text)
"""The bytes of a text as it stands."""

HEX_TEXT = Value(("TEXT",), "a text with hexadecimal bytes between bars", _read_hex)
"""Bytes, some of them written in hexadecimal."""


def _save(given: Given) -> Iterator[str]:
    pattern = next(use for use in given if use.option in ("--string", "--hex-string"))
    yield f"{'! ' if pattern.negated else ''}{_show_pattern(pattern.value)} --algo {given.get('--algo')}"
    if given.get("--from"):
        yield f"--from {given.get('--from')}"
    if given.get("--to", 65535) != 65535:
        yield f"--to {given.get('--to')}"
    if "--icase" in given:
        yield "--icase"


def _show_pattern(pattern: bytes) -> str:
    """In hexadecimal when a byte cannot be printed, or the last one would quote the closing quote."""
    if not _PRINTABLE.fullmatch(pattern):
        return f'--hex-string "|{pattern.hex()}|"'
    quoted = re.sub(r'(["\\])', r"\\\1", pattern.decode())
    return f'--string "{quoted}"'


def _kernel_check(given: Given, setting: Setting) -> None:
    if given.get("--algo") not in _ALGORITHMS:
        raise ValueError(f"the kernel searches by {' or '.join(_ALGORITHMS)}, not by {given.get('--algo')!r}")
    if not (given.get("--string") or given.get("--hex-string")):
        raise ValueError("the pattern is empty")
    if given.get("--from", 0) > given.get("--to", 65535):
        raise ValueError("--from is behind --to")


EXTENSION = Extension(
    name="string",
    summary="match when the packet holds some bytes",
    modules=("xt_string", "ts_bm", "ts_kmp"),
    options=(
        Option("--from", number(16)),
        Option("--to", number(16)),
        Option("--algo", Value(("TEXT",), "bm or kmp", lambda family, word: cut(word, 15)), required=True),
        Option("--string", TEXT, invertible=True, excludes=("--hex-string",)),
        Option("--hex-string", HEX_TEXT, invertible=True, excludes=("--string",)),
        Option("--icase"),
    ),
    one_of=(("--string", "--hex-string"),),
    save=_save,
    kernel_check=_kernel_check,
    valid=(
        Example("-m string --algo bm --string GET", saved='-m string --string "GET" --algo bm'),
        Example(r'-m string ! --string "say \"hi\"" --algo kmp --to 100 --from 10 --icase',
                saved=r'-m string ! --string "say \"hi\"" --algo kmp --from 10 --to 100 --icase'),
        Example('-m string --algo bm --hex-string "|47 45|T|2f|x"', saved='-m string --string "GET/x" --algo bm'),
        Example('-m string --algo bm --hex-string "|0d0A|"', saved='-m string --hex-string "|0d0a|" --algo bm'),
        Example(r'-m string --algo bm --hex-string "a\\|b"', saved='-m string --string "a|b" --algo bm'),
        Example("-m string --algo bm --string a --from 0 --to 65535", saved='-m string --string "a" --algo bm'),
    ),
    invalid=(
        "-m string",
        "-m string --algo bm",
        "-m string --string abc",
        "-m string --algo bm --string a --hex-string b",
        '-m string --algo bm --hex-string ""',
        '-m string --algo bm --hex-string "|4|"',
        '-m string --algo bm --hex-string "|4142"',
        '-m string --algo bm --hex-string "|4z|"',
        "-m string --algo bm --string a --to 65536",
    ),
    refused=(
        "-m string --algo other --string abc",
        '-m string --algo bm --string ""',
        "-m string --algo bm --string abc --from 5 --to 3",
    ),
)  # fmt: skip
