"""What to do next about connection tracking: one sentence."""

from __future__ import annotations

from rulec.analysis.tracking_answers import Edit, TrackingReport
from rulec.analysis.tracking_kinds import Kind

_HARD = frozenset((Kind.NAT, Kind.HELPER, Kind.SYNPROXY, Kind.LIMIT, Kind.MARK, Kind.OTHER))

_MOST = 40
"""So many letters of ports are said again."""

_OTHERS = "nft list ruleset, iptables-legacy-save, iptables-nft-save"


def is_free(edit: Edit) -> bool:
    """Whether no connection that is let through now suffers from an edit, and none is let in; strays are no cost."""
    return not edit.rates and edit.kind not in _HARD and all(cost.effect == "strays" for cost in edit.costs)


def next_step(report: TrackingReport) -> str:
    """The sentence at the end of a report."""
    return f"next: {_step(report)}"


def _step(report: TrackingReport) -> str:
    flows, found = report.flows, report.flows.candidates
    if flows.half:
        return "give the half tracked connections their other direction first; rulec lint shows the rule"
    if flows.refused:
        return "let the rules for NEW take UNTRACKED as well first; rulec lint shows which"
    if not report.is_tracked:
        return _elsewhere(report)
    if report.undecided:
        return f"delete the rules that rulec lint names, or make room: sysctl -w {report.setting}=N"
    if all(map(is_free, flows.edits)):
        return _off(report)
    room = f"make room for what stays tracked: sysctl -w {report.setting}=N"
    ports = found.anybody or found.some
    if not ports:
        return room
    named = ports if len(ports) <= _MOST else "these ports"
    do = f"name the busiest of {named} in a policy file (see policies/), and rulec compile writes the NOTRACK rules"
    return f"{do}; {room}" if _hard(report) else do


def _hard(report: TrackingReport) -> bool:
    return any(edit.kind in _HARD for edit in report.flows.edits)


def _elsewhere(report: TrackingReport) -> str:
    if report.tracked:
        return f"delete these rules: they have {report.tracked} tracked, and can do nothing for {report.family}"
    if report.flows.untracked:
        return f"nothing to do here; the NOTRACK rules matter only if others have packets tracked: {_OTHERS}"
    return f"nothing to do here; if packets are tracked all the same, look for other rules: {_OTHERS}"


def _off(report: TrackingReport) -> str:
    count = len(report.flows.edits) + bool(report.flows.dead) + len(report.spare_tables) + len(report.modules)
    do = f"make {'this edit' if count == 1 else 'these edits'} and load the file"
    if report.by_rules and not report.modules:
        return f"{do}: tracking is off from then on, and old entries age out"
    return f"{do}; tracking is off once the module is unloaded, so reboot, or unload it (modprobe -r)"
