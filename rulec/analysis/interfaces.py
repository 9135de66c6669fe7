"""Which interfaces lead to others: a guess from their names, and from where addresses are translated."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rulec.semantics.base import interfaces
from rulec.semantics.program import Program, Step

_WITHIN = re.compile(
    "(lo|docker|br|virbr|veth|lxc|lxd|incus|cni|cali|flannel|kube|vmnet|vboxnet|tun|tap|wg|tailscale|zt|dummy|lan"
    "|int|dmz|ipsec|podman)(?![a-z])",
    re.IGNORECASE,
)
"""Names of interfaces to containers, machines of the same host, tunnels and networks of one's own."""


def leading_outside(labels: Iterable[str], programs: dict[str, Program]) -> frozenset[str]:
    """Those names and patterns behind which others may be.

    Behind which the host hides its own network, where it does; otherwise all
    that do not look like one's own, and, where none is left, all that the rules
    do not name: ``+``.
    """
    named = {label for label in labels if label not in ("", "+") and not _WITHIN.match(label)}
    hiding = named.intersection(_hiding(programs))
    return frozenset(hiding or named or {"+"})


def let_in(programs: dict[str, Program]) -> frozenset[str]:
    """Those from which INPUT accepts whatever comes: they may be meant to lead to others, or not."""
    program = programs.get("filter")
    steps = program.chains["INPUT"].steps if program is not None and "INPUT" in program else ()
    return frozenset(name for step in steps if _lets_in(step) for name in interfaces(step.rule))


def _lets_in(step: Step) -> bool:
    asks = [use for use in step.rule.base if use.negated or use.option != "--in-interface"]
    return step.verdict == "ACCEPT" and not step.rule.matches and not asks


def _hiding(programs: dict[str, Program]) -> Iterable[str]:
    steps: Iterable[Step] = programs["nat"].steps() if "nat" in programs else ()
    for step in steps:
        if step.extension in ("MASQUERADE", "SNAT"):
            output = step.rule.option("--out-interface")
            if output is not None and not output.negated:
                yield from interfaces(step.rule)
