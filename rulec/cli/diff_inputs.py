"""The rulesets that rulec diff compares: two files, or files and their versions in git."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TextIO

from rulec import api
from rulec.cli import live
from rulec.cli.inputs import text
from rulec.cli.outputs import say
from rulec.cli.settled import compared
from rulec.errors import InputError, NoVersion
from rulec.syntax.ruleset import Ruleset

Pair = tuple[Ruleset, Ruleset]


def pairs(chosen: argparse.Namespace, stdin: TextIO, stderr: TextIO) -> list[Pair]:
    """Old and new rulesets; with ``--against`` and ``--live`` any number of them."""
    if live.asked(chosen):
        return list(_with_live(chosen, stdin, stderr))
    return _against(chosen, stdin, stderr) if chosen.against else [_both(chosen, stdin)]


def _both(chosen: argparse.Namespace, stdin: TextIO) -> Pair:
    if len(chosen.files) != 2:
        raise InputError("without --against there are two files: the old ruleset and the new one")
    if chosen.files == ["-", "-"]:
        raise InputError("standard input holds one ruleset, not both")
    old, new = (_ruleset(path, chosen, stdin) for path in chosen.files)
    return old, new


def _with_live(chosen: argparse.Namespace, stdin: TextIO, stderr: TextIO) -> Iterator[Pair]:
    """What runs, and each file of the same family; loading leaves alone what a file does not name."""
    live.refuse(chosen, ["against"])
    if not chosen.files:
        raise InputError("--live is compared with files: name them")
    running = live.rulesets(chosen, stderr)
    for new in [_ruleset(path, chosen, stdin) for path in chosen.files]:
        for old in (old for old in running if old.family is new.family):
            kept = [name for name in old.tables if name not in new.tables and _decides(old, name)]
            if kept:
                say(
                    f"{new.source.name}: without {', '.join(kept)}: loading it would leave that table as it runs",
                    stderr,
                )
            yield old, new


def _decides(ruleset: Ruleset, table: str) -> bool:
    """Whether anything becomes of packets in a table."""
    return any(chain.references or chain.policy == "DROP" for chain in ruleset.tables[table].chains.values())


def _against(chosen: argparse.Namespace, stdin: TextIO, stderr: TextIO) -> list[Pair]:
    """Each ruleset behind its version; one that the version lacks is said to be new."""
    paths = compared(chosen, stderr)
    if len(paths) > 1 and chosen.against.count(":") > 1:
        raise InputError("git:REF:PATH names one file to compare with; several go with git:REF")
    found = []
    for path in paths:
        new = _ruleset(path, chosen, stdin)
        if new.is_piece:
            say(f"{path}: a piece of what ufw loads, which tells not alone what packets meet: not compared", stderr)
            continue
        try:
            found.append((api.load_version(chosen.against, path, new.family.value, chosen.opaque), new))
        except NoVersion as error:
            if chosen.against.count(":") > 1:
                raise
            say(f"{path}: new, there is nothing to compare with ({error})", stderr)
    return found


def _ruleset(path: str, chosen: argparse.Namespace, stdin: TextIO) -> Ruleset:
    name, content = text(path, stdin)
    return api.parse_dump(content, name, None if chosen.family == "auto" else chosen.family, chosen.opaque)
