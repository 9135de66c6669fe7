"""A ruleset for a host that lacks a match: the documented second best is taken, or it is refused."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from rulec.compiler.compile import Compiled, compile_ruleset
from rulec.compiler.outcome import refusal
from rulec.errors import InputError, Refused
from rulec.kernel.generations import Kernel
from rulec.kernel.matches import KNOWN, has_ct, lacking
from rulec.model import Family
from rulec.packetset.space import DEFAULT_MEMORY
from rulec.policy import Policy
from rulec.syntax.ruleset import Ruleset

_HINTS = {
    "u32": "name the protocols in the rules that admit, so that none is told by what it is not",
    "socket": "say fragments: leave, or load one rule with -m socket on a host that has it",
    "addrtype": "leave the port tracked: without it packets of this host are not told from those that it routes",
}


class Lacking:
    """What a host lacks: by the names of matches, and by its kernel, None where that is not known."""

    def __init__(self, names: Iterable[str] = (), kernel: Kernel | None = None) -> None:
        self._names = frozenset(name.removeprefix("xt_") for name in names)
        self._kernel = kernel
        unknown = sorted(self._names - set(KNOWN))
        if unknown:
            raise InputError(f"--without knows {', '.join(KNOWN)}, and not {unknown[0]!r}")

    def of(self, family: Family) -> frozenset[str]:
        """The matches for rulesets of a family."""
        return self._names | (lacking(self._kernel, family) if self._kernel is not None else frozenset())

    def adapted(self, policy: Policy, family: Family) -> Policy:
        """The policy with the second best: ICMP errors whatever they are about without u32, NOTRACK without CT."""
        if self._kernel is not None and not has_ct(self._kernel):
            policy = replace(policy, dialect="notrack")
        if "u32" not in self.of(family):
            return policy
        hot = [replace(each, icmp_errors="wide") if each.icmp_errors == "exact" else each for each in policy.hot]
        asked = "wide" if policy.icmp_errors == "exact" else policy.icmp_errors
        return replace(policy, hot=tuple(hot), icmp_errors=asked)


def compiled_for(ruleset: Ruleset, policy: Policy, host: Lacking, memory: int = DEFAULT_MEMORY) -> Compiled:
    """The compiled ruleset; Refused where it needs a match that the host lacks and the old one did not ask for."""
    compiled = compile_ruleset(ruleset, host.adapted(policy, ruleset.family), memory=memory)
    needed = _needed(compiled, host.of(ruleset.family))
    if needed:
        span = policy.span("hot")
        messages = ((f"the result needs -m {name}, which the host lacks", _HINTS[name]) for name in needed)
        raise Refused(tuple(refusal(policy.source, span, *message) for message in messages))
    return compiled


def _needed(compiled: Compiled, names: Collection[str]) -> list[str]:
    modules = compiled.certificate.modules if compiled.certificate is not None else ()
    return sorted(name for name in names if f"xt_{name}" in modules)
