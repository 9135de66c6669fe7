"""What can be seen of chains and rules without asking which packets go where."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from itertools import pairwise
from operator import add

from rulec.analysis.rules import Block, Duplicate, EmptyJump, Loop, Structure, UnusedChain
from rulec.catalogue.values.addresses import pairs
from rulec.model import BUILTIN_CHAINS, Rule, Use
from rulec.semantics.effects import CHANGES_NOTHING
from rulec.semantics.nat import TARGETS as TRANSLATING
from rulec.semantics.program import Chain, Program, Step

_ENDING = TRANSLATING | {"REJECT", "NFQUEUE"}
"""Target extensions behind which no packet goes on to the next rule."""

_CHANGING_NOTHING_BEHIND = CHANGES_NOTHING | TRANSLATING | {""}
"""Target extensions after which the next rule sees the packet as it was."""


def structure(programs: dict[str, Program]) -> Structure:
    """What there is to see in the tables of a valid ruleset."""
    found = Structure()
    for program in programs.values():
        found = Structure._make(map(add, found, _of_table(program)))
    return found


def used_chains(program: Program) -> frozenset[str]:
    """The chains to which packets may be sent from a base chain."""
    return program.reached_from(name for name in BUILTIN_CHAINS.get(program.name, ()) if name in program)


def asks_nothing(rule: Rule) -> bool:
    """Whether a rule matches every packet, as one can see."""
    return all(match.name == "comment" for match in rule.matches) and all(map(_asks_nothing, rule.base))


def whole_lines(chain: Chain, steps: Iterable[Step]) -> list[Step]:
    """The first steps of those lines of a chain of which all steps are among the given ones."""
    chosen = set(steps)
    others = {step.line for step in chain.steps if step not in chosen}
    return [step for step in chain.steps if step in chosen and step.part == 0 and step.line not in others]


def _of_table(program: Program) -> Structure:
    used = used_chains(program)
    unused = tuple(_unused(program, used))
    chains = [chain for name, chain in program.chains.items() if name in used]
    if program.loop:
        return Structure(unused, (_loop(program),))
    keeping = _keeping(program)
    blocks = tuple(block for chain in chains for block in _block(chain, keeping))
    passed_over = {line for block in blocks for line in block.lines}
    jumps = (jump for chain in chains for jump in _empty_jumps(program, chain))
    quiet = _quiet(program)
    duplicates = (double for chain in chains for double in _duplicates(program, chain, quiet))
    return Structure(
        unused,
        (),
        tuple(jump for jump in jumps if jump.line not in passed_over),
        blocks,
        tuple(double for double in duplicates if double.line not in passed_over),
    )


def _unused(program: Program, used: frozenset[str]) -> Iterator[UnusedChain]:
    callers: dict[str, tuple[str, ...]] = {}
    for caller, callees in program.callees.items():
        for callee in callees:
            callers[callee] = (*callers.get(callee, ()), caller) if callee not in used else ()
    for name, chain in program.chains.items():
        if name not in used:
            lines = len({step.line for step in chain.steps})
            yield UnusedChain(program.name, name, chain.line, lines, callers.get(name, ()))


def _loop(program: Program) -> Loop:
    chains = program.loop
    lines = [
        next(step.line for step in program.chains[caller].steps if step.goes_to == callee)
        for caller, callee in pairwise(chains)
    ]
    return Loop(program.name, chains, tuple(lines))


def _empty_jumps(program: Program, chain: Chain) -> Iterator[EmptyJump]:
    for step in whole_lines(chain, (step for step in chain.steps if step.goes_to and not step.is_goto)):
        callee = program.chains[step.goes_to]
        if not callee.steps:
            yield EmptyJump(program.name, step.line, callee.name, callee.line)


# ── rules that take every packet ──


def _keeping(program: Program) -> frozenset[str]:
    """The chains from which no packet comes back, as one can see."""
    found: set[str] = set()
    for name in reversed(program.callers_first):
        for step in program.chains[name].steps:
            if step.verdict == "RETURN" or (step.is_goto and step.goes_to not in found):
                break
            if asks_nothing(step.rule) and _ends(step, found):
                found.add(name)
                break
    return frozenset(found)


def _block(chain: Chain, keeping: frozenset[str]) -> Iterator[Block]:
    for number, step in enumerate(chain.steps):
        if asks_nothing(step.rule) and _ends(step, keeping):
            lines = dict.fromkeys(later.line for later in chain.steps[number + 1 :] if later.line != step.line)
            if lines:
                yield Block(step.table, chain.name, tuple(lines), step.line)
            return


def _ends(step: Step, keeping: Container[str]) -> bool:
    """Whether no packet that matches goes on to the next rule."""
    return bool(step.verdict) or step.is_goto or step.extension in _ENDING or step.goes_to in keeping


def _asks_nothing(use: Use) -> bool:
    if use.option == "--set-counters":
        return True
    if use.negated:
        return False
    if use.option in ("--source", "--destination"):
        return any(mask == 0 for _, mask in pairs(use.value))
    return use.value == ("+" if use.option.endswith("-interface") else 0) and use.option != "--fragments"


# ── the same rule twice ──


def _quiet(program: Program) -> frozenset[str]:
    """The chains in which nothing happens to a packet but that it is let through, refused or sent back."""
    found: set[str] = set()
    for name in reversed(program.callers_first):
        steps = program.chains[name].steps
        if all(_is_quiet(step) and (not step.goes_to or step.goes_to in found) for step in steps):
            found.add(name)
    return frozenset(found)


def _is_quiet(step: Step) -> bool:
    return not step.has_memory and step.extension in ("", "REJECT") and step.verdict != "QUEUE"


def _duplicates(program: Program, chain: Chain, quiet: Container[str]) -> Iterator[Duplicate]:
    """Equal rules between which nothing changes the packet, and of which none keeps a memory."""
    first: dict[Rule, Step] = {}
    doubles: dict[Step, Step] = {}
    for step in chain.steps:
        if step.goes_to not in program.plain if step.goes_to else step.extension not in _CHANGING_NOTHING_BEHIND:
            first.clear()
        elif not step.has_memory and (not step.goes_to or step.goes_to in quiet):
            earlier = first.setdefault(_essence(step.rule), step)
            if earlier.line != step.line:
                doubles[step] = earlier
    for step in whole_lines(chain, doubles):
        decides = bool(step.verdict) or step.extension in _ENDING
        yield Duplicate(program.name, chain.name, step.line, doubles[step].line, decides)


def _essence(rule: Rule) -> Rule:
    return rule._replace(matches=tuple(match for match in rule.matches if match.name != "comment"))
