"""On which unknown answers a difference depends, in words."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from rulec.model import BASE_CHAINS, Family, Match, Rule
from rulec.packetset.packet import Packet, as_set
from rulec.packetset.packetset import PacketSet
from rulec.query.diff_memories import Doubt
from rulec.query.diff_walks import Walks
from rulec.semantics.opaque import has_memory
from rulec.syntax.save import saved_rule

_NOBODY = "what nobody can know from the rules"


def answers_behind(packets: PacketSet, witness: Packet, walks: Walks) -> tuple[str, ...]:
    """The unknown answers on which it depends whether a witness is one of the packets."""
    space = packets.space
    answers = (packets & as_set(witness, space)).without(space.fields)
    keys = [key for key, answer in space.unknown_keys().items() if _depends(answers, answer)]
    names = [_name(key, walks) for key in sorted(keys, key=lambda key: _line(key, walks))]
    return tuple(dict.fromkeys(names)) or (_NOBODY,)


def memory_text(doubt: Doubt, walks: Walks) -> tuple[str, ...]:
    """A memory by the match that asks it, where it stands now if it does."""
    step, meaning = (doubt.new[0], walks.new) if doubt.new else (doubt.old[0], walks.old)
    match = next((match for match in step.rule.matches if has_memory(match)), None)
    says = "which other packets get to" if match else "into which other packets are put"
    match = match or next(match for match in step.rule.matches if match.name == "set")
    ruleset = meaning.prepared.ruleset
    return (f"{_match_text(match, ruleset.family)} ({ruleset.source.name}:{step.line}), {says}",)


def _depends(packets: PacketSet, answer: PacketSet) -> bool:
    return bool(packets.function.exists(answer.function) != packets.function)


def _name(key: Hashable, walks: Walks) -> str:
    """What was asked: the match, and the rule if it has a memory of its own."""
    family = walks.old.prepared.ruleset.family
    matches = [part for part in _inside(key) if isinstance(part, Match)]
    rules = [part for part in _inside(key) if isinstance(part, Rule)]
    if matches:
        place = _place(rules[0], walks) if rules else ""
        return f"{_match_text(matches[0], family)}{place}"
    if rules:
        asking = [match for match in rules[0].matches if has_memory(match)]
        words = _match_text(asking[0], family) if asking else saved_rule(rules[0], family)
        return f"{words}{_place(rules[0], walks)}"
    words = " ".join(part for part in _inside(key) if isinstance(part, str) and part not in ("", "'", *BASE_CHAINS))
    return words or _NOBODY


def _inside(key: Hashable) -> Iterator[Hashable]:
    """The parts of a key; rules and matches whole."""
    if isinstance(key, tuple) and not isinstance(key, Rule | Match):
        for part in key:
            yield from _inside(part)
    else:
        yield key


def _match_text(match: Match, family: Family) -> str:
    return saved_rule(Rule("", (), (match,), None), family).removeprefix("-A").strip()


def _line(key: Hashable, walks: Walks) -> int:
    """The line of the rule that asks, if it is one."""
    found = (_asking(part, walks) for part in _inside(key) if isinstance(part, Rule))
    return next((one[1] for one in found if one), 0)


def _place(rule: Rule, walks: Walks) -> str:
    """Where the rule stands."""
    found = _asking(rule, walks)
    return f" ({found[0]}:{found[1]})" if found else ""


def _asking(rule: Rule, walks: Walks) -> tuple[str, int] | None:
    """The file and line of a rule, in the new file if it is there."""
    for meaning in (walks.new, walks.old):
        for program in meaning.prepared.programs.values():
            for step in program.steps():
                if step.rule == rule:
                    return meaning.prepared.ruleset.source.name, step.line
    return None
