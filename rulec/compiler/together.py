"""Several rulesets of a host compiled together: all of them, or what can be proved of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple

from rulec.compiler.compile import Compiled
from rulec.compiler.without import Lacking, compiled_for
from rulec.errors import Refused
from rulec.packetset.space import DEFAULT_MEMORY
from rulec.policy import Entry, Policy
from rulec.syntax.ruleset import Ruleset

_REFUSED = "# rulec: refused "


class Result(NamedTuple):
    """What came of one ruleset: the compiled one, None where it is refused, and all reasons.

    Where ``compiled`` and ``refusals`` are both there, some entries were left out.
    """

    ruleset: Ruleset
    compiled: Compiled | None
    refusals: tuple[Any, ...]


def compile_all(
    rulesets: Iterable[Ruleset],
    policy: Policy,
    keep_going: bool = False,
    memory: int = DEFAULT_MEMORY,
    host: Lacking | None = None,
) -> tuple[Result, ...]:
    """Compile valid rulesets, one a family; with ``keep_going`` entries that are refused are left out of each."""
    host = host or Lacking()
    return tuple(_compiled(ruleset, policy, host, keep_going, memory) for ruleset in rulesets)


def _compiled(ruleset: Ruleset, policy: Policy, host: Lacking, keep_going: bool, memory: int) -> Result:
    try:
        return Result(ruleset, compiled_for(ruleset, policy, host, memory), ())
    except Refused as refused:
        if keep_going:
            return _what_can_be_had(ruleset, policy, host, memory)
        return Result(ruleset, None, refused.findings)


def _what_can_be_had(ruleset: Ruleset, policy: Policy, host: Lacking, memory: int) -> Result:
    """The entries that can be proved together, taken one after the other as they stand."""
    had: tuple[Entry, ...] = ()
    compiled: Compiled | None = None
    refusals: list[Any] = []
    header: list[str] = []
    for entry in policy.hot:
        try:
            compiled = compiled_for(ruleset, replace(policy, hot=(*had, entry)), host, memory)
            had = (*had, entry)
        except Refused as refused:
            refusals += refused.findings
            header.append(f"{_REFUSED}{refusals[-len(refused.findings)].message}")
    return Result(ruleset, compiled and _with_header(compiled, header), tuple(refusals))


def _with_header(compiled: Compiled, header: Iterable[str]) -> Compiled:
    """The result with a line for each entry that was left out, unless an earlier run has put it there."""
    known = compiled.text.split("\n")
    missing = [line for line in header if line not in known]
    return compiled._replace(text="\n".join([*missing, compiled.text]) if missing else compiled.text)
