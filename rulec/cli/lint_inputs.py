"""The files that rulec lint is given, read, each with its settings."""

from __future__ import annotations

import argparse
import os
from typing import Any, NamedTuple

from rulec import advice, api
from rulec.cli import live
from rulec.cli.arguments import Streams
from rulec.cli.inputs import text
from rulec.cli.lint_arguments import asked, names
from rulec.cli.outputs import complain, say
from rulec.errors import InputError
from rulec.linting.files import File, known, read
from rulec.report.text import printable
from rulec.settings.discovery import Finder
from rulec.settings.files import Chosen, choose, host_of
from rulec.settings.model import Settings


class Inputs(NamedTuple):
    """The files that could be read, and complaints about others."""

    files: list[File]
    problems: list[str]


def finder_for(chosen: argparse.Namespace) -> Finder:
    """What finds the settings of a file; InputError for names that are none."""
    for name in ("select", "extend_select", "ignore", "fixable", "unfixable"):
        api.checks(names(getattr(chosen, name)))
    for word in names(chosen.per_file_ignores):
        if ":" not in word:
            raise InputError(f"--per-file-ignores {word}: say a pattern and a check or group, such as lab/**:exposure")
        api.checks([word.rpartition(":")[2]])
    return Finder(known(), chosen.config, chosen.isolated, asked(chosen))


def chosen_files(chosen: argparse.Namespace, finder: Finder) -> Chosen:
    """The files that are meant; InputError where there is nothing to read."""
    found = choose(chosen.files, finder)
    if chosen.display and len(found.files) > 1:
        raise InputError("--stdin-filename is for standard input, or for one file")
    for path in found.empty:
        raise InputError(f"{path}: no ruleset and no configuration file is there")
    return found


def read_all(meant: Chosen, chosen: argparse.Namespace, finder: Finder, streams: Streams) -> Inputs:
    """All files; what cannot be read is said."""
    for path in meant.excluded if chosen.verbose or not meant.files else ():
        say(f"rulec: {path} is left out: the configuration excludes it", streams[2])
    found = Inputs(_live(chosen, finder, streams) if chosen.live else [], [])
    for path in meant.files:
        try:
            found.files.append(_read(path, chosen, finder, streams, "" if path in meant.named else host_of(path)))
        except InputError as error:
            complain(error, streams[2])
            found.problems.append(str(error))
    if not (found.files or found.problems or chosen.live):
        say("rulec: all files are excluded: nothing is checked", streams[2])
    return found


def _read(path: str, chosen: argparse.Namespace, finder: Finder, streams: Streams, host: str) -> File:
    name, content = text(path, streams[0])
    shown, settings = chosen.display or name, _settings(path, chosen, finder)
    if chosen.verbose:
        say(f"rulec: {shown}: settings of {', '.join(map(str, settings.files)) or 'no file'}", streams[2])
    return read(path, shown, content, settings, host)


def _live(chosen: argparse.Namespace, finder: Finder, streams: Streams) -> list[File]:
    """What runs, with the settings of this folder, on the kernel that runs."""
    kernel = chosen.kernel or advice.kernel_here()
    settings = finder.here()._replace(kernel=kernel)
    running = [one for one in live.running(chosen, streams[2]) if one.text]
    return [read(one.name, one.name, one.text, settings._replace(family=one.family.value)) for one in running]


def _settings(path: str, chosen: argparse.Namespace, finder: Finder) -> Settings:
    named = chosen.display or path
    return finder.here() if named == "-" else finder.of(named)


def shown_files(meant: Chosen, chosen: argparse.Namespace, finder: Finder) -> str:
    """The files, a line each."""
    return "".join(f"{printable(chosen.display or path)}\n" for path in meant.files)


def shown_settings(meant: Chosen, chosen: argparse.Namespace, finder: Finder) -> str:
    """The settings that hold for each of the files."""
    names = (printable(chosen.display or path) for path in meant.files)
    held = (_listed(_settings(path, chosen, finder)._asdict()) for path in meant.files)
    return "".join(f"{name}\n{settings}" for name, settings in zip(names, held, strict=True))


def _listed(values: dict[str, Any]) -> str:
    return "".join(f"  {name.replace('_', '-')} = {_plain(value)}\n" for name, value in values.items())


def _plain(value: Any) -> str:
    """A value on one line, paths as they are written."""
    if isinstance(value, tuple) and hasattr(value, "text") and hasattr(value, "root"):
        return repr(f"{os.path.relpath(value.root)}/{value.text}".removeprefix("./"))
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return _plain({name: one for name, one in value._asdict().items() if one})
    if isinstance(value, tuple):
        return f"[{', '.join(map(_plain, value))}]"
    if hasattr(value, "items"):
        return f"{{{', '.join(f'{name}: {_plain(one)}' for name, one in value.items())}}}"
    return repr(value)
