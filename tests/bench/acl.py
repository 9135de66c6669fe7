"""The border of a data centre: a stateful access list, with rules as administrators collect them over years.

FORWARD lets in what belongs to connections, and sends the rest to zones: by the
interface where it comes from to ``from-N``, which says where the hosts of zone N
may go, or by destination to ``to-N``, which says who may come there.  Each rule
of a zone keeps to its network, and the last one refuses the rest.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Iterator, Sequence
from ipaddress import IPv4Network
from typing import NamedTuple

from tests.bench.recipes import Recipes, recipes
from tests.bench.saved import Table, host, printed

PLACES = {"to": 0.82, "from": 0.12, "input": 0.04, "output": 0.02}  # share of the rules
BASE = {"input": "INPUT", "output": "OUTPUT"}
ZONE_SIZE = 90  # rules of to-N, on average
UNEVEN = 0.8  # how much the zones differ in size
GUARDED = 6  # every so many zones has a chain for what comes from there
STALE = 0.007  # share of the rules that earlier ones of their chain have made useless
RULES_OF_A_CLIENT = 40  # one network of clients for so many rules
RULES_OF_A_SERVER = 3
INSIDE, OFFICES, BORDER = map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "10.255.255.0/28"))
OUTSIDE = tuple(map(IPv4Network, ("80.0.0.0/6", "144.0.0.0/5", "176.0.0.0/6", "208.0.0.0/6")))
BLOCKED = ("91.0.0.0/8", "185.0.0.0/8", "45.0.0.0/8")
COMMON_PORTS = tuple(
    map(int, "22 25 53 80 110 123 143 161 389 443 445 514 636 993 1433 1521 3306 3389 5432 6379".split())
)
STATES = ("NEW", "NEW", "NEW", "NEW", "NEW,ESTABLISHED", "NEW,RELATED,ESTABLISHED")
FLAGS = ("FIN,SYN,RST,PSH,ACK,URG NONE", "SYN,RST SYN,RST", "FIN,SYN FIN,SYN", "FIN,ACK FIN", "FIN,SYN,RST,ACK SYN")
RATES = ("1/sec", "3/sec", "10/sec", "25/sec", "5/min", "10/min", "30/min", "1/hour")
LISTS = ("ssh", "web", "scan", "mail", "vpn", "portal")
NEEDLES = ("GET /admin", "User-Agent: sqlmap", "/etc/passwd", "BitTorrent protocol")
WHAT = ("allow web front end", "db replication", "backup to vault", "temporary, see ticket", "monitoring", "old VPN")
TRACKED = ("-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "-m conntrack --ctstate INVALID -j DROP")
PING = "-p icmp -m icmp --icmp-type 8 -m limit --limit 20/sec --limit-burst 50 -j ACCEPT"
HELPERS = {
    "log_drop": ('-m limit --limit 10/min -j LOG --log-prefix "drop: "', "-j DROP"),
    "log_reject": (
        '-m limit --limit 10/min -j LOG --log-prefix "reject: " --log-level 6',
        "-p tcp -j REJECT --reject-with tcp-reset",
        "-j REJECT --reject-with icmp-port-unreachable",
    ),
}
LAST = ("-j log_drop", "-j DROP", "-g log_reject", "-j REJECT --reject-with icmp-admin-prohibited")
TAIL = '-m limit --limit 3/min --limit-burst 10 -j LOG --log-prefix "policy: " --log-tcp-options --log-ip-options'
_PLAIN = re.compile(r"-s \S+ (?:-d \S+ )?(?:-p (?:tcp|udp) -m (?:tcp|udp) --dport \d+ )?(?:-m comment .*)?-j ACCEPT")


class Zone(NamedTuple):
    """A network behind the border, and the interface that leads there."""

    number: int
    network: IPv4Network
    interface: str

    @property
    def is_guarded(self) -> bool:
        """Whether a chain says where its hosts may go; nothing from there gets behind it."""
        return self.number % GUARDED == 0


class Site:
    """Draws the values that fill the gaps of recipes; where a rule stands says what is source and what destination."""

    def __init__(self, rng: random.Random, zones: Sequence[Zone], clients: Sequence[IPv4Network]) -> None:
        self.rng = rng
        self.zones = zones
        self.clients = clients
        self.unguarded = ("eth1", *(zone.interface for zone in zones if not zone.is_guarded))
        self.chain = ""
        self.src: Callable[[], str] = self.client
        self.dst: Callable[[], str] = self.client
        self._counter = itertools.count(1)
        self._tickets = itertools.count(1001)

    def turn_to(self, chain: str, zone: Zone | None, rules: int) -> None:
        """Draw for so many rules of a chain from now on; without a zone for those of the border itself."""
        self.chain, network = chain, zone.network if zone else BORDER
        servers = [self.rng.randrange(1, network.num_addresses - 1) for _ in range(1 + rules // RULES_OF_A_SERVER)]

        def server() -> str:
            if zone and self.rng.random() < 0.12:
                return self.subnet(network)
            return f"{network[self.rng.choice(servers)]}/32"

        leaves = chain.startswith(("from-", "OUTPUT"))
        self.src, self.dst = (server, self.client) if leaves else (self.client, server)

    def client(self) -> str:
        """A network of clients, or one of their hosts."""
        network = self.rng.choice(self.clients)
        if self.rng.random() < 0.4:
            return str(network)
        return f"{network[self.rng.randrange(1, network.num_addresses - 1)]}/32"

    def subnet(self, network: IPv4Network) -> str:
        """A part of a network."""
        return str(_part(network, self.rng.randint(network.prefixlen + 3, 29), self.rng))

    def span(self) -> str:
        """A range of addresses within one network of clients."""
        network = self.rng.choice(self.clients)
        first, last = sorted(self.rng.sample(range(1, network.num_addresses), 2))
        return f"{network[first]}-{network[last]}"

    def port(self) -> str:
        """Mostly a well-known port."""
        if self.rng.random() < 0.7:
            return str(self.rng.choice(COMMON_PORTS))
        return str(self.rng.randint(1024, 32767))

    def range(self) -> str:
        """A port, or a range of them."""
        first = self.rng.randint(1024, 60000)
        return self.port() if self.rng.random() < 0.5 else f"{first}:{first + self.rng.randint(1, 500)}"

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

    def blocked(self) -> str:
        """A host or network that has made itself unwelcome; none comes twice."""
        number = next(self._counter)
        return f"{host(number, BLOCKED[number % len(BLOCKED)])}/32"


def _one_of(values: Sequence[object]) -> Callable[[Site], str]:
    return lambda site: str(site.rng.choice(values))


FILLERS: dict[str, Callable[[Site], str]] = {
    "src": lambda site: site.src(),
    "dst": lambda site: site.dst(),
    "inside": lambda site: str(INSIDE),
    "blocked": Site.blocked,
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
    "vlan": lambda site: site.rng.choice(site.unguarded),
    "state": _one_of(STATES),
    "old": _one_of(("ESTABLISHED", "RELATED,ESTABLISHED")),
    "flags": _one_of(FLAGS),
    "type": _one_of(("LOCAL", "BROADCAST", "MULTICAST", "UNICAST")),
    "rate": _one_of(RATES),
    "burst": _one_of((10, 15, 20, 50, 100)),
    "ttl": _one_of((2, 5, 10)),
    "dscp": _one_of(("0x0a", "0x12", "0x1a", "0x2e")),
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
    site = Site(rng, *_networks(rules, rng))
    tables = _nat(site), Table("filter", INPUT="DROP", FORWARD="DROP", OUTPUT="DROP")
    _add_heads(tables[-1], site)
    frame = sum(map(len, tables)) + len(_guarded(site.zones)) + len(site.zones) + 2
    if frame > rules:
        raise ValueError(f"so small an ACL has at least {frame} rules")
    _add_bodies(tables[-1], site, rules - frame)
    for chain in ("INPUT", "FORWARD"):
        tables[-1].add(chain, TAIL)
    return printed(tables, rng)


def _networks(rules: int, rng: random.Random) -> tuple[list[Zone], list[IPv4Network]]:
    """The zones of a site of that size, and the networks of their clients: offices, other zones, the world."""
    count = max(1, round(rules * PLACES["to"] / ZONE_SIZE))
    inside = rng.sample(list(INSIDE.subnets(new_prefix=20))[:-1], count)
    zones = [Zone(number, network, f"vlan{10 + number}") for number, network in enumerate(inside)]
    blocks = [
        rng.choices((OFFICES, rng.choice(inside), rng.choice(OUTSIDE)), (60, 25, 15))[0]
        for _ in range(max(6, rules // RULES_OF_A_CLIENT))
    ]
    return zones, [_part(block, rng.choice((24, 24, 24, 23, 26, 28, 29)), rng) for block in blocks]


def _part(network: IPv4Network, length: int, rng: random.Random) -> IPv4Network:
    """A network of that length within another one."""
    return IPv4Network((int(network[0]) + rng.randrange(network.num_addresses), length), strict=False)


def _guarded(zones: Sequence[Zone]) -> list[Zone]:
    return [zone for zone in zones if zone.is_guarded]


def _nat(site: Site) -> Table:
    """Some zones reach the world behind the address of the border."""
    table = Table("nat")
    for zone in _guarded(site.zones)[:12]:
        table.add("POSTROUTING", f"-s {zone.network} -o eth0 -j MASQUERADE")
    return table


def _add_heads(table: Table, site: Site) -> None:
    """How each chain of the border begins, and where it goes from there."""
    for chain, rules in HELPERS.items():
        for rule in rules:
            table.add(chain, rule)
    table.add("INPUT", "-i lo -j ACCEPT")
    table.add("OUTPUT", "-o lo -j ACCEPT")
    for chain, rule in itertools.product(("INPUT", "FORWARD", "OUTPUT"), TRACKED):
        table.add(chain, rule)
    table.add("INPUT", PING)
    table.add("FORWARD", f"-s {INSIDE} -i eth0 -j log_drop")
    for zone in _guarded(site.zones):
        table.add("FORWARD", f"-i {zone.interface} -j from-{zone.number}")
    for zone in site.zones:
        table.add("FORWARD", f"-d {zone.network} -j to-{zone.number}")


def _add_bodies(table: Table, site: Site, rules: int) -> None:
    """Fill the chains; each rule picks its place, the zones of a place grow unevenly."""
    vocabulary = recipes(site.rng)
    places = site.rng.choices(list(PLACES), list(PLACES.values()), k=rules)
    for place in PLACES:
        zones: Sequence[Zone | None] = {"to": site.zones, "from": _guarded(site.zones)}.get(place, (None,))
        sizes = [site.rng.lognormvariate(0, UNEVEN) for _ in zones]
        homes = site.rng.choices(range(len(zones)), sizes, k=places.count(place))
        for number, zone in enumerate(zones):
            chain = f"{place}-{zone.number}" if zone else BASE[place]
            _fill(table, chain, zone, homes.count(number), vocabulary[place], site)


def _fill(table: Table, chain: str, zone: Zone | None, rules: int, found: Recipes, site: Site) -> None:
    """So many rules for a chain, and for that of a zone the last one besides."""
    site.turn_to(chain, zone, rules)
    plain: list[str] = []  # rules that may make others useless
    for _ in range(rules):
        if plain and site.rng.random() < STALE:
            rule = _stale(site.rng.choice(plain), site.rng)
        else:
            rule = _rule(found, site)
            plain.extend([rule] if _PLAIN.fullmatch(rule) else [])
        table.add(chain, rule)
    if zone:
        table.add(chain, site.rng.choice(LAST))


def _rule(found: Recipes, site: Site) -> str:
    recipe = site.rng.choices(found.recipes, cum_weights=found.cumulative)[0]
    return re.sub(r"\{(\w+)\}", lambda gap: FILLERS[gap[1]](site), recipe)


def _stale(rule: str, rng: random.Random) -> str:
    """A rule that has nothing to do behind the given one: again the same, or for one host of it, or to refuse it."""
    narrow = re.sub(r"(?<=-s )\S+", lambda network: str(_part(IPv4Network(network[0]), 32, rng)), rule)
    return rng.choice((rule, narrow, narrow.replace("-j ACCEPT", "-j DROP")))
