"""A rule for untracked answers lets new connections pass.

Nothing but its source port tells an untracked answer from other packets.  Whoever
binds that port gets through the rule to any other one: from outside to each service
of the host, or from a program of the host to everywhere, though OUTPUT is closed
(measured: whole connections).  For tcp, `! --tcp-flags SYN,ACK SYN` keeps out what
begins one (`! --syn` lets SYN with FIN or RST pass); for udp the rule needs the
addresses of the servers, and `--dport` with the ports of the clients.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.examples import ACCEPTED, ERRORS, SERVER
from rulec.lint.places import labels


def find(facts: Facts) -> Iterator[Finding]:
    """Report each of these rules."""
    for spot in facts.untracked("untracked, holes"):
        yield Finding(
            "untracked-answers-open-ports",
            "new connections pass this rule, too, from the port of the untracked answers",
            labels(facts, spot.line, spot.others, "left untracked here"),
            Severity.ERROR,
            hint="for tcp add ! --tcp-flags SYN,ACK SYN; for udp name the servers and the ports of the clients",
            witness=spot.witness,
        )


CHECK = Check(
    slug="untracked-answers-open-ports",
    group="notrack",
    severity=Severity.ERROR,
    summary="a rule for untracked answers lets new connections pass",
    why=__doc__,
    find=find,
    example=Example(
        bad=SERVER.replace(ERRORS, ":OUTPUT DROP [0:0]\n" + ERRORS).replace(
            ACCEPTED,
            ACCEPTED + "-A OUTPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n"
            "-A OUTPUT -p tcp --sport 80 -j ACCEPT\n",
        ),
        good=SERVER.replace(ERRORS, ":OUTPUT DROP [0:0]\n" + ERRORS).replace(
            ACCEPTED,
            ACCEPTED + "-A OUTPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n"
            "-A OUTPUT -p tcp --sport 80 ! --tcp-flags SYN,ACK SYN -m conntrack"
            " --ctstate UNTRACKED,INVALID -j ACCEPT\n",
        ),
    ),
)
