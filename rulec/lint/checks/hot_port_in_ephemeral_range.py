"""A port whose packets are untracked is one from which this host begins connections of its own.

Whoever asks for no port gets one of net.ipv4.ip_local_port_range, at first 32768 to
60999, and none that a server has bound.  While the server is down the hot port may
come to a connection that this host begins: what comes back is untracked then, and no
longer ESTABLISHED (measured), and the server finds its port taken.  A port that
net.ipv4.ip_local_reserved_ports names is given to nobody who does not ask for it.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.analysis.host import HostFacts
from rulec.analysis.local_ports import local_ports
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.examples import ACCEPTED, SERVER
from rulec.lint.places import labels

_EFFECTS = {
    "fails": (Severity.WARNING, "the answers to it are refused"),
    "works": (Severity.NOTE, "it is untracked as well"),
}


def find(facts: Facts) -> Iterator[Finding]:
    """Report each rule for such a port that is not reserved in a file beside."""
    ports = local_ports(HostFacts(facts.kernel, facts.configs, (facts,))) if facts.leaves_untracked else ()
    for spot in facts.untracked("untracked, own ports", ports):
        severity, effect = _EFFECTS[spot.detail]
        yield Finding(
            "hot-port-in-ephemeral-range",
            f"a connection of this host may begin from this port while no server has it: {effect}",
            labels(facts, spot.line, spot.others, ""),
            severity,
            hint="reserve it: net.ipv4.ip_local_reserved_ports",
            witness=spot.witness,
        )


_SERVER = SERVER.replace(ACCEPTED, ACCEPTED.replace("-p tcp", "-s 192.0.2.0/24 -p tcp"))

CHECK = Check(
    slug="hot-port-in-ephemeral-range",
    group="notrack",
    severity=Severity.WARNING,
    summary="an untracked port is one from which this host begins connections of its own",
    why=__doc__,
    find=find,
    example=Example(bad=_SERVER.replace("port 80", "port 40000"), good=_SERVER.replace("port 80", "port 8080")),
)
