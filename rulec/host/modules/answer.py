"""All that is said of modules: rulesets, recipes, the running machine, and what would keep tracking off."""

from __future__ import annotations

from typing import NamedTuple

from rulec.analysis.facts import Facts
from rulec.analysis.host import HostFacts
from rulec.host.modules.keeping_off import files
from rulec.host.modules.live import Live
from rulec.host.modules.needed import Modules, backend_of, modules_of
from rulec.host.modules.recipe import Does, Played, play
from rulec.kernel.generations import Kernel
from rulec.source import Source
from rulec.syntax.ruleset import Ruleset

_GOOD = (Does.WORKS, Does.UNKNOWN)


class Blocked(NamedTuple):
    """What does not load without connection tracking: the first thing of a ruleset, and how many lines are like it.

    ``opens`` says that the filter table fails, too, so that the host is open.
    """

    file: str
    line: int
    words: str
    others: int
    opens: bool


class Answer(NamedTuple):
    """``live`` is the running machine, None where files were named; ``keep_off`` goes below /etc.

    ``keep_off`` is empty as long as something is ``blocked``, or no ruleset was named.
    """

    kernel: Kernel
    rulesets: tuple[Modules, ...]
    recipes: tuple[Played, ...]
    live: Live | None
    blocked: tuple[Blocked, ...]
    keep_off: tuple[tuple[str, str], ...]

    @property
    def is_sound(self) -> bool:
        """Whether every line of the recipes is worth something."""
        return all(one.does in _GOOD for recipe in self.recipes for one in recipe.verdicts)


def answer(
    kernel: Kernel,
    rulesets: tuple[Ruleset, ...],
    recipes: tuple[Source, ...],
    live: Live | None,
    backend: str | None = None,
) -> Answer:
    """What valid rulesets load, what recipes do, and whether tracking can be kept off."""
    loaded = tuple(modules_of(ruleset, kernel, backend_of(kernel, backend)) for ruleset in rulesets)
    needed = frozenset(name for one in loaded for name in one.removal)
    blocked = _blocked(kernel, rulesets)
    played = tuple(play(recipe, kernel, needed) for recipe in recipes)
    return Answer(kernel, loaded, played, live, blocked, files(kernel) if rulesets and not blocked else ())


def _blocked(kernel: Kernel, rulesets: tuple[Ruleset, ...]) -> tuple[Blocked, ...]:
    facts = {ruleset.source.name: Facts(ruleset, kernel=kernel) for ruleset in rulesets}
    found = []
    for need in HostFacts(kernel, (), tuple(facts.values())).needs:
        source = need.ruleset.source
        line, _ = source.position(need.span.start)
        others = len(_lines(facts[source.name]) - {line})
        found.append(Blocked(source.name, line, need.words, others, need.opens))
    return tuple(found)


def _lines(facts: Facts) -> set[int]:
    tracking = facts.tracking
    return {cause.line for cause in (*tracking.tracks, *tracking.loads)} | set(tracking.nat_tables)
