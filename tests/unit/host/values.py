"""Flows and policies for the tests of this folder."""

from __future__ import annotations

from ipaddress import ip_address

from rulec.host.trial import Flow
from rulec.model import Family
from rulec.model.protocols import TCP
from rulec.policy import Policy, read

CLIENT, SERVER = "198.51.100.7", "192.0.2.1"

WEB = """
version: 1
mode: notrack
hot:
  - {name: web, role: server, protocol: tcp, ports: [80]}
"""


def number(text: str) -> int:
    """An address as a number."""
    return int(ip_address(text))


def flow(protocol: int = TCP, port: int = 80, come: str = "eth0", gone: str = "", asker_port: int = 40000) -> Flow:
    """A flow of IPv4 from the client to the server."""
    return Flow(Family.IPV4, protocol, number(CLIENT), asker_port, number(SERVER), port, come, gone)


def policy(text: str = WEB) -> Policy:
    """The policy of a text without mistakes."""
    found, problems = read(text, "policy.yaml")
    assert found is not None, problems
    return found
