"""Whole policies from the few lines that a test is about."""

from __future__ import annotations

from rulec.policy import Entry, Policy, read

TOP = "version: 1\nmode: notrack\nhot:\n"
"""Three lines: the first entry of ``TOP + entry`` stands on line 4."""

WEB = "  - {name: web, role: server, protocol: tcp, ports: 80}\n"


def said(text: str) -> list[str]:
    """The findings of a text as ``line:column message``."""
    return [f"{finding.line}:{finding.column} {finding.message}" for finding in read(text, "p.yaml")[1]]


def policy(text: str) -> Policy:
    """The policy of a text that has nothing wrong with it."""
    found, findings = read(text, "p.yaml")
    assert [str(finding) for finding in findings] == []
    assert found is not None
    return found


def entry(keys: str, mode: str = "notrack") -> Entry:
    """The only entry of a policy, from its keys in one line."""
    return policy(f"version: 1\nmode: {mode}\nhot:\n  - {{{keys}}}\n").hot[0]
