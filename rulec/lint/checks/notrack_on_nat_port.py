"""Packets are left untracked that NAT should rewrite.

The table nat never sees untracked packets.  What should go to another host by
DNAT comes to the port of this one, or is refused; what should be masqueraded
leaves with an inner address, or comes back and finds nobody (measured).  That
the address must be local does not help where it is translated: raw comes first.
It is the same the other way round: with `REDIRECT --to-ports 80` for another port
and the answers from port 80 untracked, these are never translated back (measured).
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.examples import SERVER
from rulec.lint.places import labels

_SAID = {
    "": "packets that this rule leaves untracked are not rewritten by NAT, as they should be",
    "back": "answers that this rule leaves untracked are not translated back by NAT, as they should be",
}
_NAMED = {"": "would rewrite them", "back": "translates what they answer"}


def find(facts: Facts) -> Iterator[Finding]:
    """Report each of these rules."""
    for spot in facts.untracked("untracked, NAT"):
        yield Finding(
            "notrack-on-nat-port",
            _SAID[spot.detail],
            labels(facts, spot.line, spot.others, _NAMED[spot.detail]),
            Severity.ERROR,
            hint="leave out what is translated, or do not translate it",
            witness=spot.witness,
        )


CHECK = Check(
    slug="notrack-on-nat-port",
    group="notrack",
    severity=Severity.ERROR,
    summary="packets are left untracked that NAT should rewrite",
    why=__doc__,
    find=find,
    example=Example(
        bad=SERVER.replace(
            "*raw\n",
            "*nat\n-A PREROUTING -d 192.0.2.1 -p tcp --dport 80 -j DNAT --to-destination 10.0.0.2\nCOMMIT\n*raw\n",
        ),
        good=SERVER.replace(
            "*raw\n",
            "*nat\n-A PREROUTING -d 192.0.2.1 -p tcp --dport 8080 -j DNAT --to-destination 10.0.0.2\nCOMMIT\n*raw\n",
        ),
    ),
)
