"""What rulec.toml says to the commands beside lint: files that are not read, what to compile, what to compare."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from os.path import basename, join
from typing import Any, TextIO

from rulec import api
from rulec.cli import live
from rulec.errors import InputError
from rulec.resources import lazy


def add_settings(parser: argparse.ArgumentParser, excluding: bool = False) -> None:
    """The arguments."""
    if excluding:
        excluded = "also leave out files that are named, where the configuration excludes them"
        parser.add_argument("--force-exclude", action="store_true", help=excluded)
    parser.add_argument("--config", action="append", default=[], metavar="PATH", help="in place of rulec.toml")


def included(paths: Sequence[str], chosen: argparse.Namespace, stderr: TextIO) -> list[str]:
    """The files that are named, and the rulesets of folders, without what the configuration excludes.

    It excludes files that are named with ``--force-exclude`` only.
    """
    choose, force = lazy("rulec.settings.files").choose, chosen.force_exclude or None
    found = _asked(chosen, stderr, lambda finder: choose(paths, finder, force))
    for path in found.empty:
        raise InputError(f"{path}: no ruleset is there")
    return [path for path in found.files if path in found.named or api.read_config(path, api.read_text(path)) is None]


def jobs(chosen: argparse.Namespace, stderr: TextIO) -> list[argparse.Namespace]:
    """What to compile: what the arguments say, or without rulesets and policy what rulec.toml says."""
    if live.asked(chosen) and (chosen.files or not chosen.policy):
        raise InputError("--live is compiled in place of files, and with a --policy")
    if (chosen.files or chosen.live) and chosen.policy:
        return [chosen]
    if chosen.files or chosen.policy or chosen.output or chosen.output_dir:
        raise InputError("name rulesets and --policy, or none of it: then rulec.toml says what to compile")
    settings = _asked(chosen, stderr, lambda finder: finder.here())
    if not settings.jobs:
        raise InputError("no ruleset is named, and no rulec.toml from here upwards says what to compile ([[compile]])")
    if len(settings.jobs) > 1 and (chosen.certificate or chosen.output_format == "json"):
        raise InputError("--certificate and json are for one job; name its rulesets and --policy")
    return [_namespace(job, settings, chosen) for job in settings.jobs]


def _namespace(job: Any, settings: Any, chosen: argparse.Namespace) -> argparse.Namespace:
    if not (job.output or job.output_dir):
        raise InputError(f"rulec.toml: to compile {', '.join(job.inputs)}, say output or output-dir")
    said = {"files": list(job.inputs), "policy": job.policy, "output": job.output, "output_dir": job.output_dir}
    said["kernel"] = chosen.kernel or settings.kernel
    return argparse.Namespace(**{**vars(chosen), **said, **_target(settings, chosen)})


def _target(settings: Any, chosen: argparse.Namespace) -> dict[str, Any]:
    """The family and the opaque extensions, with what the configuration says of them."""
    family = settings.family if chosen.family == "auto" else chosen.family
    return {"family": family, "opaque": [*chosen.opaque, *settings.opaque]}


def compared(chosen: argparse.Namespace, stderr: TextIO) -> list[str]:
    """The rulesets to compare with their versions: those that are named, or those of rulec.toml.

    Without ``files`` under ``[diff]`` these are the results of all that is compiled.
    """
    if chosen.files:
        return included(chosen.files, chosen, stderr)
    settings = _asked(chosen, stderr, lambda finder: finder.here())
    vars(chosen).update(_target(settings, chosen))
    found = settings.diff_files or [path for job in settings.jobs for path in _results(job)]
    if not found:
        raise InputError(
            "no ruleset is named, and no rulec.toml from here upwards says which to compare ([diff] files)"
        )
    return list(found)


def _results(job: Any) -> list[str]:
    return [job.output] if job.output else [join(job.output_dir, basename(path)) for path in job.inputs]


def _asked(chosen: argparse.Namespace, stderr: TextIO, question: Callable[[Any], Any]) -> Any:
    """What a question to the configuration gives; InputError when the configuration is wrong."""
    finder = lazy("rulec.settings.discovery").Finder(lazy("rulec.settings.shape").Known(), chosen.config)
    found = question(finder)
    for line in api.show(finder.problems):
        print(line, file=stderr)
    if finder.problems:
        raise InputError("the configuration is wrong, so nothing is done")
    return found
