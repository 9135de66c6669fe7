"""A policy for a host that lacks a match: the documented second best is taken, or the policy stands as it is."""

from __future__ import annotations

from dataclasses import replace

from rulec.errors import InputError
from rulec.policy import Policy

SECOND_BEST = {"u32": "ICMP errors of the needed types are let in whatever they are about (icmp-errors: wide)"}
"""What is done without a match."""


def adapted(policy: Policy, without: tuple[str, ...]) -> Policy:
    """The policy without what needs these matches; InputError for one of which there is no second best."""
    for name in without:
        if name.removeprefix("xt_") not in SECOND_BEST:
            raise InputError(f"--without knows {', '.join(SECOND_BEST)}, and not {name!r}")
    if not without:
        return policy
    hot = [replace(each, icmp_errors="wide") if each.icmp_errors == "exact" else each for each in policy.hot]
    return replace(policy, hot=tuple(hot), icmp_errors="wide" if policy.icmp_errors == "exact" else policy.icmp_errors)
