"""A target switches connection tracking on.

CONNMARK, CONNSECMARK, SYNPROXY and CT (but for ``CT --notrack``) work on
connections, so the kernel tracks every packet of the family once such a rule is
loaded.  A rule ``-j CT --helper ftp`` for one port has all other flows tracked too.
On old kernels (`--kernel el5`) loading the module tracks already, so that a rule
`-j NOTRACK` has all packets tracked that it does not match.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.analysis.tracking import Cause
from rulec.catalogue.extension import Tracking
from rulec.diagnostics import Finding, Label, Severity
from rulec.lint.check import Check, Example


def find(facts: Facts) -> Iterator[Finding]:
    """Report each target outside the nat table that switches tracking on."""
    for cause in facts.tracking.tracks:
        if cause.role == "target" and cause.table != "nat":
            message = f"-j {cause.name} has every {facts.tracking.family.label} packet tracked{_why(cause, facts)}"
            yield Finding("tracking-target", message, (Label(facts.ruleset.source, cause.span),), Severity.NOTE)


def _why(cause: Cause, facts: Facts) -> str:
    """What is to be said of a target that tracks nothing on other kernels."""
    return f", since its module does on {facts.kernel.title}" if cause.tracking is Tracking.LOADS else ""


CHECK = Check(
    slug="tracking-target",
    group="conntrack",
    severity=Severity.NOTE,
    summary="a target switches connection tracking on",
    why=__doc__,
    find=find,
    example=Example(
        bad="*mangle\n-A PREROUTING -j CONNMARK --restore-mark\nCOMMIT\n",
        good="*mangle\n-A PREROUTING -j MARK --set-mark 1\nCOMMIT\n",
    ),
)
