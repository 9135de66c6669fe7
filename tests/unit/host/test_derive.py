"""Which trials a ruleset and a policy ask for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import rulec
from rulec.errors import RulecError
from rulec.host.derive import Derived, derive
from rulec.host.trial import Expected, Kind, Left, Trial
from rulec.model.protocols import TCP, UDP
from tests.unit.host.values import WEB, number, policy

SERVER = """\
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp --dport 22 -m conntrack --ctstate NEW -j ACCEPT
-A INPUT -s 10.0.0.0/8 -i wan0 -p tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT
COMMIT
"""

ROUTER = """\
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -i lan0 -o wan0 -m conntrack --ctstate NEW -j ACCEPT
COMMIT
*nat
-A PREROUTING -i wan0 -p tcp --dport 8081 -j DNAT --to-destination 10.2.0.2:80
-A POSTROUTING -o wan0 -j MASQUERADE
COMMIT
"""

RESOLVER = """
version: 1
mode: notrack
hot:
  - {name: dns, role: client, protocol: udp, ports: [53], client-ports: "32768-60999"}
"""


def derived(text: str = SERVER, asked: str = "", family: str = "ipv4") -> Derived:
    return derive(rulec.parse(text, family=family), policy(asked) if asked else policy())


def about(found: Derived, name: str) -> list[Trial]:
    return [trial for trial in found.trials if trial.about == name]


def test_a_hot_flow_is_one_that_the_ruleset_admits() -> None:
    hot = about(derived(), "web")
    assert hot
    for trial in hot:
        assert (trial.flow.protocol, trial.flow.answerer_port, trial.flow.path) == (TCP, 80, "input")
        assert trial.flow.asker >> 24 == 10
        assert trial.flow.asker_link == "wan0"
        assert trial.left is Left.NONE
        assert {step.kind for step in trial.steps} == set(Kind) - {Kind.STRAY}


def test_hot_flows_come_first() -> None:
    names = [trial.about for trial in derived().trials]
    assert names[: names.count("web")] == ["web"] * names.count("web")


def test_no_connection_is_tried_twice() -> None:
    found = derived().trials
    assert len({(trial.flow.protocol, trial.flow.ends) for trial in found if trial.about == "web"}) == 2
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    ("name", "shows"),
    [
        ("web, a port beside it", lambda trial: trial.flow.answerer_port in (79, 81) and trial.left is Left.SAME),
        ("web, from the hot port", lambda trial: trial.flow.path == "output" and trial.flow.asker_port == 80),
        ("web, from the hot port to another", lambda trial: trial.flow.asker_port == 80),
        ("web, not admitted", lambda trial: trial.flow.asker >> 24 != 10 or trial.flow.asker_link != "wan0"),
        ("web, over the loopback", lambda trial: trial.flow.asker == number("127.0.0.1") and trial.left is Left.SAME),
        ("web, no connection", lambda trial: Expected.MORE in trial.expected and trial.steps[0].kind is Kind.STRAY),
        ("web, to the same port elsewhere", lambda trial: trial.flow.path == "output"),
        ("line 6", lambda trial: trial.flow.answerer_port == 22 and trial.left is Left.SAME),
        ("line 6, from the other side", lambda trial: trial.flow.asker_port == 22 and trial.flow.path == "output"),
        ("the policy of OUTPUT", lambda trial: trial.flow.path == "output"),
    ],
)
def test_what_is_close_to_it(name: str, shows: Callable[[Trial], bool]) -> None:
    found = about(derived(), name)
    assert found
    assert all(shows(trial) for trial in found)


def test_that_nobody_begins_from_the_hot_port_is_assumed_below_the_ephemeral_ones_only() -> None:
    high = "version: 1\nmode: notrack\nhot:\n  - {name: web, role: server, protocol: tcp, ports: [40080]%s}\n"
    text = SERVER.replace("--dport 80", "--dport 40080")
    for asked, expected in ((high % ", reserved: true", Expected.LESS), (high % "", Expected.SAME)):
        assert {trial.expected for trial in about(derived(text, asked), "web, from the hot port")} == {expected}


def test_a_client_asks_from_its_ports() -> None:
    text = SERVER.replace(":OUTPUT ACCEPT", ":OUTPUT DROP").replace(
        "COMMIT", "-A OUTPUT -p udp --dport 53 -j ACCEPT\nCOMMIT"
    )
    found = derived(text, RESOLVER)
    assert {(trial.flow.path, trial.flow.protocol) for trial in about(found, "dns")} == {("output", UDP)}
    assert all(32768 <= trial.flow.asker_port <= 60999 for trial in about(found, "dns"))
    other = about(found, "dns, to the same port elsewhere")
    assert other
    assert all(trial.flow.asker_port < 32768 and trial.left is Left.SAME for trial in other)
    beyond = about(found, "dns, from the hot port to another")
    assert {trial.flow.answerer_port for trial in beyond} == {22, 161}
    assert {trial.flow.path for trial in beyond} == {"input"}


def test_flows_through_a_router_go_from_link_to_link() -> None:
    found = derived(ROUTER, RESOLVER)
    [trial] = [one for one in about(found, "dns, to the same port elsewhere") if one.flow.path == "forward"]
    assert (trial.flow.asker_link, trial.flow.answerer_link, trial.expected) == ("lan0", "wan0", Expected.SAME)
    assert found.outside == "wan0"


def test_a_rule_that_translates_is_tried() -> None:
    [trial] = about(derived(ROUTER), "line 9")
    assert (trial.flow.answerer_port, trial.flow.asker_link, trial.flow.path) == (8081, "wan0", "input")


def test_a_masqueraded_flow_from_a_hot_port_is_an_assumption_below_1024() -> None:
    asked = "version: 1\nmode: notrack\nhot:\n  - {name: web, role: server, protocol: tcp, ports: [%d]}\n"
    for port, expected in ((80, Expected.LESS), (8080, Expected.SAME)):
        found = about(derived(ROUTER, asked % port), "web, from the same port elsewhere")
        assert {trial.expected for trial in found if trial.flow.path == "forward"} == {expected}


def test_so_it_is_whatever_asks_for_the_flow() -> None:
    text = ROUTER.replace("-i lan0 -o wan0 -m", "-i lan0 -o wan0 -p tcp --sport 80 -m")
    [found] = about(derived(text), "line 6")
    assert (found.flow.asker_port, found.expected) == (80, Expected.LESS)


def test_an_address_that_is_forwarded_to_by_name_is_not_of_this_host() -> None:
    text = SERVER.replace("COMMIT", "-A INPUT {}-j ACCEPT\n-A FORWARD -d 192.0.2.1/32 -j ACCEPT\nCOMMIT")
    for where, there in (("", False), ("-d 192.0.2.1/32 ", True)):
        local = [trial.flow.answerer for trial in derived(text.format(where)).trials if trial.flow.path == "input"]
        assert (number("192.0.2.1") in local) == there


def test_what_is_begun_from_a_hot_port_may_go_where_it_was_sent_from() -> None:
    """It is assumed that nobody does; what is untracked is not sent elsewhere by NAT any more."""
    rule = "*nat\n-A OUTPUT -p tcp -j REDIRECT --to-ports 9000\nCOMMIT\n"
    for text, expected in ((SERVER, Expected.LESS), (SERVER + rule, Expected.LESS | Expected.MORE)):
        assert {trial.expected for trial in about(derived(text), "web, from the hot port")} == {expected}


def test_without_tracking_nothing_leaves_an_entry() -> None:
    found = derived(asked=WEB.replace("notrack", "stateless"))
    assert {trial.left for trial in found.trials} == {Left.NONE}


def test_errors_that_the_policy_leaves_are_not_tried() -> None:
    asked = WEB.replace("hot:", "icmp-errors: leave\nhot:")
    [first, *_] = about(derived(asked=asked), "web")
    assert Kind.ERROR not in {step.kind for step in first.steps}


def test_ipv6() -> None:
    text = SERVER.replace("-s 10.0.0.0/8", "-s 2001:db8:5::/64")
    hot = about(derived(text, family="ipv6"), "web")
    assert hot
    assert all(trial.flow.asker >> 64 == number("2001:db8:5::") >> 64 for trial in hot)


def test_a_circle_of_chains_cannot_be_tried() -> None:
    text = "*filter\n:A - [0:0]\n:B - [0:0]\n-A A -j B\n-A B -j A\nCOMMIT\n"
    with pytest.raises(RulecError, match="circle"):
        derived(text)


def test_ports_that_are_left_out_are_said() -> None:
    asked = WEB.replace("[80]", "[80, 82, 84, 86, 88]")
    assert derived(asked=asked).skipped == ("web: ports beyond the first 4 ranges",)


SPREAD = ROUTER.replace(
    "-A PREROUTING",
    "-A PREROUTING -i wan0 -p tcp --dport 8081 -m statistic --mode random --probability 0.5"
    " -j DNAT --to-destination 10.2.0.3:80\n-A PREROUTING",
)


def test_where_chance_decides_nothing_is_tried() -> None:
    found = derived(SPREAD)
    assert about(found, "line 9") == about(found, "line 10") == []


def test_of_many_rules_some_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rulec.host.derive.MOST_RULES", 1)
    found = derived()
    assert [trial.about for trial in found.trials if trial.about.startswith("line")] == [
        "line 6",
        "line 6, from the other side",
    ]
    assert found.skipped == ("flows of rules beyond the first 1",)
    assert derived(ROUTER).skipped


def test_only_the_families_of_an_entry_are_hot() -> None:
    asked = WEB.replace("ports: [80]", "ports: [80], families: [ipv4]")
    text = SERVER.replace("-s 10.0.0.0/8", "")
    assert about(derived(text, asked), "web")
    assert not about(derived(text, asked, "ipv6"), "web")


def test_lone_packets_come_last() -> None:
    """So that a rule with a memory has counted the same under both rulesets."""
    lone = [trial.steps[0].kind is Kind.STRAY for trial in derived().trials]
    assert any(lone)
    assert lone == sorted(lone)


STATELESS = """
version: 1
mode: stateless
losses: accept
hot:
  - {name: web, role: server, protocol: tcp, ports: [80]}
"""


def test_without_tracking_what_this_host_asks_may_be_lost() -> None:
    found = derived(SERVER, STATELESS).trials
    assert all(Expected.LESS in trial.expected for trial in found if trial.flow.path == "output")
    assert not any(Expected.LESS in trial.expected for trial in about(derived(SERVER, STATELESS), "line 6"))
    refused = derived(SERVER, STATELESS.replace("losses: accept", "losses: refuse"))
    asked = [trial for trial in about(refused, "the policy of OUTPUT") if trial.flow.asker_port != 80]
    assert not any(Expected.LESS in trial.expected for trial in asked)


def test_without_tracking_what_is_listed_is_asked_from_its_ports_alone() -> None:
    """That nothing else is asked from other ports is assumed; all else that this host asks is to be kept."""
    entry = "{name: to, role: client, protocol: tcp, ports: [443], client-ports: 40000-40009}"
    asked = STATELESS.replace("accept", "refuse").replace("hot:", f"hot:\n  - {entry}")
    rule = "-A OUTPUT -p tcp --dport 443 --sport {} -m conntrack --ctstate NEW -j ACCEPT"
    expected = {}
    for ports in ("40000:40009", "50000:50009"):
        found = derived(SERVER.replace("COMMIT", f"{rule.format(ports)}\nCOMMIT", 1), asked).trials
        asking = [trial for trial in found if trial.flow.asker_port == int(ports[:5]) and len(trial.steps) > 1]
        expected[ports] = {Expected.LESS in trial.expected for trial in asking}
    assert expected == {"40000:40009": {False}, "50000:50009": {True}}


BEHIND = """
version: 1
mode: notrack
hot:
  - {name: web, role: forward, protocol: tcp, ports: [80], servers: [192.0.2.10]}
"""


def test_that_servers_behind_this_host_only_answer_is_assumed() -> None:
    rule = "-A FORWARD -i lan0 -o wan0 -m conntrack --ctstate NEW -j ACCEPT"
    found = derived(
        ROUTER.partition("*nat")[0].replace(rule, "-A FORWARD -m conntrack --ctstate NEW -j ACCEPT"), BEHIND
    )
    turned = about(found, "web, from the hot port")
    assert turned
    assert all(Expected.LESS in trial.expected for trial in turned)
