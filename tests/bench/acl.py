"""Stateful access lists: one filter table, a chain for each zone, rules as administrators collect them over years."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from tests.bench.recipes import Recipes, recipes
from tests.bench.saved import Table, dotted, host, printed

PLACES = {"forward": 0.72, "input": 0.18, "output": 0.10}  # share of the rules
ZONE_SIZE = 90  # rules, on average
INSIDE = "10.0.0.0/8"
OUTSIDE = ("80.0.0.0/6", "144.0.0.0/5", "176.0.0.0/6", "208.0.0.0/6")
FRESH = 0.78  # share of the addresses that stand here for the first time
PREFIXES = (32, 32, 32, 32, 32, 32, 32, 30, 29, 28, 27, 26, 24, 24, 24, 22, 20, 16)
COMMON_PORTS = tuple(
    map(int, "22 25 53 80 110 123 143 161 389 443 445 514 636 993 1433 1521 3306 3389 5432 6379".split())
)
STATES = ("NEW", "RELATED,ESTABLISHED", "ESTABLISHED", "INVALID", "NEW,ESTABLISHED", "NEW,RELATED,ESTABLISHED")
FLAGS = ("FIN,SYN,RST,PSH,ACK,URG NONE", "SYN,RST SYN,RST", "FIN,SYN FIN,SYN", "FIN,ACK FIN", "FIN,SYN,RST,ACK SYN")
TYPES = ("LOCAL", "BROADCAST", "MULTICAST", "UNICAST")
RATES = ("1/sec", "3/sec", "10/sec", "25/sec", "5/min", "10/min", "30/min", "1/hour")
LISTS = ("ssh", "web", "scan", "mail", "vpn", "portal")
NEEDLES = ("GET /admin", "User-Agent: sqlmap", "/etc/passwd", "BitTorrent protocol")
WHAT = ("allow web front end", "db replication", "backup to vault", "temporary, see ticket", "monitoring", "old VPN")
HEADS = ("-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "-m conntrack --ctstate INVALID -j DROP")
HELPERS = {
    "log_drop": ('-m limit --limit 10/min -j LOG --log-prefix "drop: "', "-j DROP"),
    "log_reject": (
        '-m limit --limit 10/min -j LOG --log-prefix "reject: " --log-level 6',
        "-p tcp -j REJECT --reject-with tcp-reset",
        "-j REJECT --reject-with icmp-port-unreachable",
    ),
}
TAIL = '-m limit --limit 3/min --limit-burst 10 -j LOG --log-prefix "policy: " --log-tcp-options --log-ip-options'


class Zone(NamedTuple):
    """A user chain, and how its base chain gets there."""

    place: str
    chain: str
    condition: str


class Site:
    """Draws the values that fill the gaps of recipes; hosts and networks come again now and then."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.chain = ""
        self._counter = itertools.count(1)
        self._known = ["10.0.0.53/32"]
        self._tickets = itertools.count(1001)

    def address(self) -> str:
        """An address that has not been given before: two of three are inside."""
        number = next(self._counter)
        return host(number, INSIDE if number % 3 else OUTSIDE[number // 3 % len(OUTSIDE)])

    def net(self) -> str:
        """A host or a network with its prefix length."""
        if self.rng.random() >= FRESH:
            return self.rng.choice(self._known[-2000:])
        length = self.rng.choice(PREFIXES)
        self._known.append(masked(self.address(), length))
        return self._known[-1]

    def span(self) -> str:
        """A range of addresses within one /24."""
        network = self.address().rpartition(".")[0]
        first = self.rng.randint(1, 200)
        return f"{network}.{first}-{network}.{first + self.rng.randint(1, 50)}"

    def port(self) -> str:
        """Mostly a well-known port."""
        if self.rng.random() < 0.7:
            return str(self.rng.choice(COMMON_PORTS))
        return str(self.rng.randint(1024, 49151))

    def range(self) -> str:
        """A port, or a range of them."""
        first = self.rng.randint(1, 60000)
        return self.port() if self.rng.random() < 0.5 else f"{first}:{first + self.rng.randint(1, 5000)}"

    def ports(self) -> str:
        """A list for multiport, at most 15 slots, in rising order."""
        found = self.rng.sample(COMMON_PORTS, self.rng.randint(2, 6))
        listed = [*map(str, sorted(found)), *(["50000:50100"] if self.rng.random() < 0.2 else [])]
        return ",".join(listed)

    def mac(self) -> str:
        """An address of one of a few makers of network cards."""
        maker = self.rng.choice(("00:1b:21", "52:54:00", "3c:fd:fe", "b8:27:eb"))
        return f"{maker}:{self.rng.randbytes(3).hex(':')}"

    def mark(self) -> str:
        """A mark, with a mask now and then."""
        bit = 1 << self.rng.randrange(16)
        return hex(bit) if self.rng.random() < 0.5 else f"{bit:#x}/{bit:#x}"

    def spi(self) -> str:
        """A range of IPsec security parameter indexes."""
        first = self.rng.randint(256, 60000)
        return f"{first}:{first + 255}"

    def sizes(self) -> str:
        """A range of packet lengths."""
        return f"{self.rng.randint(0, 500)}:{self.rng.randint(501, 1500)}"


def masked(address: str, length: int) -> str:
    """The network of that length around an address, as iptables-save prints it."""
    number = int.from_bytes(bytes(map(int, address.split("."))), "big")
    return f"{dotted(number >> (32 - length) << (32 - length))}/{length}"


def _one_of(values: Sequence[object]) -> Callable[[Site], str]:
    return lambda site: str(site.rng.choice(values))


FILLERS: dict[str, Callable[[Site], str]] = {
    "net": Site.net,
    "span": Site.span,
    "port": Site.port,
    "range": Site.range,
    "ports": Site.ports,
    "mac": Site.mac,
    "mark": Site.mark,
    "spi": Site.spi,
    "sizes": Site.sizes,
    "high": _one_of(("1024:65535", "32768:60999", "49152:65535")),
    "icmp": _one_of((0, 3, "3/4", 8, 11, 12)),
    "vlan": lambda site: f"vlan{site.rng.randint(10, 400)}",
    "state": _one_of(STATES),
    "flags": _one_of(FLAGS),
    "type": _one_of(TYPES),
    "rate": _one_of(RATES),
    "burst": _one_of((10, 15, 20, 50, 100)),
    "ttl": _one_of((2, 5, 10)),
    "dscp": _one_of(("0x0a", "0x12", "0x1a", "0x2e")),
    "pkttype": _one_of(("broadcast", "multicast", "unicast")),
    "helper": _one_of(("ftp", "sip", "tftp")),
    "list": _one_of(LISTS),
    "needle": _one_of(NEEDLES),
    "uid": lambda site: str(site.rng.choice((0, 33, 65534, site.rng.randint(1000, 2000)))),
    "group": lambda site: str(site.rng.randint(1, 9)),
    "chain": lambda site: site.chain,
    "ticket": lambda site: f"CHG-{next(site._tickets)}",
    "what": _one_of(WHAT),
}


def acl(rules: int, seed: int) -> Iterator[str]:
    """The lines of a stateful ACL with exactly so many rules."""
    rng = random.Random(f"acl {seed}")
    table, zones = Table("filter", INPUT="DROP", FORWARD="DROP"), _zones(rules)
    _add_frame(table, zones)
    if len(table) > rules:
        raise ValueError(f"so small an ACL has at least {len(table)} rules")
    _add_bodies(table, zones, rules - len(table), rng)
    return printed((table,), rng)


def _zones(rules: int) -> list[Zone]:
    """The zones of a site of that size, by interface."""
    counts = {place: max(1, round(rules * share / ZONE_SIZE)) for place, share in PLACES.items()}
    zones = [Zone("forward", f"fwd-{n}-{n % 7}", _crossing(n)) for n in range(counts["forward"])]
    zones += [Zone("input", f"in-{n}", f"-i vlan{10 + n}") for n in range(counts["input"])]
    return zones + [Zone("output", f"out-{n}", f"-o vlan{10 + n}") for n in range(counts["output"])]


def _crossing(number: int) -> str:
    """By both interfaces, or for every fourth zone by destination."""
    if number % 4 == 3:
        return f"-d {masked(host(number, INSIDE), 20)}"
    return f"-i vlan{10 + number} -o vlan{10 + number % 7}"


def _add_frame(table: Table, zones: list[Zone]) -> None:
    """What every such ruleset begins and ends with."""
    for chain, rules in HELPERS.items():
        for rule in rules:
            table.add(chain, rule)
    table.add("INPUT", "-i lo -j ACCEPT")
    table.add("OUTPUT", "-o lo -j ACCEPT")
    for chain, rule in itertools.product(("INPUT", "FORWARD", "OUTPUT"), HEADS):
        table.add(chain, rule)
    for zone in zones:
        table.declare(zone.chain)
        table.add(zone.place.upper(), f"{zone.condition} -j {zone.chain}")
    for chain in ("INPUT", "FORWARD"):
        table.add(chain, TAIL)


def _add_bodies(table: Table, zones: list[Zone], rules: int, rng: random.Random) -> None:
    """Fill the zones; each rule picks its place, the zones of a place grow unevenly."""
    site, vocabulary = Site(rng), recipes(rng)
    places = rng.choices(list(PLACES), list(PLACES.values()), k=rules)
    for place in PLACES:
        chains = [zone.chain for zone in zones if zone.place == place]
        sizes = [rng.lognormvariate(0, 0.8) for _ in chains]
        for chain in rng.choices(chains, sizes, k=places.count(place)):
            table.add(chain, _rule(vocabulary[place], chain, site))


def _rule(found: Recipes, chain: str, site: Site) -> str:
    site.chain = chain
    recipe = site.rng.choices(found.recipes, cum_weights=found.cumulative)[0]
    return re.sub(r"\{(\w+)\}", lambda gap: FILLERS[gap[1]](site), recipe)
