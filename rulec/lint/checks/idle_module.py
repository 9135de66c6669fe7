"""A list loads a module that no rule of the rulesets uses.

Nothing is tracked because of it, but nf_conntrack is there, and whatever switches it on
finds it.  A helper (FTP, SIP, ...) does nothing by itself: since Linux 4.7 a connection
gets one only from a rule `-j CT --helper`, or while nf_conntrack_helper is 1, which
Linux 6.0 took away.
"""

from collections.abc import Iterator

from rulec.analysis.host import HostFacts
from rulec.diagnostics import Confidence, Finding, Severity
from rulec.kernel.modules import helper, needs_conntrack, plain, tracked_on_loading
from rulec.lint.check import Check, Example
from rulec.lint.repairs import unlisted


def find(host: HostFacts) -> Iterator[Finding]:
    """Report each module of a list that is idle beside these rulesets."""
    for module in host.loads() if host.rulesets else ():
        name = module.name.text
        why = "" if tracked_on_loading(name, host.kernel) else _idle(name, host)
        if why:
            label = (module.label(),)
            yield Finding("idle-module", why, label, Severity.NOTE, Confidence.LIKELY, fix=unlisted(module))


def _idle(name: str, host: HostFacts) -> str:
    """Why a module is of no use here; empty where it may be."""
    if not needs_conntrack(name, host.kernel):
        return ""
    if not host.needs:
        core = host.kernel.core
        return (
            f"no rule here needs {core}" if plain(name) == core else f"{name} loads {core}, and no rule here needs it"
        )
    wanted = helper(name)
    if wanted and not host.helpers_by_port and not host.gives_helper(wanted):
        return f"the helper {wanted} is given to no connection: no rule says -j CT --helper"
    return ""


CHECK = Check(
    slug="idle-module",
    group="host",
    severity=Severity.NOTE,
    summary="a list loads a module that no rule uses",
    why=__doc__,
    find_on_host=find,
    example=Example(
        bad="nf_conntrack\nnf_conntrack_ftp\n",
        good="nf_conntrack\n",
        name="modules-load.d/conntrack.conf",
        beside="*filter\n-A INPUT -m state --state ESTABLISHED -j ACCEPT\nCOMMIT\n",
    ),
)
