"""The results of lint, written in all forms that were asked for."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, TextIO

from rulec import api
from rulec.cli.colours import coloured
from rulec.cli.output_arguments import Output
from rulec.cli.outputs import say, tried


def write(log: Any, wanted: Iterable[Output], color: str, stdout: TextIO, stderr: TextIO) -> bool:
    """Write all outputs, each whole or not at all; tells whether all could be written."""
    texts = [(path, _text(log, form, path, coloured(color, stdout, form))) for form, path in wanted]
    failed = [tried(text, path, stdout, stderr) for path, text in texts if path != "-"]
    for path, text in texts:
        if path == "-":
            _print(text, stdout)
    if len(failed) == len(texts) and not log.quiet:
        say(f"rulec: {api.together(log)}", stderr)
    return not any(failed)


def _text(log: Any, form: str, path: str, colours: bool) -> str:
    return "".join(f"{line}\n" for line in api.render_log(log, form, colours and path == "-"))


def _print(text: str, stdout: TextIO) -> None:
    """Where nobody reads any more, what was found is found all the same."""
    with suppress(BrokenPipeError):
        print(text, end="", file=stdout, flush=True)
