"""A rule asks for no state of some, and untracked packets are in none.

`! --ctstate NEW` means all that are not NEW: the untracked packets, too, that were
NEW or ESTABLISHED before they were left untracked.  A rule that drops what is no
part of a connection drops them; one that accepts what is not NEW lets anybody in
whose packets are untracked.  With UNTRACKED in its list it leaves them alone.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.examples import KNOWN, SERVER
from rulec.lint.places import labels

_EFFECTS = {"ACCEPT": "they are accepted", "DROP": "they are dropped", "REJECT": "they are refused"}
_TAKEN = "the rule takes them"


def find(facts: Facts) -> Iterator[Finding]:
    """Report each of these rules."""
    for spot in facts.untracked("untracked, negated"):
        yield Finding(
            "negated-state-matches-untracked",
            f"untracked packets are in none of these states, so they match: {_EFFECTS.get(spot.detail, _TAKEN)}",
            labels(facts, spot.line, spot.others, "left untracked here"),
            Severity.WARNING,
            hint="add UNTRACKED to the list",
            witness=spot.witness,
        )


CHECK = Check(
    slug="negated-state-matches-untracked",
    group="notrack",
    severity=Severity.WARNING,
    summary="a rule asks for no state of some, and untracked packets are in none",
    why=__doc__,
    find=find,
    example=Example(
        bad=SERVER.replace(KNOWN, "-A INPUT -m conntrack ! --ctstate NEW,ESTABLISHED,RELATED -j DROP\n" + KNOWN),
        good=SERVER.replace(
            KNOWN, "-A INPUT -m conntrack ! --ctstate NEW,ESTABLISHED,RELATED,UNTRACKED -j DROP\n" + KNOWN
        ),
    ),
)
