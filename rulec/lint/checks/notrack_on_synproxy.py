"""Connections that SYNPROXY should answer do not come about, or pass it by.

SYNPROXY answers the SYN, which raw leaves untracked, and the ACK that follows, which
is INVALID while nf_conntrack_tcp_loose is 0; from there on it must see each packet of
both directions as one of a tracked connection.  Where all of the requests are
untracked, or what the server sends, no connection comes about; nor does any where
OUTPUT drops what is INVALID, as the SYN+ACK of SYNPROXY is (both measured).  Where a
rule accepts the untracked SYN before, SYNPROXY answers nobody.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Fix, Safety, Severity
from rulec.lint.check import Check, Example
from rulec.lint.places import labels
from rulec.lint.words import replaced
from rulec.model import Rule
from rulec.model.protocols import TCP

_SAID = {
    "whole": ("more than the SYN of connections that SYNPROXY answers is left untracked", "add --syn"),
    "answers": (
        "what the server sends in connections that SYNPROXY answers is left untracked",
        "leave nothing but the SYN untracked",
    ),
    "unheard": (
        "the SYN+ACK with which this answers is INVALID, and OUTPUT refuses it",
        "in OUTPUT accept it before: --tcp-flags SYN,ACK SYN,ACK and --ctstate INVALID, by --sport",
    ),
    "passed by": (
        "SYNPROXY answers nobody: each untracked SYN is accepted before",
        "put it in front, or take UNTRACKED out of the rule before",
    ),
}

_OTHERS = {"unheard": "refuses it", "passed by": "accepts it"}


def find(facts: Facts) -> Iterator[Finding]:
    """Report each of these rules."""
    for spot in facts.untracked("untracked, SYNPROXY"):
        message, hint = _SAID[spot.detail]
        yield Finding(
            "notrack-on-synproxy",
            message,
            labels(facts, spot.line, spot.others, _OTHERS.get(spot.detail, "would answer")),
            Severity.ERROR,
            hint=hint,
            witness=spot.witness,
            fix=_only_syn(facts, spot.line) if spot.detail == "whole" else None,
        )


def _only_syn(facts: Facts, line: int) -> Fix | None:
    """The edit that leaves nothing but the SYN untracked; of other ports of the rule, too, so that it is not safe."""
    if not all(map(_takes_any_segment, facts.ruleset.rules_on(line))):
        return None
    fix = replaced(facts, line, r" (?=-j (?:CT|NOTRACK)\b)", " --syn ", "leave only the SYN untracked")
    return fix._replace(safety=Safety.UNSAFE) if fix else None


def _takes_any_segment(rule: Rule) -> bool:
    protocol = rule.option("--protocol")
    options = {use.option for match in rule.matches for use in match.uses}
    is_tcp = protocol is not None and protocol.value == TCP and not protocol.negated
    return is_tcp and not options & {"--syn", "--tcp-flags"}


_GOOD = """\
*filter
:INPUT DROP [0:0]
-A INPUT -p tcp --dport 80 -m conntrack --ctstate INVALID,UNTRACKED -j SYNPROXY --sack-perm --timestamp --mss 1460
-A INPUT -m conntrack --ctstate INVALID -j DROP
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT
COMMIT
*raw
-A PREROUTING -p tcp --dport 80 --syn -j CT --notrack
COMMIT
"""

CHECK = Check(
    slug="notrack-on-synproxy",
    group="notrack",
    severity=Severity.ERROR,
    summary="connections that SYNPROXY should answer do not come about, or pass it by",
    why=__doc__,
    find=find,
    example=Example(bad=_GOOD.replace(" --syn", ""), good=_GOOD),
)
