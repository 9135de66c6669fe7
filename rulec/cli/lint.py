"""rulec lint: what is wrong, and why tracking is on."""

from __future__ import annotations

import argparse
from typing import Any, TextIO

from rulec import api
from rulec.cli import lint_inputs, lint_run, live, tracking
from rulec.cli.arguments import Streams, add_reading
from rulec.cli.lint_arguments import add_all
from rulec.cli.output_arguments import add_outputs, outputs
from rulec.cli.outputs import say
from rulec.errors import InputError


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    add_all(parser)
    live.add_live(parser)
    add_reading(parser)
    add_outputs(parser)


def run(chosen: argparse.Namespace, streams: Streams) -> int:
    """Lint all files, those that can be read; print what was found."""
    if not live.asked(chosen) and not chosen.files:
        raise InputError("name files or folders, or say --live for the rules that run")
    if chosen.live:
        live.refuse(chosen, ("fix", "fix_only", "add_ignore", "against", "display", "show_files", "show_settings"))
    wanted = outputs(chosen)
    finder = lint_inputs.finder_for(chosen)
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
    inputs = lint_inputs.read_all(meant, chosen, finder, streams)
    if not inputs.files and not inputs.problems and not chosen.live:
        say("rulec: all files are excluded: nothing is checked", streams[2])
    return lint_run.lint(inputs, chosen, wanted, streams)


def _wrong(finder: Any, stderr: TextIO) -> int:
    """2 where a configuration file is wrong, which is said."""
    for line in api.show(finder.problems):
        print(line, file=stderr)
    return 2 if finder.problems else 0
