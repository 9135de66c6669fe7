"""Which modules the rules of a ruleset are loaded with, and why."""

from __future__ import annotations

from typing import NamedTuple

from rulec.catalogue.extension import Tracking
from rulec.kernel.generations import Kernel
from rulec.kernel.loading import NFT_BY_DEFAULT, of_extension, of_table, removal, whole
from rulec.kernel.modules import needs_conntrack, tracked_on_loading
from rulec.model import Family
from rulec.syntax.ruleset import Ruleset


class Cause(NamedTuple):
    """Words of rules, such as ``-m state``, and the lines where they stand."""

    words: str
    lines: tuple[int, ...]


class Needed(NamedTuple):
    """A module, why it is loaded, and whether connection tracking comes with it.

    ``tracks`` are the families that it has tracked merely by being loaded.
    """

    name: str
    causes: tuple[Cause, ...]
    has_conntrack: bool
    tracks: tuple[Family, ...]


class Modules(NamedTuple):
    """What a ruleset loads: the modules in the order of the text, and the order in which those of tracking go."""

    file: str
    family: Family
    backend: str
    modules: tuple[Needed, ...]
    removal: tuple[str, ...]


def backend_of(kernel: Kernel, chosen: str | None) -> str:
    """The back end of iptables: the chosen one, else that of the distributions with such a kernel."""
    return chosen or ("nft" if kernel.name in NFT_BY_DEFAULT else "legacy")


def modules_of(ruleset: Ruleset, kernel: Kernel, backend: str) -> Modules:
    """What a valid ruleset loads on a kernel."""
    found: dict[str, dict[str, list[int]]] = {}
    for table in ruleset.blocks:
        for name in of_table(table.name, ruleset.family, backend):
            _note(found, name, f"the table {table.name}", table.line)
        for number in sorted(line for line in ruleset.templates if table.line < line < table.last_line):
            _of_line(found, ruleset, number, kernel)
    needed = tuple(_needed(name, causes, kernel) for name, causes in found.items())
    conntrack = whole((one.name for one in needed if one.has_conntrack), kernel)
    return Modules(ruleset.source.name, ruleset.family, backend, needed, removal(conntrack, kernel))


def _of_line(found: dict[str, dict[str, list[int]]], ruleset: Ruleset, number: int, kernel: Kernel) -> None:
    for owner in ruleset.templates[number].line.owners:
        if owner.role != "base":
            words = f"-{'m' if owner.role == 'match' else 'j'} {owner.name}"
            for name in of_extension(owner.name, owner.extension.modules, ruleset.family, kernel):
                _note(found, name, words, number)
            if owner.extension.tracking_of is not None and owner.extension.tracking is Tracking.TRACKS:
                _of_helper(found, ruleset, number)


def _of_helper(found: dict[str, dict[str, list[int]]], ruleset: Ruleset, number: int) -> None:
    """A rule ``-j CT --helper ftp`` has the helper loaded, too (measured)."""
    for rule in ruleset.rules_on(number):
        for use in rule.target.uses if rule.target else ():
            if use.option == "--helper":
                _note(found, f"nf_conntrack_{str(use.value).replace('-', '_')}", f"-j CT --helper {use.value}", number)


def _note(found: dict[str, dict[str, list[int]]], name: str, words: str, line: int) -> None:
    lines = found.setdefault(name, {}).setdefault(words, [])
    if line not in lines:
        lines.append(line)


def _needed(name: str, causes: dict[str, list[int]], kernel: Kernel) -> Needed:
    told = tuple(Cause(words, tuple(lines)) for words, lines in causes.items())
    return Needed(name, told, needs_conntrack(name, kernel), tracked_on_loading(name, kernel))
