"""What holds for every page of the catalogue.

Each guard is a function that gives its complaints, and is also fed something bad, to see that it bites.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import rulec
from rulec import resources
from rulec.catalogue.extension import IPV4, IPV6, Example, Extension, Option, Tracking, Value
from rulec.model import BUILTIN_CHAINS
from rulec.model.protocols import NAMES
from tests.unit.catalogue.examples import EXTENSIONS, Case, cases

HOOKS = {chain for chains in BUILTIN_CHAINS.values() for chain in chains}
TERMINALS = set(re.findall(r"^([A-Z_]+):", resources.text("grammar", "values.lark"), re.M))

NEED_AN_OBJECT = {("bpf", "--object-pinned")}
"""Options that no example can show, since what they name must exist."""


def repeated_names(extension: Extension) -> Iterator[str]:
    for family in extension.families:
        names = [
            name for option in extension.options if family in option.families for name in (option.name, *option.aliases)
        ]
        yield from (f"{name} twice in {family.value}" for name in set(names) if names.count(name) > 1)


def unknown_names(extension: Extension) -> Iterator[str]:
    known = {option.name for option in extension.options}
    groups = [*extension.one_of]
    for option in extension.options:
        groups += [option.excludes, option.requires]
        if option.name in (*option.excludes, *option.requires):
            yield f"{option.name} speaks of itself"
        yield from (f"no terminal {name}" for name in set(option.value.terminals) - TERMINALS)
    yield from (f"no option {name}" for group in groups for name in group if name not in known)


def unknown_places(extension: Extension) -> Iterator[str]:
    yield from (f"no table {name}" for name in extension.tables if name not in BUILTIN_CHAINS)
    yield from (f"no base chain {name}" for name in extension.hooks if name not in HOOKS)
    yield from (f"no protocol {number}" for number in extension.protocols if number not in NAMES)
    for case in cases(extension):
        if case.example.chain not in BUILTIN_CHAINS[case.example.table]:
            yield f"no chain {case.example.chain} in {case.example.table}"


def hidden_tracking(extension: Extension) -> Iterator[str]:
    """Whatever has to do with connection tracking needs its module, and nothing else does."""
    if ("nf_conntrack" in extension.modules) != (extension.tracking is not Tracking.NONE):
        yield f"{extension.tracking} with the modules {extension.modules}"


def unshown_options(extension: Extension) -> Iterator[str]:
    """Options that stand in no valid example."""
    shown = {name for case in cases(extension) if case.kind == "valid" for name in options_of(case)}
    for option in extension.options:
        if option.name not in shown and (extension.name, option.name) not in NEED_AN_OBJECT:
            yield option.name


def unshown_refusals(extension: Extension) -> Iterator[str]:
    """Each extension shows what is not valid; one with limits in the kernel shows what that refuses."""
    if extension.options and not extension.invalid:
        yield "no invalid example"
    limited = extension.tables or extension.hooks or extension.protocols or extension.kernel_check
    if limited and not extension.refused:
        yield "no refused example"


def unheard_families(extension: Extension) -> Iterator[str]:
    """Examples and options for families that the extension does not have."""
    for example in (*extension.valid, *extension.invalid, *extension.refused):
        if isinstance(example, Example) and not set(example.families) & set(extension.families):
            yield example.rule
    yield from (option.name for option in extension.options if not set(option.families) & set(extension.families))


def options_of(case: Case) -> set[str]:
    """The options of the extension itself that an example uses."""
    rule = rulec.parse(case.ruleset(), family=case.family.value).rules_on(2)[0]
    uses = [use for match in rule.matches if match.name == case.extension.name for use in match.uses]
    if rule.target is not None and rule.target.name == case.extension.name:
        uses += rule.target.uses
    return {use.option for use in uses}


Guard = Callable[[Extension], Iterator[str]]
GUARDS = (
    repeated_names,
    unknown_names,
    unknown_places,
    hidden_tracking,
    unshown_options,
    unshown_refusals,
    unheard_families,
)


@pytest.mark.parametrize("extension", EXTENSIONS, ids=lambda extension: extension.name)
@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.__name__)
def test_page(guard: Guard, extension: Extension) -> None:
    assert not list(guard(extension))


GOOD = Extension(
    name="mark",
    summary="match on the mark of the packet",
    options=(Option("--mark", Value(("MARK",), "a mark", lambda family, word: word)),),
    valid=(Example("-m mark --mark 1"),),
    invalid=("-m mark",),
)


@pytest.mark.parametrize(
    ("guard", "change"),
    [
        (repeated_names, {"options": (Option("--mark"), Option("--sign", aliases=("--mark",)))}),
        (unknown_names, {"options": (Option("--mark", excludes=("--sign",)),)}),
        (unknown_names, {"options": (Option("--mark", requires=("--mark",)),)}),
        (unknown_names, {"options": (Option("--mark", GOOD.options[0].value._replace(terminals=("SIGN",))),)}),
        (unknown_names, {"one_of": (("--mark", "--sign"),)}),
        (unknown_places, {"tables": ("broute",)}),
        (unknown_places, {"hooks": ("input",)}),
        (unknown_places, {"protocols": (250,)}),
        (unknown_places, {"valid": (Example("-m mark --mark 1", table="nat", chain="FORWARD"),)}),
        (hidden_tracking, {"modules": ("nf_conntrack",)}),
        (hidden_tracking, {"tracking": Tracking.LOADS}),
        (unshown_options, {"valid": ()}),
        (unshown_refusals, {"invalid": ()}),
        (unshown_refusals, {"tables": ("mangle",)}),
        (unheard_families, {"families": IPV6, "refused": (Example("-m mark --mark 1", families=IPV4),)}),
        (unheard_families, {"families": IPV6, "options": (Option("--mark", families=IPV4),)}),
    ],
)
def test_guard_bites(guard: Guard, change: dict[str, Any]) -> None:
    assert list(guard(GOOD._replace(**change)))


def test_guards_are_silent() -> None:
    assert not [complaint for guard in GUARDS for complaint in guard(GOOD)]
