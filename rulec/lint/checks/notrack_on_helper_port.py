"""Connections are untracked that need a helper.

A helper reads what is said on one connection, and expects the next ones: the data
connections of FTP, for instance, are RELATED, and pass a rule for that.  It never
sees what is untracked: behind NOTRACK, `CT --helper` is silently passed over.  The
first connection works, and no other does (measured with FTP).  Nothing is said where
the rules let what would be expected pass by itself.
"""

from collections.abc import Iterator
from typing import Any

from rulec.analysis.facts import Facts
from rulec.analysis.host import HostFacts
from rulec.diagnostics import Confidence, Finding, Severity
from rulec.kernel.modules import helper
from rulec.lint.check import Check, Example
from rulec.lint.examples import ACCEPTED, ERRORS, KNOWN
from rulec.lint.places import labels


def find(facts: Facts) -> Iterator[Finding]:
    """Report NOTRACK rules in front of a rule that gives the helper; with less certainty those for its port."""
    for spot in facts.untracked("untracked, helper"):
        yield _finding(facts, spot, "would give it", Severity.ERROR, Confidence.PROVED)
    for spot in facts.untracked("untracked, helper by port", _by_port(facts)) if facts.leaves_untracked else ():
        yield _finding(facts, spot, "asks for it", Severity.WARNING, Confidence.LIKELY)


def _finding(facts: Facts, spot: Any, text: str, severity: Severity, confidence: Confidence) -> Finding:
    name = spot.detail.replace("_", "-")
    return Finding(
        "notrack-on-helper-port",
        f"the helper {name} sees none of these connections: what it should announce is refused",
        labels(facts, spot.line, spot.others, text),
        severity,
        confidence,
        hint="leave connections tracked that need a helper",
        witness=spot.witness,
    )


def _by_port(facts: Facts) -> tuple[str, ...]:
    """The helpers of loaded modules that connections get by their ports."""
    host = HostFacts(facts.kernel, facts.configs, (facts,))
    modules = (helper(module.name.text) for module in host.loads()) if host.helpers_by_port else ()
    return tuple(dict.fromkeys(name for name in modules if name))


_GOOD = f"""\
*filter
:INPUT DROP [0:0]
{ERRORS}{KNOWN}{ACCEPTED}-A INPUT -p tcp --dport 21 -m conntrack --ctstate NEW,UNTRACKED -j ACCEPT
COMMIT
*raw
-A PREROUTING ! -i lo -p tcp -m multiport --dports 80 -m addrtype --dst-type LOCAL -j CT --notrack
-A PREROUTING -p tcp --dport 21 -j CT --helper ftp
-A OUTPUT ! -o lo -p tcp -m multiport --sports 80 -j CT --notrack
COMMIT
"""

CHECK = Check(
    slug="notrack-on-helper-port",
    group="notrack",
    severity=Severity.ERROR,
    summary="connections are untracked that need a helper",
    why=__doc__,
    find=find,
    example=Example(bad=_GOOD.replace("ports 80", "ports 21,80"), good=_GOOD),
)
