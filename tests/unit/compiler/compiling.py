"""Short rulesets and policies in, and what the compiler makes of them, in a form that fits a table of cases."""

from __future__ import annotations

from typing import NamedTuple

import pytest

import rulec
from rulec.compiler.compile import Compiled, compile_ruleset
from rulec.diagnostics import Finding
from rulec.errors import Refused
from rulec.model import Family
from rulec.policy import Policy, read

KNOWN = "-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT"
"""The rule that most rulesets begin with."""


class Refusal(NamedTuple):
    """The line of the ruleset or the policy that stands in the way, and why."""

    line: str
    why: str


def server(*ports: int | str, protocol: str = "tcp", name: str = "web", more: str = "icmp-errors: leave") -> str:
    """An entry of a policy for a server; by default the errors about its flows are left as they are."""
    listed = ", ".join(f'"{port}"' for port in ports)
    return f"  - {{name: {name}, role: server, protocol: {protocol}, ports: [{listed}], {more}}}\n"


def policy(*entries: str, head: str = "mode: notrack\n") -> Policy:
    """The policy of some entries."""
    found, problems = read(f"version: 1\n{head}hot:\n{''.join(entries)}", "policy.yaml")
    assert found is not None, problems
    return found


WEB = policy(server(80))
"""TCP port 80 is hot, and nothing else is asked for."""

WITH_ERRORS = policy(server(80, more="icmp-errors: exact"))
"""TCP port 80 is hot, and ICMP errors about its flows are wanted."""


def filtered(rules: str, verdict: str = "DROP") -> str:
    """A ruleset of which the chain INPUT holds these rules."""
    return f"*filter\n:INPUT {verdict} [0:0]\n:CHAIN - [0:0]\n{rules.strip()}\nCOMMIT\n"


def compiled(text: str, wanted: Policy = WEB, family: Family = Family.IPV4) -> Compiled:
    """What a valid ruleset is compiled to."""
    ruleset = rulec.parse(text, "rules", family.value)
    assert ruleset.valid, ruleset.findings
    return compile_ruleset(ruleset, wanted)


def rules_of(text: str, name: str = "INPUT") -> list[str]:
    """The rules of a chain as they stand in the text."""
    return [line for line in text.splitlines() if line.startswith(f"-A {name} ")]


def refusals(text: str, wanted: Policy = WEB, family: Family = Family.IPV4) -> list[Refusal]:
    """Why a ruleset is not compiled; the test fails if it is."""
    with pytest.raises(Refused) as caught:
        compiled(text, wanted, family)
    return list(map(_refusal, caught.value.findings))


def _refusal(finding: object) -> Refusal:
    assert isinstance(finding, Finding)
    return Refusal(finding.place.source.line(finding.line), finding.message)
