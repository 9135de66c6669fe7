"""The witness of a flow, sent to a real kernel: the rule that is said to decide of it counts it, before and after."""

from __future__ import annotations

import re
import socket
from ipaddress import ip_address

import pytest

import rulec
from rulec.model import Family
from rulec.model.protocols import TCP, UDP
from rulec.packetset.packet import Packet, read_packet
from rulec.query.diff import compare
from rulec.query.diff_deciders import Decider
from tests.kernel.conftest import restore, run_in
from tests.kernel.network import Pair, inside, pair

HEAD = "*filter\n:INPUT {} [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n{}"
SSH = "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n"
OFFICE = "-A INPUT -s 10.9.0.0/16 -p tcp -m tcp --dport 22 -j ACCEPT\n"
STATES = "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"

PAIRS = {
    "port opened": (HEAD.format("DROP", SSH), HEAD.format("DROP", SSH + SSH.replace("22", "80"))),
    "source narrowed": (HEAD.format("DROP", SSH), HEAD.format("DROP", OFFICE)),
    "policy": (HEAD.format("ACCEPT", SSH), HEAD.format("DROP", SSH)),
    "order": (
        HEAD.format("DROP", SSH + "-A INPUT -p tcp -j DROP\n"),
        HEAD.format("DROP", "-A INPUT -p tcp -j DROP\n" + SSH),
    ),
    "datagrams": (HEAD.format("DROP", STATES), HEAD.format("DROP", STATES + "-A INPUT -p udp -j ACCEPT\n")),
    "chain": (
        HEAD.format("DROP", ":office - [0:0]\n-A INPUT -j office\n-A office -p tcp -m tcp --dport 80 -j ACCEPT\n"),
        HEAD.format("DROP", ":office - [0:0]\n-A INPUT -j office\n-A office -p tcp -m tcp --dport 81 -j ACCEPT\n"),
    ),
    "untracked": (
        HEAD.format("DROP", "-A INPUT -m conntrack --ctstate UNTRACKED -j ACCEPT\n"),
        HEAD.format("DROP", "-A INPUT -m conntrack --ctstate UNTRACKED -j ACCEPT\n")
        + "COMMIT\n*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A PREROUTING -p udp -j CT --notrack\n",
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_the_kernel_decides_of_the_witness_as_said(name: str) -> None:
    old, new = (f"{text}COMMIT\n" for text in PAIRS[name])
    found = compare(rulec.parse(old, "old.v4"), rulec.parse(new, "new.v4"))
    flows = [flow for flow in found.flows if flow.kind in ("opened", "closed")]
    assert flows
    for flow in flows:
        witness = read_packet(flow.witness)
        addresses = [{Family.IPV4: str(ip_address(witness[name])), Family.IPV6: "fd00::1"} for name in ("dst", "src")]
        with pair(addresses[0], {**addresses[1], Family.IPV6: "fd00::2"}) as hosts:
            for text, decider in ((old, flow.before), (new, flow.after)):
                restore(hosts.server, text, Family.IPV4).check_returncode()
                send(hosts, witness)
                assert counted(hosts.server, decider) > 0, (flow, text)


def send(hosts: Pair, packet: Packet) -> None:
    """Send a packet that begins a connection."""
    kind = {TCP: socket.SOCK_STREAM, UDP: socket.SOCK_DGRAM}
    ends = [
        (str(ip_address(packet[end])), int(packet.get(port, 0))) for end, port in (("src", "sport"), ("dst", "dport"))
    ]
    if packet["proto"] not in kind:
        run_in(hosts.client, "ping", "-c", "1", "-W", "1", ends[1][0])
        return
    with inside(hosts.client), socket.socket(socket.AF_INET, kind[int(packet["proto"])]) as near:
        near.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        near.settimeout(0.2)
        near.bind(ends[0])
        near.connect_ex(ends[1])
        if packet["proto"] == UDP:
            near.send(b"x")


def counted(ns: str, decider: Decider) -> int:
    """How many packets a rule or a policy has met."""
    saved = run_in(ns, "iptables-legacy-save", "-c", "-t", decider.table).stdout
    policy = re.match(r"policy (\w+) of (\w+) ", decider.text)
    if policy:
        found = re.search(rf"(?m)^:{policy[2]} {policy[1]} \[(\d+):", saved)
    else:
        found = re.search(rf"(?m)^\[(\d+):\d+\] {re.escape(decider.text)}$", saved)
    assert found, (decider, saved)
    return int(found[1])
