"""The command line: arguments in, exit code out.

Exit codes: 0 done and nothing found, 1 findings or a refusal, 2 the job could not
be done, 3 undecided.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any, TextIO

from rulec.errors import RulecError
from rulec.resources import lazy

VERSION = "0.1.0"


def run() -> None:
    """The entry point of the ``rulec`` program."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(main(sys.argv[1:], sys.stdin, sys.stdout, sys.stderr))


def main(argv: Sequence[str], stdin: TextIO, stdout: TextIO, stderr: TextIO) -> int:
    """Run one command; give its exit code."""
    if list(argv) in (["--version"], ["-V"]):
        print(f"rulec {VERSION}", file=stdout)
        return 0
    streams = (stdin, stdout, stderr)
    try:
        code = lazy("rulec.cli.arguments").dispatch(argv, streams)
        stdout.flush()
    except BrokenPipeError:
        _discard(stdout)
        return 0
    except RulecError as error:
        print(f"rulec: error: {error}", file=stderr)
        return 2
    except Exception as error:
        return _internal_error(error, stderr)
    return int(code)


def _discard(stdout: TextIO) -> None:
    """Nobody reads any more: keep the interpreter from saying so at its end."""
    if stdout is sys.stdout:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stdout.fileno())


def _internal_error(error: Exception, stderr: TextIO) -> int:
    if os.environ.get("RULEC_DEBUG"):
        raise error
    kind: Any = type(error).__name__
    print(f"rulec: internal error: {kind}: {error}", file=stderr)
    print("rulec: this is a fault of rulec; RULEC_DEBUG=1 shows where it lies", file=stderr)
    return 2
