"""A limit on new connections counts packets, since they are untracked.

Beside NEW, a `limit`, `hashlimit` or `recent` counts connections.  Untracked packets
are all alike: the same rule counts each of them, and a transfer ends after the
first few (measured: 60 kB through `hashlimit` of 5 a minute fail; with `recent
--hitcount 4` no connection works).  For tcp let `--syn` go to the limit, and the
untracked packets that are not the first past it; for udp there is no such rule.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.examples import ACCEPTED, SERVER
from rulec.lint.places import labels


def find(facts: Facts) -> Iterator[Finding]:
    """Report each of these rules."""
    for spot in facts.untracked("untracked, rates"):
        yield Finding(
            "rate-limit-counts-packets",
            "this limit was for new connections; of untracked ones it counts every packet",
            labels(facts, spot.line, spot.others, "left untracked here"),
            Severity.ERROR,
            hint="for tcp: accept ! --tcp-flags SYN,ACK SYN with UNTRACKED before, and ask for --syn here",
            witness=spot.witness,
        )


CHECK = Check(
    slug="rate-limit-counts-packets",
    group="notrack",
    severity=Severity.ERROR,
    summary="a limit on new connections counts packets, since they are untracked",
    why=__doc__,
    find=find,
    example=Example(
        bad=SERVER.replace(
            ACCEPTED,
            "-A INPUT -p tcp --dport 80 -m conntrack --ctstate NEW,UNTRACKED -m limit --limit 5/min -j ACCEPT\n",
        ),
        good=SERVER.replace(
            ACCEPTED,
            "-A INPUT -p tcp --dport 80 ! --tcp-flags SYN,ACK SYN -m conntrack --ctstate UNTRACKED -j ACCEPT\n"
            "-A INPUT -p tcp --dport 80 --syn -m conntrack --ctstate NEW,UNTRACKED -m limit --limit 5/min -j ACCEPT\n",
        ),
    ),
)
