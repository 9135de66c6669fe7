"""rulec lint: what is wrong, and why tracking is on."""

from __future__ import annotations

import argparse
import os
from typing import Any, TextIO

from rulec import api
from rulec.cli import lint_inputs, lint_run, live, tracking
from rulec.cli.arguments import Streams, add_reading
from rulec.cli.lint_arguments import add_all
from rulec.cli.output_arguments import add_outputs, outputs
from rulec.errors import InputError


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    add_all(parser)
    live.add_live(parser)
    add_reading(parser)
    add_outputs(parser)


def run(chosen: argparse.Namespace, streams: Streams) -> int:
    """Lint all files, those that can be read; print what was found."""
    _check(chosen)
    wanted, finder = outputs(chosen), lint_inputs.finder_for(chosen)
    here = finder.here()
    if chosen.tracking_report:
        chosen.kernel, chosen.memory = here.kernel, here.memory
        return _wrong(finder, streams[2]) or tracking.run(chosen, streams)
    meant = lint_inputs.chosen_files(chosen, finder)
    if _wrong(finder, streams[2]):
        return 2
    if chosen.show_files or chosen.show_settings:
        shown = lint_inputs.shown_settings if chosen.show_settings else lint_inputs.shown_files
        print(shown(meant, chosen, finder), end="", file=streams[1])
        return 0
    return lint_run.lint(lint_inputs.read_all(meant, chosen, finder, streams), chosen, wanted, streams)


def _check(chosen: argparse.Namespace) -> None:
    """InputError where the arguments do not go together."""
    if chosen.add_ignore and os.path.exists(chosen.add_ignore):
        raise InputError(f"--add-ignore: {chosen.add_ignore} is a file; a reason is given as --add-ignore=REASON")
    if not live.asked(chosen) and not chosen.files:
        raise InputError("name files or folders, or say --live for the rules that run")
    if chosen.live:
        live.refuse(chosen, ("fix", "fix_only", "add_ignore", "against", "display", "show_files", "show_settings"))


def _wrong(finder: Any, stderr: TextIO) -> int:
    """2 where a configuration file is wrong, which is said."""
    for line in api.show(finder.problems):
        print(line, file=stderr)
    return 2 if finder.problems else 0
