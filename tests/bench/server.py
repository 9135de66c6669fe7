"""A server with some public ports: who may use the others stands in one chain, a rule for each network and port."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tests.bench.saved import Table, host, printed

PUBLIC = "80,443"
PORTS = (22, 25, 161, 873, 3306, 5432, 5666, 6379, 8080, 9100, 9200, 11211)
COMMENTED = 0.1  # share of the rules with a quoted comment
NEW = "-m conntrack --ctstate NEW"


def server(rules: int, seed: int) -> Iterator[str]:
    """The lines of the ruleset of a server with exactly so many rules."""
    rng = random.Random(f"server {seed}")
    table = Table("filter", INPUT="DROP", FORWARD="DROP")
    for rule in _frame():
        table.add("INPUT", rule)
    if rules <= len(table):
        raise ValueError(f"so small a server has at least {len(table) + 1} rules")
    for number in range(rules - len(table)):
        table.add("services", _service(number, rng))
    return printed((table,), rng)


def _frame() -> Iterator[str]:
    yield "-i lo -j ACCEPT"
    yield "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
    yield "-m conntrack --ctstate INVALID -j DROP"
    yield "-p icmp -m icmp --icmp-type 8 -m limit --limit 20/sec -j ACCEPT"
    yield f"-p tcp -m multiport --dports {PUBLIC} {NEW} -j ACCEPT"
    yield f"{NEW} -j services"
    yield '-m limit --limit 5/min -j LOG --log-prefix "refused: "'
    yield "-p tcp -j REJECT --reject-with tcp-reset"
    yield "-j REJECT --reject-with icmp-port-unreachable"


def _service(number: int, rng: random.Random) -> str:
    """A port for a network that has not had one yet."""
    protocol = rng.choice(("tcp", "tcp", "udp"))
    said = f' -m comment --comment "CHG-{1000 + number} for the office"' if rng.random() < COMMENTED else ""
    where = f"-s {host(number, '10.0.0.0/8')}/32 -p {protocol} -m {protocol} --dport {rng.choice(PORTS)}"
    return f"{where}{said} -j ACCEPT"
