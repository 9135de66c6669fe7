"""What a ruleset itself tells of addresses: to whom it forwards by name is not this host."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.values.addresses import pairs
from rulec.semantics.ruleset import Prepared

NOT_OF_THIS_HOST = "no address to which rules of FORWARD alone let packets through by name is one of this host"
"""What is assumed where this is used."""


def forwarded_to(prepared: Prepared) -> frozenset[int]:
    """The single addresses to which rules of FORWARD let packets through, and that no rule of INPUT names.

    What is sent to an address of this host is never forwarded, so such a rule is
    written for another host's.
    """
    whole = (1 << prepared.ruleset.family.bits) - 1
    named = (_networks(prepared, base) for base in ("FORWARD", "INPUT"))
    others, own = ({address for address, mask in networks if mask == whole} for networks in named)
    return frozenset(others - own)


def _networks(prepared: Prepared, base: str) -> Iterator[tuple[int, int]]:
    """To which networks rules accept packets, in the chains that those of a hook may get to."""
    program = prepared.programs.get("filter")
    if program is not None and base in program:
        for chain in program.reached_from([base]):
            for step in program.chains[chain].steps:
                use = step.rule.option("--destination")
                if step.verdict == "ACCEPT" and use is not None and not use.negated:
                    yield from pairs(use.value)
