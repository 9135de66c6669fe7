"""Lines of one shape are parsed once.

Rulesets repeat themselves.  The *shape* of a rule is its line without the words
that are plain arguments.  The first line of a shape goes through the parser and
becomes a template; of later ones only the arguments are looked at, each distinct
word once.  Three laws keep this equal to parsing every line: a template is kept
only when the words taken out are exactly arguments that decide nothing about
other words, and no quote is left in the shape; every argument is matched by the
one terminal that the grammar admits there; whatever fails goes to the parser,
which has the last word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from rulec.catalogue.extension import Extension, Setting
from rulec.catalogue.names import TARGETS
from rulec.model import Family, Rule
from rulec.syntax.line import Line
from rulec.syntax.values import owner_complaint, reader, rule_of, setting_of

MARK = "\x01"
MOST_SHAPES = 50_000
LONGEST_LINE = 1000  # characters; longer ones go to the parser, which knows the limits of iptables-restore

_TARGET_NAMES = "|".join(sorted(TARGETS))
_ARGUMENT = re.compile(
    rf" (?![-!\n ])(?<! -m )(?<! -p )(?!(?<= -j )(?:{_TARGET_NAMES})[ \n])" r'("[^"\\\n]*"|[^ \t\n"]+)(?=[ \n])'
)
_RULE_COUNTERS = re.compile(r"(?<=\n)\[[0-9]+:[0-9]+\] (?=-A )")


def cut(chunk: str) -> tuple[list[str], list[str]]:
    """The shapes of the lines of a chunk, and all their arguments in a row.

    A chunk begins and ends with a newline; each MARK in a shape stands for one argument.
    """
    bare = _RULE_COUNTERS.sub("", chunk)
    return _ARGUMENT.sub(MARK, bare).split("\n")[1:-1], _ARGUMENT.findall(bare)


def arguments_of(line: str) -> list[str]:
    """The arguments that the shape of a line leaves out, unquoted."""
    return [unquoted(word) for word in cut(f"\n{line}\n")[1]]


def unquoted(word: str) -> str:
    """The text of an argument as :func:`cut` found it."""
    return word[1:-1] if word[0] == '"' else word


class Probe(NamedTuple):
    """A test on some of the arguments of a template: whether the parser would take these words."""

    holes: tuple[int, ...]
    passes: Callable[[tuple[str, ...]], bool]
    passed: set[Any]


class Template:
    """What all lines of one shape have in common.

    ``holes`` are the arguments of the line, by number, that come from each line
    anew; the others stand in the shape.
    """

    __slots__ = ("line", "family", "holes", "probes", "rows", "numbers", "chain", "jump", "lists", "unconditional",
                 "incoming", "outgoing", "restricted", "_texts")  # fmt: skip

    def __init__(self, line: Line, family: Family, holes: tuple[int, ...] = ()) -> None:
        self.line = line
        self.family = family
        self.holes = holes
        self._texts = [argument.text for argument in line.arguments]
        self.chain = self._hole(line.operands[0])
        self.jump = self._hole(line.jump)
        names = {plan.option.name for plan in line.plans if plan.owner == 0}
        self.incoming = "--in-interface" in names
        self.outgoing = "--out-interface" in names
        self.lists = tuple(
            self._hole(plan.arguments[0])
            for plan in line.plans
            if plan.owner == 0 and plan.option.name in ("--source", "--destination")
        )
        self.unconditional = len(line.owners) == 1 and names <= {"--set-counters"}
        self.restricted = any(map(restricts, (owner.extension for owner in line.owners)))
        self.probes: tuple[Probe, ...] = ()
        self.rows: list[list[str]] = []
        self.numbers: list[int] = []

    def _hole(self, argument: int | None) -> int:
        return self.holes.index(argument) if argument in self.holes else -1

    def texts(self, row: Sequence[str]) -> list[str]:
        """All arguments of the line whose own arguments are these."""
        texts = self._texts.copy()
        for hole, word in zip(self.holes, row, strict=True):
            texts[hole] = word
        return texts

    def rule(self, row: Sequence[str]) -> Rule:
        """The rule of the line whose own arguments are these."""
        return rule_of(self.line, self.texts(row), self.family)

    def failed_rows(self) -> Iterator[int]:
        """Test the rows gathered so far; give the line numbers of those that the parser must look at."""
        columns = list(zip(*self.rows, strict=True))
        failed: set[int] = set()
        for probe in self.probes:
            keys = (
                columns[probe.holes[0]]
                if len(probe.holes) == 1
                else list(zip(*(columns[hole] for hole in probe.holes), strict=True))
            )
            bad = {
                key for key in set(keys) - probe.passed if not probe.passes((key,) if len(probe.holes) == 1 else key)
            }
            probe.passed.update(keys)
            if bad:
                probe.passed.difference_update(bad)
                failed.update(number for number, key in zip(self.numbers, keys, strict=True) if key in bad)
        self.rows, self.numbers = [], []
        return iter(sorted(failed))


def restricts(extension: Extension) -> bool:
    """Whether the kernel takes the extension in some places only."""
    return bool(extension.tables or extension.hooks or extension.kernel_check)


class Shapes:
    """The templates learned so far in one ruleset."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self.templates: dict[str, Template] = {}
        self._passed: dict[tuple[int, bool], set[Any]] = {}

    def learn(self, shape: str, text: str, start: int, line: Line, fits: dict[str, Callable[[str], object]]) -> None:
        """Keep a template of a valid line, if the laws admit it."""
        found = _places(text, start)
        holes = self._holes(shape, line, found)
        if holes is None or len(self.templates) >= MOST_SHAPES:
            return
        template = Template(line, self.family, holes)
        template.probes = tuple(self._probes(template, fits))
        self.templates[shape] = template

    def _holes(self, shape: str, line: Line, found: list[tuple[int, int]]) -> tuple[int, ...] | None:
        """Which arguments the cut took out; None where it took anything else or the shape may not be kept."""
        if '"' in shape or line.verb != "APPEND" or any(owner.extension.opaque for owner in line.owners):
            return None
        free = {(item.start, item.end): number for number, item in enumerate(line.arguments) if _is_free(line, number)}
        holes = tuple(free.get(place, -1) for place in found)
        return None if -1 in holes or line.operands[0] not in holes else holes

    def _probes(self, template: Template, fits: dict[str, Callable[[str], object]]) -> Iterator[Probe]:
        line = template.line
        setting = setting_of(line, self.family)
        for number, plan in enumerate(line.plans):
            holes = tuple(template.holes.index(argument) for argument in plan.arguments if argument in template.holes)
            if holes:
                shared = plan.option.check is None and len(plan.arguments) == 1
                key = (id(plan.option), plan.negated)
                passed = self._passed.setdefault(key, set()) if shared else set()
                yield Probe(holes, _value_probe(template, number, setting, fits), passed)
        for number, owner in enumerate(line.owners):
            if owner.extension.check is not None:
                holes = _holes_of_owner(template, number)
                if holes:
                    yield Probe(holes, _owner_probe(template, number, holes), set())


def _places(text: str, start: int) -> list[tuple[int, int]]:
    """Where the arguments stand that :func:`cut` takes out of a line that begins at ``start``."""
    counters = _RULE_COUNTERS.match("\n" + text, 1)
    skipped = counters.end() - 1 if counters else 0
    bare = f"\n{text[skipped:]}\n" if not text.endswith("\n") else f"\n{text[skipped:]}"
    shift = start + skipped - 1
    return [(shift + found.start(1), shift + found.end(1)) for found in _ARGUMENT.finditer(bare)]


def _is_free(line: Line, number: int) -> bool:
    """Whether an argument decides nothing about the words around it."""
    if line.arguments[number].token in ("CHAIN", "TARGET"):
        return True
    return not any(
        plan.option.name == "--protocol" and plan.owner == 0 and number in plan.arguments for plan in line.plans
    )


def _value_probe(
    template: Template, number: int, setting: Setting, fits: dict[str, Callable[[str], object]]
) -> Callable[[tuple[str, ...]], bool]:
    plan = template.line.plans[number]
    read = reader(plan, setting)
    terminals = plan.option.value.terminals
    fixed = [
        None if argument in template.holes else template.line.arguments[argument].text for argument in plan.arguments
    ]

    def passes(words: tuple[str, ...]) -> bool:
        rest = iter(words)
        texts = [unquoted(next(rest)) if text is None else text for text in fixed]
        if not all(fits[terminal](text) for terminal, text in zip(terminals, texts, strict=True)):
            return False
        try:
            read(*texts)
        except ValueError:
            return False
        return True

    return passes


def _holes_of_owner(template: Template, number: int) -> tuple[int, ...]:
    arguments = [argument for plan in template.line.plans if plan.owner == number for argument in plan.arguments]
    return tuple(template.holes.index(argument) for argument in arguments if argument in template.holes)


def _owner_probe(template: Template, number: int, holes: tuple[int, ...]) -> Callable[[tuple[str, ...]], bool]:
    def passes(words: tuple[str, ...]) -> bool:
        texts = [argument.text for argument in template.line.arguments]
        for hole, word in zip(holes, words, strict=True):
            texts[template.holes[hole]] = unquoted(word)
        try:
            return not owner_complaint(template.line, number, texts, template.family)
        except ValueError:
            return False

    return passes
