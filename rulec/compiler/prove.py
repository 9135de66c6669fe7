"""The proof: what an old ruleset kept open stays open under the new one, and nothing else opens.

Everything is computed from the two texts, through rulec.semantics; nothing is
taken over from what the compiler planned.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec import catalogue
from rulec.analysis.flows import Pair
from rulec.analysis.tracking import tracking_facts
from rulec.analysis.untracked_flows import sets_both_ways
from rulec.compiler.certificate import OF_EVERY_HOST, Certificate
from rulec.compiler.proof.closed import half_tracked, still_tracked
from rulec.compiler.proof.effects import Effects
from rulec.compiler.proof.errors import Errors
from rulec.compiler.proof.flows import TouchedFlows
from rulec.compiler.proof.fragments import torn
from rulec.compiler.proof.frame import changed
from rulec.compiler.proof.helped import helped_by_port
from rulec.compiler.proof.kept import Kept
from rulec.compiler.proof.loopback import OverLoopback
from rulec.compiler.proof.nat import Rewritten
from rulec.compiler.proof.opened import Opened
from rulec.compiler.proof.proxied import proxied, transparent
from rulec.compiler.proof.refused import Refused
from rulec.errors import InputError
from rulec.packetset.space import DEFAULT_MEMORY, Space
from rulec.policy import Policy
from rulec.semantics.matches import MEANINGS
from rulec.semantics.opaque import has_memory
from rulec.semantics.program import Step
from rulec.semantics.ruleset import Prepared, in_space
from rulec.syntax.ruleset import Ruleset

SETS_BOTH_WAYS = "sets of ipset(8) hold addresses and ports, which do not change while a connection lasts"


def prove(old: Ruleset, new: Ruleset, policy: Policy, memory: int = DEFAULT_MEMORY) -> Certificate:
    """Hold two valid rulesets of one family against each other.

    Raises InputError where they cannot be compared, Undecided where it takes more than ``memory`` bytes.
    """
    if old.family is not new.family:
        raise InputError(f"{old.source.name} is {old.family.label} and {new.source.name} is {new.family.label}")
    prepared = Prepared(old), Prepared(new)
    for one in prepared:
        one.refuse_loops()
    names = frozenset(entry.interface for entry in policy.hot if entry.interface is not None)
    return in_space(prepared, lambda space: _proved(prepared, space, policy), memory, names)


def _proved(prepared: tuple[Prepared, Prepared], space: Space, policy: Policy) -> Certificate:
    pair = Pair(*prepared, space)
    flows = TouchedFlows(pair, policy)
    errors = Errors(flows)
    rewritten, effects, refused = Rewritten(flows), Effects(flows), Refused(errors)
    failures = (
        *half_tracked(flows),
        *rewritten.failures(),
        *changed(pair, any(entry.icmp_errors == "wide" for entry in policy.hot)),
        *Kept(flows).failures(),
        *errors.failures(),
        *refused.failures(),
        *Opened(flows).failures(),
        *OverLoopback(flows).failures(),
        *torn(flows),
        *still_tracked(flows),
        *effects.failures(),
        *helped_by_port(flows),
        *proxied(flows),
        *transparent(flows),
    )
    errors.expose()
    old, new = (one.ruleset for one in prepared)
    return Certificate(
        old.family,
        old.source.name,
        new.source.name,
        tuple(dict.fromkeys(_hooks(pair))),
        failures,
        (*flows.assumptions, *_of_sets(space), *_always(prepared[0], policy)),
        tuple(flows.exposures),
        tuple(flows.losses),
        (*effects.listed, *refused.answered()),
        tuple(sorted(_modules(prepared[1]) - _modules(prepared[0]))),
        tracking_facts(new).lines,
    )


def _of_sets(space: Space) -> Iterator[str]:
    if any(sets_both_ways(space)):
        yield SETS_BOTH_WAYS


def _always(old: Prepared, policy: Policy) -> Iterator[str]:
    """What is assumed of every host."""
    matches = (match for step in _steps(old) for match in step.rule.matches)
    for name in sorted({match.name for match in matches if match.name not in MEANINGS and not has_memory(match)}):
        yield f"what -m {name} says of a packet does not depend on whether it is tracked"
    ports = [span for entry in policy.hot if entry.reserved for span in entry.ports]
    if ports:
        reserved = ",".join(f"{low}-{high}" for low, high in ports)
        yield f"the ports are reserved: net.ipv4.ip_local_reserved_ports={reserved}"
    yield from OF_EVERY_HOST


def _hooks(pair: Pair) -> Iterator[str]:
    """The hooks at which the new ruleset has rules."""
    programs = pair.new.meaning.prepared.programs
    ends = (end.hook for way in pair.new.meaning.ways for end in way.policies)
    return (hook.name for hook in ends if programs[hook.table].chains[hook.name].steps)


def _steps(prepared: Prepared) -> Iterator[Step]:
    for program in prepared.programs.values():
        yield from program.steps()


def _modules(prepared: Prepared) -> set[str]:
    """The kernel modules that the rules of a ruleset need."""
    found: set[str] = set()
    for step in _steps(prepared):
        extensions = [catalogue.match(match.name) for match in step.rule.matches]
        extensions += [catalogue.target(step.extension)] if step.extension else []
        found.update(name for extension in extensions if extension for name in extension.modules)
    return found
