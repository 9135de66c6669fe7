"""The sets of ipset(8) that rules ask: a ruleset does not say what is in them, so they are empty."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rulec.host.lab_namespaces import run
from rulec.host.programs import PATH
from rulec.model import Family, Rule, Use
from rulec.syntax.ruleset import Ruleset

_OPTIONS = frozenset(("--match-set", "--add-set", "--del-set", "--map-set"))
_TYPES = {1: "hash:net", 2: "hash:ip,port", 3: "hash:ip,port,net"}
"""A type for as many sides of a packet as are asked."""

_FAMILIES = {Family.IPV4: "inet", Family.IPV6: "inet6"}


class Wanted(NamedTuple):
    """A set by its name, and of how many sides of a packet its entries are."""

    family: Family
    name: str
    sides: int


def wanted(rulesets: Iterable[Ruleset]) -> tuple[Wanted, ...]:
    """The sets that rules ask, each once; both families have their names in common."""
    found: dict[str, Wanted] = {}
    for ruleset in rulesets:
        for line in ruleset.templates:
            for rule in ruleset.rules_on(line):
                for use in _uses(rule):
                    name, sides = use.value
                    found.setdefault(name, Wanted(ruleset.family, name, len(sides)))
    return tuple(found.values())


def _uses(rule: Rule) -> Iterator[Use]:
    parts = (*rule.matches, *((rule.target,) if rule.target is not None else ()))
    return (use for part in parts for use in part.uses if use.option in _OPTIONS)


def make(sets: Iterable[Wanted]) -> None:
    """Make them in the namespace where this process is, as far as that can be done: the kernel says what it lacks."""
    lines = [
        f"create {each.name} {_TYPES[each.sides]} family {_FAMILIES[each.family]} timeout 0 counters skbinfo -exist"
        for each in sets
        if each.sides in _TYPES and each.name.split() == [each.name]
    ]
    if lines and shutil.which("ipset", path=PATH):
        run(["ipset", "restore"], "".join(f"{line}\n" for line in lines))
