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

from rulec.catalogue.extension import Extension
from rulec.catalogue.names import TARGETS
from rulec.model import Family, Rule
from rulec.syntax.line import Line
from rulec.syntax.values import owner_check, protocol_complaint, reader, rules_like, setting_before

MARK = "\x01"
MOST_SHAPES = 50_000
LONGEST_LINE = 1000  # characters; longer ones go to the parser, which knows the limits of iptables-restore

_TARGET_NAMES = "|".join(sorted(TARGETS))
_ARGUMENT = re.compile(
    rf" (?![-!\n ])(?<! -m )(?<! -p )(?!(?<= -j )(?:{_TARGET_NAMES})[ \n])" r'("[^"\\\n]*"|[^ \t\n"]+)(?=[ \n])'
)
_RULE_COUNTERS = re.compile(r"\n\[[0-9]+:[0-9]+\] (?=-A )")


def cut(chunk: str) -> tuple[list[str], list[str]]:
    """The shapes of the lines of a chunk, and all their arguments in a row.

    A chunk begins and ends with a newline; each MARK in a shape stands for one argument.
    """
    pieces = _ARGUMENT.split(_RULE_COUNTERS.sub("\n", chunk))
    return MARK.join(pieces[::2]).split("\n")[1:-1], pieces[1::2]


def arguments_of(line: str) -> list[str]:
    """The arguments that the shape of a line leaves out, unquoted."""
    return [unquoted(word) for word in cut(f"\n{line}\n")[1]]


def unquoted(word: str) -> str:
    """The text of an argument as :func:`cut` found it."""
    return word[1:-1] if word[0] == '"' else word


class Probe(NamedTuple):
    """A test on some of the arguments of a template: whether the parser would take these words.

    Each distinct word, or tuple of words where there are several holes, is tested once.
    """

    holes: tuple[int, ...]
    passes: Callable[[Any], bool]
    passed: set[Any]

    def failures(self, columns: Sequence[Sequence[str]]) -> tuple[Sequence[Any], set[Any]]:
        """The keys of all rows, and those that do not pass."""
        first, *more = self.holes
        keys = columns[first] if not more else list(zip(*(columns[hole] for hole in self.holes), strict=True))
        new = set(keys) - self.passed
        bad = {key for key in new if not self.passes(key)}
        self.passed.update(new - bad)
        return keys, bad


class Template:
    """What all lines of one shape have in common.

    ``holes`` are the arguments of the line, by number, that come from each line
    anew; the others stand in the shape.
    """

    __slots__ = ("line", "family", "holes", "arity", "probes", "rows", "numbers", "chain", "jump", "lists", "interface",
                 "target", "unconditional", "restricted", "kernel_holes", "_texts", "_rules")  # fmt: skip

    def __init__(self, line: Line, family: Family, holes: tuple[int, ...] = ()) -> None:
        self.line = line
        self.family = family
        self.holes = holes
        self.arity = len(holes)
        self._texts = [argument.text for argument in line.arguments]
        self._rules: Callable[[Sequence[str]], Rule] | None = None
        self.chain = self._hole(line.operands[0])
        self.jump = self._hole(line.jump)
        self.target = next((owner.name for owner in line.owners if owner.role == "target"), "")
        base = {plan.option.name: plan for plan in line.plans if plan.owner == 0}
        self.lists = tuple(
            self._hole(base[name].arguments[0]) for name in ("--source", "--destination") if name in base
        )
        self.interface = "--in-interface" in base or "--out-interface" in base
        self.unconditional = len(line.owners) == 1 and base.keys() <= {"--set-counters"}
        extensions = [owner.extension for owner in line.owners]
        self.restricted = any(map(restricts, extensions)) or bool(protocol_complaint(line, family))
        self.kernel_holes = tuple(self._kernel_holes(extensions))
        self.probes: tuple[Probe, ...] = ()
        self.rows: list[list[str]] = []
        self.numbers: list[int] = []

    def _hole(self, argument: int | None) -> int:
        return self.holes.index(argument) if argument in self.holes else -1

    def _kernel_holes(self, extensions: list[Extension]) -> Iterator[int]:
        """The holes at which the kernel looks when it takes or refuses a rule."""
        around = any(extension.kernel_looks_around for extension in extensions)
        for plan in self.line.plans:
            if extensions[plan.owner].kernel_check or (around and plan.owner):
                yield from (self.holes.index(argument) for argument in plan.arguments if argument in self.holes)

    def texts(self, row: Sequence[str], holes: Sequence[int] | None = None) -> list[str]:
        """All arguments of the line whose own arguments, or those in some of the holes, are these."""
        texts = self._texts.copy()
        for hole, word in zip(range(self.arity) if holes is None else holes, row, strict=True):
            texts[self.holes[hole]] = word
        return texts

    def place(self, offset: int, text: str, start: int) -> int:
        """Where in a line that begins at ``start`` stands what stands at ``offset`` in the line that was learned from.

        It must stand behind the name of the chain.  What is not an argument of the
        line's own is the same in both, and so is the distance from the one before it.
        """
        if not self.holes:
            return offset
        known = zip((self.line.arguments[hole].end for hole in self.holes), _places(text, start), strict=True)
        before = [(end, place) for end, (_, place) in known if end <= offset]
        return before[-1][1] + offset - before[-1][0]

    def rule(self, row: Sequence[str]) -> Rule:
        """The rule of the line whose own arguments are these."""
        if self._rules is None:
            self._rules = rules_like(self.line, self.holes, self.family)
        return self._rules(self.texts(row))

    def gather(self, row: list[str], number: int) -> None:
        """Keep the arguments of a line until they are tested."""
        self.rows.append(row)
        self.numbers.append(number)

    def failed_rows(self) -> list[int]:
        """Test what was gathered; give the numbers of the lines at which the parser must look."""
        columns = list(zip(*self.rows, strict=True))
        failed: set[int] = set()
        for probe in self.probes:
            keys, bad = probe.failures(columns)
            if bad:
                failed.update(number for number, key in zip(self.numbers, keys, strict=True) if key in bad)
        self.rows, self.numbers = [], []
        return sorted(failed)


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
        """Keep a template of a valid line, if the laws admit it.

        The first one stays: it may hold arguments that are still to be tested.
        """
        if shape in self.templates or len(self.templates) >= MOST_SHAPES:
            return
        holes = self._holes(shape, line, _places(text, start))
        if holes is None:
            return
        template = Template(line, self.family, holes)
        template.probes = tuple(self._probes(template, fits))
        self.templates[shape] = template

    def _holes(self, shape: str, line: Line, found: list[tuple[int, int]]) -> tuple[int, ...] | None:
        """Which arguments the cut took out; None where it took anything else or the shape may not be kept."""
        if '"' in shape or line.verb != "APPEND":
            return None
        free = {(item.start, item.end): number for number, item in enumerate(line.arguments) if _is_free(line, number)}
        holes = tuple(free.get(place, -1) for place in found)
        fixed_jump = line.jump is not None and line.jump not in holes and not extends(line)
        return None if -1 in holes or line.operands[0] not in holes or fixed_jump else holes

    def _probes(self, template: Template, fits: dict[str, Callable[[str], object]]) -> Iterator[Probe]:
        line = template.line
        for number, plan in enumerate(line.plans):
            holes = tuple(template.holes.index(argument) for argument in plan.arguments if argument in template.holes)
            if holes and not line.owners[plan.owner].extension.opaque:
                shared = plan.option.check is None and len(plan.arguments) == 1
                key = (id(plan.option), plan.negated)
                passed = self._passed.setdefault(key, set()) if shared else set()
                yield Probe(holes, _value_probe(template, number, fits), passed)
        for number, owner in enumerate(line.owners):
            if owner.extension.check is not None:
                holes = _holes_of_owner(template, number)
                if holes:
                    yield Probe(holes, _owner_probe(template, number, holes), set())


def _places(text: str, start: int) -> list[tuple[int, int]]:
    """Where the arguments stand that :func:`cut` takes out of a line that begins at ``start``."""
    counters = _RULE_COUNTERS.match("\n" + text)
    skipped = counters.end() - 1 if counters else 0
    bare = f"\n{text[skipped:]}\n" if not text.endswith("\n") else f"\n{text[skipped:]}"
    shift = start + skipped - 1
    return [(shift + found.start(1), shift + found.end(1)) for found in _ARGUMENT.finditer(bare)]


def extends(line: Line) -> bool:
    """Whether the jump of a line is to a target extension."""
    return any(owner.role == "target" for owner in line.owners)


def _is_free(line: Line, number: int) -> bool:
    """Whether an argument decides nothing about the words around it."""
    if line.arguments[number].token in ("CHAIN", "TARGET"):
        return number != line.jump or not extends(line)
    return not any(
        plan.option.name == "--protocol" and plan.owner == 0 and number in plan.arguments for plan in line.plans
    )


def _value_probe(template: Template, number: int, fits: dict[str, Callable[[str], object]]) -> Callable[[Any], bool]:
    """Whether the words of one use are well formed, and its value can be read."""
    line = template.line
    plan = line.plans[number]
    read = reader(plan, setting_before(line, plan, template.family))
    tests = [fits[line.arguments[argument].token] for argument in plan.arguments]
    if len(tests) == 1:
        return _single_word(tests[0], read)
    fixed = [None if argument in template.holes else line.arguments[argument].text for argument in plan.arguments]

    def passes(key: Any) -> bool:
        rest = iter((key,) if isinstance(key, str) else key)
        texts = [unquoted(next(rest)) if text is None else text for text in fixed]
        return all(fit(text) for fit, text in zip(tests, texts, strict=True)) and _reads(read, *texts)

    return passes


def _single_word(fit: Callable[[str], object], read: Callable[..., Any]) -> Callable[[str], bool]:
    def passes(word: str) -> bool:
        text = word[1:-1] if word[0] == '"' else word
        return bool(fit(text)) and _reads(read, text)

    return passes


def _reads(read: Callable[..., Any], *texts: Any) -> bool:
    try:
        read(*texts)
    except ValueError:
        return False
    return True


def _owner_probe(template: Template, number: int, holes: tuple[int, ...]) -> Callable[[Any], bool]:
    """Whether an extension has nothing against its options taken together."""

    def passes(key: Any) -> bool:
        words = [unquoted(word) for word in ((key,) if isinstance(key, str) else key)]
        return _reads(owner_check, template.line, number, template.texts(words, holes), template.family)

    return passes


def _holes_of_owner(template: Template, number: int) -> tuple[int, ...]:
    arguments = [argument for plan in template.line.plans if plan.owner == number for argument in plan.arguments]
    return tuple(template.holes.index(argument) for argument in arguments if argument in template.holes)
