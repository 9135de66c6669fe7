"""The rules of the running kernel in place of a file: ``--live``."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any, TextIO

from rulec import advice, api
from rulec.cli.outputs import say
from rulec.errors import InputError
from rulec.syntax.ruleset import Ruleset

_LIVE = "the rules that the running kernel holds, legacy and nf_tables, in place of a file; only read, as root"


def add_live(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("--live", action="store_true", help=_LIVE)
    parser.add_argument("--backend", choices=("legacy", "nft"), help="with --live, read this back end only")


def asked(chosen: argparse.Namespace) -> bool:
    """Whether what runs is meant; InputError for a back end of files, which have none."""
    if chosen.backend and not chosen.live:
        raise InputError("--backend goes with --live")
    return bool(chosen.live)


def refuse(chosen: argparse.Namespace, flags: Iterable[str]) -> None:
    """InputError where something is asked for that is about files."""
    for flag in flags:
        value = getattr(chosen, flag)
        if value is not None and value is not False:
            raise InputError(f"--live reads what runs, and --{flag.replace('_', '-')} is about files")


def running(chosen: argparse.Namespace, stderr: TextIO) -> list[Any]:
    """What runs, as texts; InputError where some of it cannot be read."""
    found = advice.live(chosen.family, chosen.backend)
    for note in found.notes:
        say(note, stderr)
    for reason in found.unread[:-1]:
        say(f"rulec: error: {reason}", stderr)
    if found.unread:
        raise InputError(found.unread[-1])
    return list(found.rulesets)


def rulesets(chosen: argparse.Namespace, stderr: TextIO) -> list[Ruleset]:
    """What runs, at least one ruleset a family."""
    return [api.parse(one.text, one.name, one.family.value, chosen.opaque) for one in running(chosen, stderr)]


def in_force(chosen: argparse.Namespace, stderr: TextIO) -> list[Ruleset]:
    """What runs and decides something, one ruleset a family; InputError where there are two, or none."""
    found = [one for one in running(chosen, stderr) if one.decides]
    if len({one.family for one in found}) < len(found):
        raise InputError("two rulesets of a family are in force: what is proved of one does not hold for both")
    if not found:
        raise InputError("no rule is loaded")
    return [api.parse(one.text, one.name, one.family.value, chosen.opaque) for one in found]
