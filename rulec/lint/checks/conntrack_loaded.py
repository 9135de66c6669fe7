"""Something loads the conntrack module, without having packets tracked.

The module of NOTRACK and CT needs nf_conntrack, and so does the nat table, even
one without rules.  Since Linux 4.14 loading a module tracks nothing.  On older
kernels (`--kernel el5`, `el6`, `el7`) a nat table has every packet tracked, and on
el5 NOTRACK as well; tracking-nat and tracking-target speak of these.

A rule that the file deletes again loads the module, too: to read the line is enough
(measured), and the module stays.  A nat table without chains or rules needs it with
iptables-legacy alone.
"""

from collections.abc import Iterable, Iterator

from rulec.analysis.facts import Facts
from rulec.analysis.tracking import Cause
from rulec.diagnostics import Finding, Label, Severity
from rulec.lint.check import Check, Example
from rulec.lint.places import line_label
from rulec.lint.words import in_all


def find(facts: Facts) -> Iterator[Finding]:
    """Report nat tables and, of each extension that only loads the module, the first rule and how many there are."""
    source = facts.ruleset.source
    since = " since Linux 4.14" if facts.kernel.by_rules else " by itself"
    for cause, number in _first_of_each(facts.tracking.loads):
        message = f"{_flag(cause)} {cause.name} loads nf_conntrack, and tracks nothing{since}{in_all(number)}"
        yield Finding("conntrack-loaded", message, (Label(source, cause.span),), Severity.NOTE)
    if facts.tracking.gone and not (facts.tracking.tracks or facts.tracking.loads or facts.tracking.nat_tables):
        cause = facts.tracking.gone[0]
        message = f"{_flag(cause)} {cause.name} loads nf_conntrack, and the rule is not there in the end"
        yield Finding("conntrack-loaded", message, (Label(source, cause.span),), Severity.NOTE)
    for line in facts.tracking.nat_tables if not facts.tracking.nat_tracks else ():
        message = "a nat table loads nf_conntrack, and tracks nothing by itself since Linux 4.14"
        yield Finding("conntrack-loaded", message, (line_label(source, line),), Severity.NOTE)


def _first_of_each(causes: Iterable[Cause]) -> Iterator[tuple[Cause, int]]:
    """The first of those with the same extension, and of how many rules they are."""
    found: dict[tuple[str, str], list[Cause]] = {}
    for cause in causes:
        found.setdefault((cause.role, cause.name), []).append(cause)
    return ((same[0], len({cause.line for cause in same})) for same in found.values())


def _flag(cause: Cause) -> str:
    return "-m" if cause.role == "match" else "-j"


CHECK = Check(
    slug="conntrack-loaded",
    group="conntrack",
    severity=Severity.NOTE,
    summary="the conntrack module is loaded, without tracking",
    why=__doc__,
    find=find,
    example=Example(
        bad="*raw\n-A PREROUTING -p udp --dport 53 -j NOTRACK\nCOMMIT\n",
        good="*raw\n-A PREROUTING -p udp --dport 53 -j ACCEPT\nCOMMIT\n",
    ),
)
