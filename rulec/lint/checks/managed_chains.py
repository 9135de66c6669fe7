"""A program writes chains of this ruleset by itself.

Docker, Kubernetes, fail2ban, ufw and others keep chains of their own, and write them
anew when they like.  Rules that are changed there by hand, such as UNTRACKED beside
NEW, are lost again; what is restored from a file is gone when the program starts.
Rules of one's own belong into the chains that they leave for that, such as
DOCKER-USER, or in front of theirs.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Confidence, Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.examples import ACCEPTED, ERRORS, SERVER
from rulec.lint.places import labels


def find(facts: Facts) -> Iterator[Finding]:
    """Report each of these rules."""
    for spot in facts.told("managed") if facts.leaves_untracked else ():
        yield Finding(
            "managed-chains",
            f"{spot.detail} writes these chains by itself, and undoes what is changed there",
            labels(facts, spot.line, spot.others, "another one"),
            Severity.NOTE,
            Confidence.LIKELY,
        )


CHECK = Check(
    slug="managed-chains",
    group="notrack",
    severity=Severity.NOTE,
    summary="a program writes chains of this ruleset by itself",
    why=__doc__,
    find=find,
    example=Example(
        bad=SERVER.replace(ERRORS, ":f2b-sshd - [0:0]\n" + ERRORS).replace(
            ACCEPTED, "-A INPUT -p tcp --dport 22 -j f2b-sshd\n-A f2b-sshd -s 192.0.2.7 -j REJECT\n" + ACCEPTED
        ),
        good=SERVER,
    ),
)
