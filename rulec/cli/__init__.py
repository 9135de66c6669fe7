"""The command line: arguments in, exit code out.

Exit codes: 0 done and nothing found, 1 findings or a refusal, 2 the job could not
be done, 3 undecided.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, TextIO

from rulec.errors import RulecError, Undecided
from rulec.resources import VERSION, lazy


def run() -> None:
    """The entry point of the ``rulec`` program.

    A short program that makes many objects and keeps them: looking for cycles
    among them, and freeing each at the end, takes a third of its time.
    """
    gc.disable()
    stdin, stdout, stderr = _streams()
    for stream in (stdout, stderr):
        stream.reconfigure(errors="backslashreplace")
    try:
        code = main(sys.argv[1:], stdin, stdout, stderr)
    except KeyboardInterrupt:
        code = 130  # as the shell says of a program that Ctrl-C ended
    for stream in (stdout, stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(code)


def _streams() -> tuple[Any, Any, Any]:
    """The standard streams; one that was closed by whoever called (``>&-``) leads to nowhere, and reading it fails.

    Its number leads there, too: what is opened later must not become a stream of the programs that are started.
    """
    while (nowhere := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(nowhere, True)
    stdin = sys.stdin or os.fdopen(os.open(os.devnull, os.O_WRONLY))
    return stdin, sys.stdout or os.fdopen(nowhere, "w"), sys.stderr or os.fdopen(nowhere, "w")


def main(argv: Sequence[str], stdin: TextIO, stdout: TextIO, stderr: TextIO) -> int:
    """Run one command; give its exit code."""
    code = 141  # as the shell says of a program that writes where nobody reads any more
    try:
        code = _version(stdout) if list(argv) in (["--version"], ["-V"]) else _command(argv, (stdin, stdout, stderr))
        stdout.flush()
    except BrokenPipeError:
        return code
    except (RulecError, OSError) as error:
        lazy("rulec.cli.outputs").complain(error, stderr)
        return 3 if isinstance(error, Undecided) else 2
    except Exception as error:
        return _internal_error(error, stderr)
    return code


def _version(stdout: TextIO) -> int:
    print(f"rulec {VERSION}", file=stdout)
    return 0


def _command(argv: Sequence[str], streams: tuple[TextIO, TextIO, TextIO]) -> int:
    code: int = lazy("rulec.cli.arguments").dispatch(argv, streams)
    return code


def _internal_error(error: Exception, stderr: TextIO) -> int:
    if os.environ.get("RULEC_DEBUG"):
        raise error
    kind: Any = type(error).__name__
    with suppress(OSError):
        print(f"rulec: internal error: {kind}: {error}", file=stderr)
        print("rulec: this is a fault of rulec; RULEC_DEBUG=1 shows where it lies", file=stderr)
    return 2
