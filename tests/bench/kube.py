"""Rulesets as kube-proxy writes them: one chain a service, one chain an endpoint.

KUBE-SERVICES picks the service by its address and port, KUBE-SVC-... draws an
endpoint with the statistic match, KUBE-SEP-... rewrites the destination.  The
names of the chains are hashes in base 32, 16 letters long.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import random
from collections.abc import Iterator
from typing import NamedTuple

from tests.bench.saved import Table, host, printed

NAMESPACES = ("default", "kube-system", "monitoring", "shop", "payments", "ingress-nginx", "search", "staging", "data")
APPS = ("web", "api", "cart", "auth", "redis", "postgres", "kafka", "search", "metrics", "mail", "gateway", "worker")
PORTS = (("http", 80), ("https", 443), ("grpc", 9090), ("metrics", 9100), ("db", 5432), ("amqp", 5672), ("dns", 53))
NODES = "10.244.0.0/16"
PODS = "10.128.0.0/9"
SERVICES = "10.64.0.0/10"
BALANCERS = "203.0.112.0/20"
LONGEST = 64  # endpoints of one service
STICKY_SECONDS = 10800  # the default of sessionAffinityConfig.clientIP.timeoutSeconds
FULL = 0x80000000  # xt_statistic keeps a probability as a fraction of this

FILTER_CHAINS = ("EXTERNAL-SERVICES", "FIREWALL", "FORWARD", "NODEPORTS", "PROXY-CANARY", "PROXY-FIREWALL", "SERVICES")
LOAD_BALANCER = (
    '-m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL'
)
PORTALS = '-m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES'
EXTERNAL = (
    '-m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" '
    "-j KUBE-EXTERNAL-SERVICES"
)
FORWARDING = "kubernetes forwarding"
NODE_PORTS_LAST = (
    '-m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" '
    "-m addrtype --dst-type LOCAL -j KUBE-NODEPORTS"
)
FILTER_RULES = (
    ("INPUT", LOAD_BALANCER),
    ("INPUT", '-m comment --comment "kubernetes health check service ports" -j KUBE-NODEPORTS'),
    ("INPUT", EXTERNAL),
    ("INPUT", "-j KUBE-FIREWALL"),
    ("FORWARD", LOAD_BALANCER),
    ("FORWARD", f'-m comment --comment "{FORWARDING} rules" -j KUBE-FORWARD'),
    ("FORWARD", PORTALS),
    ("FORWARD", EXTERNAL),
    ("OUTPUT", LOAD_BALANCER),
    ("OUTPUT", PORTALS),
    ("OUTPUT", "-j KUBE-FIREWALL"),
    (
        "KUBE-FIREWALL",
        '! -s 127.0.0.0/8 -d 127.0.0.0/8 -m comment --comment "block incoming localnet connections" '
        "-m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP",
    ),
    ("KUBE-FORWARD", "-m conntrack --ctstate INVALID -j DROP"),
    ("KUBE-FORWARD", f'-m comment --comment "{FORWARDING} rules" -m mark --mark 0x4000/0x4000 -j ACCEPT'),
    (
        "KUBE-FORWARD",
        f'-m comment --comment "{FORWARDING} conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    ),
)
NAT_RULES = (
    ("PREROUTING", '-m comment --comment "kubernetes service portals" -j KUBE-SERVICES'),
    ("OUTPUT", '-m comment --comment "kubernetes service portals" -j KUBE-SERVICES'),
    ("POSTROUTING", '-m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING'),
    ("KUBE-MARK-MASQ", "-j MARK --set-xmark 0x4000/0x4000"),
    ("KUBE-POSTROUTING", "-m mark ! --mark 0x4000/0x4000 -j RETURN"),
    ("KUBE-POSTROUTING", "-j MARK --set-xmark 0x4000/0x0"),
    (
        "KUBE-POSTROUTING",
        '-m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully',
    ),
)
FIXED = len(FILTER_RULES) + len(NAT_RULES) + 1


class Service(NamedTuple):
    """A port of a service, and what has been decided about it."""

    name: str
    protocol: str
    address: str
    port: int
    target_port: int
    endpoints: tuple[str, ...]
    node_port: int
    balancer: str
    sticky: bool

    @property
    def chain(self) -> str:
        """The chain that draws an endpoint."""
        return f"KUBE-SVC-{hashed(self.name, self.protocol)}"

    @property
    def outside(self) -> str:
        """The chain for traffic from outside of the cluster."""
        return f"KUBE-EXT-{hashed(self.name, self.protocol)}"

    def endpoint_chain(self, address: str) -> str:
        """The chain that rewrites the destination to one endpoint."""
        return f"KUBE-SEP-{hashed(self.name, self.protocol, f'{address}:{self.target_port}')}"


def hashed(*parts: str) -> str:
    """The 16 letters that kube-proxy makes of a name: SHA-256 in base 32, cut."""
    return base64.b32encode(hashlib.sha256("".join(parts).encode()).digest()).decode()[:16]


def kube(rules: int, seed: int) -> Iterator[str]:
    """The lines of a kube-proxy ruleset with exactly so many rules."""
    if rules < FIXED:
        raise ValueError(f"a kube-proxy ruleset has at least {FIXED} rules")
    rng = random.Random(f"kube {seed}")
    nat, filter_ = Table("nat"), Table("filter")
    _add_fixed(nat, filter_)
    _add_services(nat, filter_, rules - 1, rng)
    nat.add("KUBE-SERVICES", NODE_PORTS_LAST)
    mangle = Table("mangle")
    mangle.declare("KUBE-IPTABLES-HINT", "KUBE-KUBELET-CANARY", "KUBE-PROXY-CANARY")
    return printed((mangle, filter_, nat), rng)


def _add_fixed(nat: Table, filter_: Table) -> None:
    filter_.declare(*(f"KUBE-{name}" for name in FILTER_CHAINS))
    nat.declare("KUBE-NODEPORTS", "KUBE-SERVICES", "KUBE-PROXY-CANARY")
    for chain, rule in FILTER_RULES:
        filter_.add(chain, rule)
    for chain, rule in NAT_RULES:
        nat.add(chain, rule)


def _add_services(nat: Table, filter_: Table, rules: int, rng: random.Random) -> None:
    """Services until the count is reached; those that would pass it have lost their endpoints."""
    pods = (host(number, PODS) for number in itertools.count(1))
    room = rules - len(nat) - len(filter_)
    for number in itertools.count(1):
        if not room:
            return
        service = _service(number, pods, rng)
        made = list(_nat_rules(service)) if rng.random() < 0.97 else []
        if not made or len(made) > room:
            made = []
            filter_.add("KUBE-SERVICES", _no_endpoints(service))
        for chain, rule in made:
            nat.add(chain, rule)
        room -= len(made) or 1


def _service(number: int, pods: Iterator[str], rng: random.Random) -> Service:
    port_name, port = rng.choice(PORTS)
    app = f"{rng.choice(APPS)}-{number}"
    name = f"{rng.choice(NAMESPACES)}/{app}:{port_name}"
    outside = rng.random()
    return Service(
        name=name,
        protocol="udp" if port_name == "dns" and rng.random() < 0.5 else "tcp",
        address=host(number, SERVICES),
        port=port,
        target_port=rng.choice((port, 8000 + port, 8080, 3000)),
        endpoints=tuple(itertools.islice(pods, min(LONGEST, 1 + int(rng.expovariate(1 / 2.5))))),
        node_port=30000 + number % 2768 if outside < 0.12 else 0,
        balancer=host(number, BALANCERS) if outside < 0.03 else "",
        sticky=rng.random() < 0.02,
    )


def _nat_rules(service: Service) -> Iterator[tuple[str, str]]:
    """The rules of a service, each with its chain."""
    cluster = _portal(service, service.address, "cluster IP")
    yield "KUBE-SERVICES", f"{cluster} -j {service.chain}"
    yield service.chain, f"! -s {NODES} {cluster} -j KUBE-MARK-MASQ"
    if service.balancer:
        yield "KUBE-SERVICES", f"{_portal(service, service.balancer, 'loadbalancer IP')} -j {service.outside}"
    if service.node_port:
        yield from _outside_rules(service)
    if service.sticky:
        yield from _sticky_rules(service)
    for number, address in enumerate(service.endpoints):
        yield service.chain, _draw(service, number, address)
        yield from _endpoint_rules(service, address)


def _portal(service: Service, address: str, kind: str) -> str:
    protocol = service.protocol
    comment = f'-m comment --comment "{service.name} {kind}"'
    return f"-d {address}/32 -p {protocol} {comment} -m {protocol} --dport {service.port}"


def _outside_rules(service: Service) -> Iterator[tuple[str, str]]:
    protocol = service.protocol
    what = f"masquerade traffic for {service.name} external destinations"
    yield (
        "KUBE-NODEPORTS",
        f'-p {protocol} -m comment --comment "{service.name}" -m {protocol} --dport {service.node_port} '
        f"-j {service.outside}",
    )
    yield service.outside, f'-m comment --comment "{what}" -j KUBE-MARK-MASQ'
    yield service.outside, f"-j {service.chain}"


def _sticky_rules(service: Service) -> Iterator[tuple[str, str]]:
    for address in service.endpoints:
        chain = service.endpoint_chain(address)
        known = f"--rcheck --seconds {STICKY_SECONDS} --reap --name {chain} --mask 255.255.255.255 --rsource"
        yield service.chain, f"{_endpoint_comment(service, address)} -m recent {known} -j {chain}"


def _endpoint_comment(service: Service, address: str) -> str:
    return f'-m comment --comment "{service.name} -> {address}:{service.target_port}"'


def _draw(service: Service, number: int, address: str) -> str:
    """One endpoint of those that are left; the last takes what remains."""
    left = len(service.endpoints) - number
    chance = f" -m statistic --mode random --probability {_probability(left)}" if left > 1 else ""
    return f"{_endpoint_comment(service, address)}{chance} -j {service.endpoint_chain(address)}"


def _probability(left: int) -> str:
    return f"{round(FULL / left) / FULL:.11f}"


def _endpoint_rules(service: Service, address: str) -> Iterator[tuple[str, str]]:
    chain, protocol = service.endpoint_chain(address), service.protocol
    comment = f'-m comment --comment "{service.name}"'
    yield chain, f"-s {address}/32 {comment} -j KUBE-MARK-MASQ"
    known = f" -m recent --set --name {chain} --mask 255.255.255.255 --rsource" if service.sticky else ""
    to = f"{address}:{service.target_port}"
    yield chain, f"-p {protocol} {comment}{known} -m {protocol} -j DNAT --to-destination {to}"


def _no_endpoints(service: Service) -> str:
    return f"{_portal(service, service.address, 'has no endpoints')} -j REJECT --reject-with icmp-port-unreachable"
