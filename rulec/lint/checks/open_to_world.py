"""A port that should seldom be public is open to everybody.

New connections to it are accepted from nearly every address, on an interface that
leads outside.  The ports are those of logins and of services that let everybody
do anything, unless they are told otherwise: `--open-ports 22,3306,53/udp` names
others, and so does `ports` below `[lint.checks.open-to-world]` in rulec.toml.  The
interfaces that lead outside are guessed: those behind which the host hides its own
network, or else all but those of containers and tunnels.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Confidence, Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.places import chain_label, line_label
from rulec.settings.kinds import PORTS, Key


def find(facts: Facts) -> Iterator[Finding]:
    """Report what opens each of the ports."""
    for opened in facts.open_to_world:
        is_rule = facts.ruleset.templates.get(opened.line) is not None
        place = line_label(facts.ruleset.source, opened.line) if is_rule else chain_label(facts, "filter", opened.line)
        yield Finding(
            "open-to-world",
            f"{opened.detail}: open to everybody" + (f" by the policy of {opened.chain}" if not is_rule else ""),
            (place,),
            Severity.NOTE,
            Confidence.LIKELY,
            witness=opened.witness,
        )


CHECK = Check(
    slug="open-to-world",
    group="exposure",
    severity=Severity.NOTE,
    summary="a port that should seldom be public is open to everybody",
    why=__doc__,
    find=find,
    options={
        "ports": Key(PORTS, "the ports in question, in place of the usual ones"),
        "allowed-ports": Key(PORTS, "ports that may be open to everybody"),
    },
    example=Example(
        bad="*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 3306 -j ACCEPT\nCOMMIT\n",
        good="*filter\n:INPUT DROP [0:0]\n-A INPUT -s 192.0.2.0/24 -p tcp --dport 3306 -j ACCEPT\nCOMMIT\n",
    ),
)
