"""The arguments that say in which forms the results of lint go where."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from typing import NamedTuple

from rulec import api
from rulec.diagnostics.suggest import suggestion
from rulec.errors import InputError


class Output(NamedTuple):
    """A form, and the file that it goes to; ``-`` is standard output."""

    form: str
    path: str


def add_outputs(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    group = parser.add_argument_group("output")
    forms = api.forms()
    group.add_argument("--output-format", choices=forms, metavar="FORM", help=", ".join(forms) + "; default: full")
    group.add_argument("-o", "--output-file", metavar="OUT", help="write there instead of to standard output")
    several = "a form and the file that it goes to, - for standard output; may be given several times"
    group.add_argument("--output", action="append", default=[], metavar="FORM=OUT", help=several)
    group.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="default: on a terminal")


def outputs(chosen: argparse.Namespace) -> list[Output]:
    """What is to be written; InputError where that cannot be."""
    found = [_output(words) for words in chosen.output]
    if chosen.output_format or chosen.output_file or not found:
        found.append(Output(chosen.output_format or "full", chosen.output_file or "-"))
    for problem in _problems(found):
        raise InputError(problem)
    return found


def _output(words: str) -> Output:
    form, _, path = words.partition("=")
    if not path:
        raise InputError(f"--output {words}: say a form and a file, such as sarif=rulec.sarif")
    if form not in api.forms():
        raise InputError(f"--output {words}: there is no form {form!r}{suggestion(form, api.forms())}")
    return Output(form, path)


def _problems(wanted: list[Output]) -> Iterator[str]:
    places = [output.path if output.path == "-" else os.path.realpath(output.path) for output in wanted]
    for number, (output, place) in enumerate(zip(wanted, places, strict=True)):
        if place in places[:number]:
            name = "standard output" if place == "-" else output.path
            yield f"two forms would go to {name}; give each a file of its own with --output FORM=OUT"
        if place != "-" and not os.path.isdir(os.path.dirname(place)):
            yield f"{output.path}: there is no folder {os.path.dirname(output.path)}"
