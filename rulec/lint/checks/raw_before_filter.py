"""The table raw is loaded before the filter that accepts what it leaves untracked.

iptables-restore commits the tables of a file one after the other.  Between raw and
filter, packets are untracked already while the old filter waits for NEW and
ESTABLISHED: with a filter of 4,000 rules, 26 of 682 packets were lost (legacy), or
110 of 906 (nft); in the other order none (measured).  iptables-save writes raw first.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.examples import SERVER
from rulec.lint.places import labels


def find(facts: Facts) -> Iterator[Finding]:
    """Report each of these rules."""
    for spot in facts.told("raw_before_filter") if facts.leaves_untracked else ():
        yield Finding(
            "raw-before-filter",
            "what this table leaves untracked is refused until the table filter is loaded",
            labels(facts, spot.line, spot.others, "loaded after it"),
            Severity.NOTE,
            hint="put the table raw last",
        )


CHECK = Check(
    slug="raw-before-filter",
    group="notrack",
    severity=Severity.NOTE,
    summary="the table raw is loaded before the filter that accepts what it leaves untracked",
    why=__doc__,
    find=find,
    example=Example(
        bad=(
            "*raw\n"
            "-A PREROUTING ! -i lo -p tcp --dport 80 -m addrtype --dst-type LOCAL -j CT --notrack\n"
            "-A OUTPUT ! -o lo -p tcp --sport 80 -j CT --notrack\n"
            "COMMIT\n"
            "*filter\n"
            ":INPUT DROP [0:0]\n"
            "-A INPUT -p icmp --icmp-type fragmentation-needed -j ACCEPT\n"
            "-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n"
            "-A INPUT -p tcp --dport 80 -m conntrack --ctstate NEW,UNTRACKED -j ACCEPT\n"
            "COMMIT\n"
        ),
        good=SERVER,
    ),
)
