"""What is said of connection tracking and a ruleset: causes, flows, edits and what they cost."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import rulec
from rulec import api
from rulec.analysis.tracking_answers import Edit, TrackingReport
from rulec.analysis.tracking_kinds import Kind
from rulec.report.tracking_next import is_free

_SERVER = """\
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m state --state ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp --dport 80 -m state --state NEW -j ACCEPT
-A INPUT -s 198.51.100.0/24 -p tcp --dport 22 -m state --state NEW -j ACCEPT
COMMIT
"""


def report(text: str, kernel: str = "6.x", *files: tuple[str, str], family: str = "ipv4") -> TrackingReport:
    ruleset = rulec.parse(text, "rules", family)
    assert ruleset.valid, ruleset.findings
    configs = [api.read_config(name, content) for name, content in files]
    (found,) = api.tracking_reports([ruleset], configs, kernel)
    assert isinstance(found, TrackingReport)
    return found


def edits(text: str, **others: str) -> dict[Kind, Edit]:
    return {edit.kind: edit for edit in report(text, **others).flows.edits}


def costs(edit: Edit) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(cost.effect, cost.told.path, cost.told.flows) for cost in edit.costs]


def with_rules(*rules: str, policy: str = "DROP", before: str = "") -> str:
    """A table filter with some rules for INPUT."""
    lines = "".join(f"-A INPUT {rule}\n" for rule in rules)
    return f"{before}*filter\n:INPUT {policy} [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n{lines}COMMIT\n"


_ANSWERS = "-m state --state ESTABLISHED,RELATED -j ACCEPT"
_RAW = "*raw\n-A PREROUTING {0}-p tcp --dport 80 -j NOTRACK\n-A OUTPUT {0}-p tcp --sport 80 -j NOTRACK\nCOMMIT\n"

# ── why ──


def test_rules_are_grouped_by_their_words_the_most_frequent_first() -> None:
    nat = "*nat\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n"
    found = report(nat + _SERVER)
    assert [(cause.words, cause.lines) for cause in found.causes] == [
        ("-m state", (9, 10, 11)),
        ("-j MASQUERADE", (2,)),
    ]


def test_a_rule_that_no_packet_meets_has_all_tracked() -> None:
    rules = "-A INPUT -j ACCEPT\n-A INPUT -m state --state NEW -j DROP\n-A dead -m state --state NEW\n"
    found = report(f"*filter\n:dead - [0:0]\n{rules}COMMIT\n")
    assert found.is_tracked
    assert found.flows.dead == (4, 5)
    assert found.flows.edits == ()


@pytest.mark.parametrize(
    ("kernel", "tracked", "loads"),
    [("6.x", False, ["-j NOTRACK"]), ("5.x", False, ["-j NOTRACK"]), ("el6", False, ["-j NOTRACK"]), ("el5", True, [])],
)
def test_rules_that_only_load_the_module_track_on_the_oldest_kernel_alone(
    kernel: str, tracked: bool, loads: list[str]
) -> None:
    found = report(_RAW.format(""), kernel)
    assert found.is_tracked is tracked
    assert [cause.words for cause in found.loads] == loads


@pytest.mark.parametrize(("kernel", "spare"), [("6.x", ()), ("4.14", ()), ("el7", (1,)), ("el6", (1,)), ("el5", (1,))])
def test_a_nat_table_without_rules_tracks_up_to_el7(kernel: str, spare: tuple[int, ...]) -> None:
    found = report("*nat\nCOMMIT\n", kernel)
    assert (found.is_tracked, found.spare_tables) == (bool(spare), spare)


def test_ipv6_rules_have_ipv4_tracked_on_el5() -> None:
    found = report("*filter\n-A INPUT -m state --state NEW\nCOMMIT\n", "el5", family="ipv6")
    assert (found.is_tracked, found.tracked) == (False, "IPv4")
    assert "cannot track IPv6" in found.undecided


def test_files_of_the_host_track_or_only_load_by_kernel() -> None:
    file = ("iptables-config", 'IPTABLES_MODULES="ip_conntrack_netbios_ns"\n')
    old, new = (report("*filter\nCOMMIT\n", kernel, file) for kernel in ("el5", "6.x"))
    assert [(line.words, line.line) for line in old.modules] == [("ip_conntrack_netbios_ns", 1)]
    assert (new.modules, [line.words for line in new.idle]) == ((), ["ip_conntrack_netbios_ns"])
    assert (old.is_tracked, new.is_tracked) == (True, False)


def test_a_module_may_track_the_other_family_only() -> None:
    found = report("*filter\nCOMMIT\n", "el7", ("modules-load.d/a.conf", "nf_conntrack_ipv6\nnf_conntrack\n"))
    assert [line.words for line in found.others] == ["nf_conntrack_ipv6"]
    assert [line.words for line in found.idle] == ["nf_conntrack"]
    assert not found.is_tracked


# ── which flows ──


def test_flows_that_are_untracked_both_ways() -> None:
    text = with_rules("-p tcp --dport 80 -m state --state NEW,UNTRACKED -j ACCEPT", _ANSWERS, before=_RAW.format(""))
    flows = report(text).flows
    assert [(told.path, told.flows) for told in flows.untracked] == [("input", ("tcp port 80",))]
    assert flows.half == flows.refused == ()


def test_flows_of_which_one_direction_is_forgotten_are_half_tracked() -> None:
    raw = "*raw\n-A PREROUTING -p tcp --dport 80 -j NOTRACK\nCOMMIT\n"
    text = with_rules("-p tcp --dport 80 -m state --state NEW,UNTRACKED -j ACCEPT", _ANSWERS, before=raw)
    flows = report(text).flows
    assert [(told.path, told.flows) for told in flows.half] == [("input", ("tcp port 80",))]
    assert flows.untracked == ()


def test_untracked_flows_that_no_rule_accepts_so() -> None:
    text = with_rules("-p tcp --dport 80 -m state --state NEW -j ACCEPT", _ANSWERS, before=_RAW.format(""))
    flows = report(text).flows
    assert [(told.path, told.flows) for told in flows.refused] == [("input", ("tcp port 80",))]


# ── what NOTRACK can take ──


def test_ports_open_to_any_address_and_to_some() -> None:
    found = report(_SERVER).flows.candidates
    assert (found.anybody, found.some) == ("tcp/80", "tcp/22")


@pytest.mark.parametrize(
    ("before", "reason", "ports"),
    [
        (
            "*nat\n-A PREROUTING -s 203.0.113.7 -p tcp --dport 80 -j REDIRECT --to-ports 80\nCOMMIT\n",
            "translated",
            "tcp/80",
        ),
        ("*nat\n-A PREROUTING -p tcp --dport 81 -j REDIRECT --to-ports 80\nCOMMIT\n", "target", "tcp/80"),
        ("*raw\n-A PREROUTING -p tcp --dport 80 -j CT --helper ftp\nCOMMIT\n", "helper", "tcp/80"),
    ],
)
def test_ports_that_must_stay_tracked(before: str, reason: str, ports: str) -> None:
    found = report(before + _SERVER).flows.candidates
    assert (reason, ports) in [(blocker.reason, blocker.ports) for blocker in found.blockers]
    assert found.anybody == ""


def test_ports_of_own_connections_stay_tracked() -> None:
    found = report(with_rules("-p tcp --dport 40000 -m state --state NEW -j ACCEPT", _ANSWERS)).flows.candidates
    assert [(blocker.reason, blocker.ports) for blocker in found.blockers] == [("own", "tcp/40000")]


def test_a_masquerading_router_keeps_high_ports_tracked() -> None:
    text = (
        "*nat\n-A POSTROUTING -o ppp0 -j MASQUERADE\nCOMMIT\n*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n"
        "-A INPUT -p tcp --dport 8080 -m state --state NEW -j ACCEPT\nCOMMIT\n"
    )
    assert [blocker.reason for blocker in report(text).flows.candidates.blockers] == ["hidden"]


# ── edits ──


def test_the_way_of_a_server_from_stateful_to_stateless() -> None:
    found = edits(_SERVER)
    assert {kind: edit.lines for kind, edit in found.items()} == {Kind.REPLIES: (6,), Kind.REQUESTS: (7, 8)}
    assert costs(found[Kind.REPLIES]) == [("lost", "output", ("all",)), ("errors", "input", ())]
    assert costs(found[Kind.REQUESTS]) == [
        ("strays", "input", ("tcp port 80", "tcp from 198.51.100.0/24 port 22")),
    ]
    assert (is_free(found[Kind.REPLIES]), is_free(found[Kind.REQUESTS])) == (False, True)


@pytest.mark.parametrize(
    ("output", "flows"),
    [
        ("-p tcp --dport 443 -m state --state NEW -j ACCEPT", ("tcp port 443",)),
        ("-d 192.0.2.53 -p udp --dport 53 -m state --state NEW -j ACCEPT", ("udp to 192.0.2.53 port 53",)),
    ],
)
def test_answers_are_lost_of_what_this_host_may_ask(output: str, flows: tuple[str, ...]) -> None:
    text = (
        with_rules(_ANSWERS).replace(":OUTPUT ACCEPT", ":OUTPUT DROP").replace("COMMIT", f"-A OUTPUT {output}\nCOMMIT")
    )
    assert costs(edits(text)[Kind.REPLIES])[0] == ("lost", "output", flows)


def test_answers_from_a_set_that_is_refused_further_down_are_lost() -> None:
    text = with_rules(_ANSWERS, "-m set --match-set bad src -j DROP", "-j ACCEPT")
    assert costs(edits(text)[Kind.REPLIES])[0] == ("lost", "output", ("all",))


def test_limits_that_are_asked_either_way_lose_nothing() -> None:
    text = with_rules(_ANSWERS, "-p icmp --icmp-type 8 -m limit --limit 1/s -j ACCEPT", policy="ACCEPT")
    assert edits(text)[Kind.REPLIES].costs == ()


def test_answers_that_pass_anyway_cost_nothing() -> None:
    (edit,) = report(with_rules(_ANSWERS, policy="ACCEPT")).flows.edits
    assert (edit.kind, edit.costs) == (Kind.REPLIES, ())


def test_connections_to_this_host_need_their_state_where_output_is_filtered() -> None:
    text = with_rules("-p tcp --dport 80 -m state --state NEW -j ACCEPT", _ANSWERS).replace(
        ":OUTPUT ACCEPT", ":OUTPUT DROP"
    )
    text = text.replace("COMMIT", "-A OUTPUT -m state --state ESTABLISHED -j ACCEPT\nCOMMIT")
    assert ("lost", "input", ("tcp port 80",)) in costs(edits(text)[Kind.REPLIES])


def test_without_state_the_later_segments_pass_where_only_syn_did() -> None:
    text = with_rules("-p tcp --syn --dport 80 -m state --state NEW -j ACCEPT", _ANSWERS)
    assert [path for effect, path, _ in costs(edits(text)[Kind.REPLIES]) if effect == "lost"] == ["output"]


def test_refused_strays_are_put_down_to_the_rule_that_refuses_them() -> None:
    text = with_rules("-m state --state INVALID -j DROP", "-p tcp --dport 80 -m state --state NEW -j ACCEPT", _ANSWERS)
    found = edits(text)
    assert costs(found[Kind.STRAY]) == [("strays", "input", ("tcp port 80",))]
    assert found[Kind.REQUESTS].costs == ()


def test_what_refuses_new_flows_lets_in_all_but_tcp() -> None:
    found = edits(with_rules("-m state --state NEW -j DROP", policy="ACCEPT"))
    assert costs(found[Kind.REFUSALS]) == [("opened", "input", ("not tcp",))]


def test_limits_on_new_connections_would_count_packets() -> None:
    (edit,) = report(with_rules("-p tcp --dport 22 -m state --state NEW -m limit --limit 3/min -j ACCEPT")).flows.edits
    assert (edit.kind, edit.rates, is_free(edit)) == (Kind.REQUESTS, (5,), False)


def test_nat_costs_what_it_translates() -> None:
    text = (
        "*nat\n-A PREROUTING -i ppp0 -p tcp --dport 80 -j DNAT --to-destination 192.168.1.2\n"
        "-A POSTROUTING -s 192.168.1.0/24 -o ppp0 -j MASQUERADE\nCOMMIT\n"
    )
    (edit,) = report(text).flows.edits
    assert (edit.kind, edit.names) == (Kind.NAT, ("DNAT", "MASQUERADE"))
    assert costs(edit)[0] == ("translated", "arriving", ("tcp port 80 in ppp0",))
    assert ("translated", "forward", ("all from 192.168.1.0/24 out ppp0",)) in costs(edit)


@pytest.mark.parametrize(
    ("rule", "table", "kind"),
    [
        ("INPUT -m connlimit --connlimit-above 5 -j DROP", "filter", Kind.LIMIT),
        ("INPUT -m connmark --mark 1 -j ACCEPT", "filter", Kind.MARK),
        ("PREROUTING -j CONNMARK --restore-mark", "mangle", Kind.MARK),
        ("INPUT -m helper --helper ftp -j ACCEPT", "filter", Kind.HELPER),
        ("PREROUTING -p tcp --dport 21 -j CT --helper ftp", "raw", Kind.HELPER),
        ("PREROUTING -j CT --zone 3", "raw", Kind.SETTINGS),
        ("PREROUTING -m state --state INVALID -j DROP", "raw", Kind.IN_RAW),
        ("INPUT -m conntrack --ctstatus ASSURED -j ACCEPT", "filter", Kind.OTHER),
        ("INPUT -m state --state NEW -j LOG", "filter", Kind.NOTES),
        ("INPUT -m state ! --state INVALID -j ACCEPT", "filter", Kind.REQUESTS),
        ("INPUT -m state ! --state ESTABLISHED,RELATED -j DROP", "filter", Kind.REFUSALS),
        ("INPUT -p tcp ! --syn -m state --state NEW -j DROP", "filter", Kind.STRAY),
        ("INPUT -m state --state UNTRACKED -j ACCEPT", "filter", Kind.REPLIES),
        ("INPUT -p udp --dport 53 -m state --state UNTRACKED -j ACCEPT", "filter", Kind.REQUESTS),
    ],
)
def test_kinds_of_edits(rule: str, table: str, kind: Kind) -> None:
    found = report(f"*{table}\n-A {rule}\nCOMMIT\n")
    assert [edit.kind for edit in found.flows.edits] == [kind]


def test_data_connections_are_lost_only_where_a_helper_announces_them() -> None:
    helper = "*raw\n-A PREROUTING -p tcp --dport 21 -j CT --helper ftp\nCOMMIT\n"
    assert "data" not in [effect for effect, _, _ in costs(edits(_SERVER)[Kind.REPLIES])]
    assert "data" in [effect for effect, _, _ in costs(edits(helper + _SERVER)[Kind.REPLIES])]


def test_ipv6_flows_and_errors() -> None:
    text = with_rules(_ANSWERS, "-s 2001:db8:51::/48 -p tcp --dport 22 -m state --state NEW -j ACCEPT")
    found = report(text, family="ipv6").flows
    assert found.candidates.some == "tcp/22"
    assert [(cost.effect, cost.told.path) for cost in found.edits[0].costs] == [("lost", "output"), ("errors", "input")]


# ── the promise ──


def _with_free_edits(text: str) -> str:
    """The ruleset after the edits that are said to cost nothing."""
    lines = text.splitlines(keepends=True)
    for edit in report(text).flows.edits:
        for line in edit.lines if is_free(edit) else ():
            stateless = re.sub(r" -m (state|conntrack) --(ct)?state \S+| --syn\b", "", lines[line - 1])
            lines[line - 1] = stateless if edit.kind is Kind.REQUESTS else "\n"
    return "".join(lines)


@pytest.mark.parametrize("name", ["web-server", "dns-server", "memcached", "router-nat", "docker-host"])
def test_what_is_said_to_cost_nothing_closes_nothing_and_opens_for_strays_alone(root: Path, name: str) -> None:
    old = (root / f"examples/{name}.rules").read_text(encoding="utf-8")
    new = _with_free_edits(old)
    assert new != old
    found = api.diff(rulec.parse(old, "old", "ipv4"), rulec.parse(new, "new", "ipv4"), everything=True)
    changed = [flow for flow in found.flows if flow.kind in ("opened", "closed", "untracked", "tracked", "rewritten")]
    assert [flow.kind for flow in changed if flow.kind != "opened"] == []
    assert [flow.witness for flow in changed if "state INVALID" not in flow.witness] == []
