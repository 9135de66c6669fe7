"""The firewall of a campus: chains for each VLAN, found by interface, and who may have which address there.

FORWARD sends a packet by the VLAN that it comes from to two chains: ``mac_N``
knows the network card of each host, ``ranges_N`` the networks of the VLAN.  By
the VLAN that it goes to it comes to ``filter_N``, which knows the servers there.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import NamedTuple

from tests.bench.saved import Table, printed

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

RULES_OF_A_VLAN = 180  # on average
CARDS = 0.8  # share of the rules in mac_N
UNEVEN = 1.4  # how much the VLANs differ in size
NUMBERS = range(20, 4095)  # of VLANs
UPLINK = "eth0.10"
TRUSTED = 40  # hosts and networks that filters name as sources
KNOWN = "-m state --state RELATED,ESTABLISHED,UNTRACKED -j ACCEPT"
SYN = "--tcp-flags FIN,SYN,RST,ACK SYN"
MAKERS = ("00:16:3e", "00:1e:c9", "18:66:da", "3c:d9:2b", "52:54:00", "a0:36:9f", "e4:54:e8")
TCP_PORTS = (21, 22, 25, 80, 143, 389, 443, 445, 465, 587, 631, 636, 993, 1433, 3306, 3389, 5432, 5666, 8080, 8443)
UDP_PORTS = (53, 69, 88, 123, 137, 161, 389, 514, 1194, 1812, 4500, 5060, 5353, 10000)


class Words(NamedTuple):
    """What the two families write differently."""

    site: Network
    outside: Network
    loopback: str
    multicast: str
    icmp: str
    unreachable: str
    mask: str
    smallest: int  # prefix length of the smallest network of a VLAN


WORDS = {
    "ipv4": Words(
        site=ip_network("10.0.0.0/8"),
        outside=ip_network("198.51.100.0/24"),
        loopback="127.0.0.0/8",
        multicast="224.0.0.0/4",
        icmp="icmp",
        unreachable="icmp-port-unreachable",
        mask="255.255.255.255",
        smallest=28,
    ),
    "ipv6": Words(
        site=ip_network("2001:db8:4000::/36"),
        outside=ip_network("2001:db8:f:1::/64"),
        loopback="::1/128",
        multicast="ff00::/8",
        icmp="ipv6-icmp",
        unreachable="icmp6-port-unreachable",
        mask="ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        smallest=64,
    ),
}


class Host(NamedTuple):
    """A host and its network cards."""

    address: Address
    cards: tuple[str, ...]


class Vlan(NamedTuple):
    """A VLAN: its number, its network, and the hosts there."""

    number: int
    network: Network
    hosts: tuple[Host, ...]

    @property
    def interface(self) -> str:
        """The interface of the firewall that it is behind."""
        return f"eth1.{self.number}"


class Site(NamedTuple):
    """What the rules are drawn from."""

    words: Words
    rng: random.Random
    vlans: tuple[Vlan, ...]
    trusted: tuple[str, ...]

    def outside(self) -> Address:
        """An address of somebody else."""
        return self.words.outside[self.rng.randrange(1, 250)]

    def server(self, vlan: Vlan) -> str:
        """One host of a few, with its prefix length, so that it has several rules."""
        servers = vlan.hosts[: 2 + len(vlan.hosts) // 6]
        return whole(self.rng.choice(servers).address) if servers else whole(vlan.network[5])

    def source(self) -> str:
        """Somebody who may more than others."""
        return self.rng.choice(self.trusted)


def whole(address: Address) -> str:
    """An address with its prefix length, as iptables-save prints it."""
    return f"{address}/{address.max_prefixlen}"


def campus(rules: int, seed: int, family: str = "ipv4") -> Iterator[str]:
    """The lines of a campus firewall with exactly so many rules."""
    rng = random.Random(f"campus {family} {seed}")
    count = max(1, rules // RULES_OF_A_VLAN)
    frame = sum(map(len, _frame(_site(WORDS[family], count, 0, random.Random(0)))))
    if rules < frame:
        raise ValueError(f"so small a campus has at least {frame} rules")
    site = _site(WORDS[family], count, round(CARDS * (rules - frame)), rng)
    tables = _frame(site)
    _add_cards(tables[-1], site)
    _add_services(tables[-1], site, rules - sum(map(len, tables)))
    _add_last(tables[-1], site)
    return printed(tables, rng)


# ── the site ─────────────────────────────────────────────────────────────────────────────────────


def _site(words: Words, count: int, card_rules: int, rng: random.Random) -> Site:
    """So many VLANs, with hosts for about so many rules in their ``mac_N``."""
    numbers = sorted(rng.sample(NUMBERS, count))
    sizes = [rng.lognormvariate(0, UNEVEN) for _ in numbers]
    cards = _cards(card_rules, rng)
    homes = rng.choices(range(count), sizes, k=len(cards))
    vlans = []
    for place, number in enumerate(numbers):
        here = [owned for owned, home in zip(cards, homes, strict=True) if home == place]
        vlans.append(_vlan(words, place, number, here, rng))
    outside = [whole(words.outside[number]) for number in rng.sample(range(1, 250), TRUSTED // 2)]
    inside = [str(vlan.network) for vlan in rng.choices(vlans, k=TRUSTED // 2)]
    return Site(words, rng, tuple(vlans), (*outside, *inside))


def _cards(rules: int, rng: random.Random) -> list[tuple[str, ...]]:
    """The network cards of each host; a host takes a rule a card and one more."""
    found: list[tuple[str, ...]] = []
    while rules >= 2:
        number = 2 if rules >= 3 and rng.random() < 0.03 else 1
        found.append(tuple(f"{rng.choice(MAKERS)}:{rng.randbytes(3).hex(':')}" for _ in range(number)))
        rules -= number + 1
    return found


def _vlan(words: Words, slot: int, number: int, cards: list[tuple[str, ...]], rng: random.Random) -> Vlan:
    """A VLAN with the network that its hosts need."""
    network = _network(words, slot, len(cards))
    if network.version == 6:
        places = [_interface_id(owned[0]) for owned in cards]
    else:
        places = rng.sample(range(1, network.num_addresses - 1), len(cards))
    return Vlan(number, network, tuple(Host(network[place], owned) for place, owned in zip(places, cards, strict=True)))


def _network(words: Words, place: int, hosts: int) -> Network:
    """Each VLAN has room for 4,094 hosts, or a /64, and uses what it needs."""
    length = words.smallest
    while length < 64 and 2 ** (32 - length) < 1.2 * hosts + 4:
        length -= 1
    first = words.site[(place + 5) * 2 ** (12 if length < 64 else 64)]
    return ip_network(f"{first}/{length}")


def _interface_id(card: str) -> int:
    """The lower half of the address that a host makes of its network card (RFC 4291, appendix A)."""
    octets = bytes.fromhex(card.replace(":", ""))
    return int.from_bytes(bytes((octets[0] ^ 2, *octets[1:3], 0xFF, 0xFE, *octets[3:])), "big")


# ── the frame ────────────────────────────────────────────────────────────────────────────────────


def _frame(site: Site) -> tuple[Table, ...]:
    """The tables with all that does not depend on the number of hosts; the filter is the last."""
    filter_ = Table("filter", INPUT="DROP", FORWARD="DROP")
    _add_helpers(filter_, site.words)
    _add_input(filter_, site)
    _add_forward(filter_, site)
    for vlan in site.vlans:
        filter_.declare(f"mac_{vlan.number}")
        filter_.add(f"ranges_{vlan.number}", f"-s {vlan.network} -j RETURN")
        filter_.add(f"ranges_{vlan.number}", "-j LOG_DROP")
    return (_raw(site), *_nat(site), filter_)


def _raw(site: Site) -> Table:
    """The name server is busy, and not tracked."""
    raw, server = Table("raw"), whole(site.vlans[0].network[2])
    raw.add("PREROUTING", f"-d {server} -p udp -m udp --dport 53 -j CT --notrack")
    raw.add("PREROUTING", f"-s {server} -p udp -m udp --sport 53 -j CT --notrack")
    return raw


def _nat(site: Site) -> Iterator[Table]:
    """IPv4 alone has NAT."""
    if site.words.site.version == 6:
        return
    nat, first, last = Table("nat"), site.vlans[0].network, site.vlans[-1].network
    nat.add("POSTROUTING", f"-s {first} -o {UPLINK} -j SNAT --to-source {site.outside()}")
    nat.add("POSTROUTING", f"-d {whole(last[3])} -p tcp -m multiport --dports 389,636 -j SNAT --to-source {first[1]}")
    yield nat


def _add_helpers(table: Table, words: Words) -> None:
    for chain, prefix in (("LOG_DROP", "campus drop: "), ("LOG_KNOCK", "campus knock: ")):
        table.add(chain, f'-m limit --limit 100/min -j LOG --log-prefix "{prefix}"')
        table.add(chain, "-j DROP")
    table.add("OURS", f"-s {words.site} -j LOG_DROP")
    table.add("OURS", f"-s {words.loopback} -j LOG_DROP")
    table.add("filter_DEFAULT", f"-p {words.icmp} -j ACCEPT")
    table.add("filter_DEFAULT", f"-m limit --limit 100/min -j REJECT --reject-with {words.unreachable}")
    table.add("filter_DEFAULT", "-j DROP")


def _add_head(table: Table, chain: str, words: Words, seconds: int) -> None:
    """What INPUT and FORWARD begin with."""
    recent = f"--mask {words.mask} --rsource"
    table.add(chain, KNOWN)
    table.add(chain, f"-i {UPLINK} -j OURS")
    table.add(chain, f"-m recent --update --seconds {seconds} --name scanners {recent} -j LOG_KNOCK")
    often = f"-m recent --update --seconds {seconds} --hitcount 17 --name ssh {recent}"
    table.add(chain, f"-p tcp -m state --state NEW -m tcp --dport 22 {SYN} {often} -j LOG_KNOCK")


def _add_input(table: Table, site: Site) -> None:
    table.add("INPUT", "-i lo -j ACCEPT")
    table.add("OUTPUT", "-o lo -j ACCEPT")
    _add_head(table, "INPUT", site.words, 60)
    table.add("INPUT", f"-s {site.words.loopback} -j LOG_DROP")
    table.add("INPUT", f"-i {UPLINK} -j filter_INPUT")
    table.add("INPUT", "-i eth1.+ -j filter_INPUT")
    table.add("filter_INPUT", f"-s {site.source()} {_tcp('22')}")
    table.add("filter_INPUT", f"-s {site.words.site} {_udp('53')}")
    table.add("filter_INPUT", f"-s {site.words.site} {_tcp('53')}")
    table.add("filter_INPUT", "-j filter_DEFAULT")


def _add_forward(table: Table, site: Site) -> None:
    """By the VLAN that a packet comes from, then by the one that it goes to."""
    words, first, last = site.words, site.vlans[0], site.vlans[-1]
    recent = f"-m recent --set --name ssh --mask {words.mask} --rsource"
    _add_head(table, "FORWARD", words, 360)
    table.add("FORWARD", f"-s {whole(first.network[4])} -i {first.interface} -o {UPLINK} -j ACCEPT")
    table.add("FORWARD", f"-s {whole(site.outside())} -d {whole(last.network[4])} -i {UPLINK} -j ACCEPT")
    ssh = f"-p tcp -m state --state NEW -m tcp --dport 22 {SYN}"
    table.add("FORWARD", f"-d {words.site} -i {UPLINK} {ssh} {recent}")
    for vlan in site.vlans:
        table.add("FORWARD", f"-s {vlan.network} -i {vlan.interface} -j mac_{vlan.number}")
        table.add("FORWARD", f"-i {vlan.interface} -j ranges_{vlan.number}")
    for vlan, to in itertools.product(site.vlans, ("network", "multicast")):
        where = vlan.network if to == "network" else words.multicast
        table.add("FORWARD", f"-d {where} -o {vlan.interface} -j filter_{vlan.number}")
    table.add("FORWARD", f"-o {UPLINK} -j filter_0")
    table.add("FORWARD", "-j LOG_DROP")
    _add_way_out(table)


def _add_way_out(table: Table) -> None:
    table.add("filter_0", "-p tcp -m multiport --dports 135,137:139,445 -j DROP")
    table.add("filter_0", "-j ACCEPT")


# ── what hosts and servers add ───────────────────────────────────────────────────────────────────


def _add_cards(table: Table, site: Site) -> None:
    """The address of a host is for its network cards alone."""
    for vlan in site.vlans:
        for host in vlan.hosts:
            for card in host.cards:
                table.add(f"mac_{vlan.number}", f"-s {whole(host.address)} -m mac --mac-source {card} -j RETURN")
            table.add(f"mac_{vlan.number}", f"-s {whole(host.address)} -j DROP")


def _add_services(table: Table, site: Site, rules: int) -> None:
    """Fill the filters, unevenly, and end them."""
    sizes = [site.rng.lognormvariate(0, UNEVEN) for _ in site.vlans]
    for vlan in site.vlans:
        table.declare(f"filter_{vlan.number}")
    for vlan in site.rng.choices(site.vlans, sizes, k=max(0, rules - len(site.vlans))):
        service = site.rng.choices(list(SERVICES), list(SERVICES.values()))[0]
        table.add(f"filter_{vlan.number}", service(site, vlan))


def _add_last(table: Table, site: Site) -> None:
    for vlan in site.vlans:
        table.add(f"filter_{vlan.number}", "-j filter_DEFAULT")


def _tcp(port: str) -> str:
    return f"-p tcp -m state --state NEW -m tcp --dport {port} {SYN} -j ACCEPT"


def _udp(port: str) -> str:
    return f"-p udp -m state --state NEW -m udp --dport {port} -j ACCEPT"


def _port(site: Site, ports: tuple[int, ...]) -> str:
    """Mostly a well-known port; a range now and then."""
    chance, first = site.rng.random(), site.rng.randrange(1024, 60000)
    if chance < 0.8:
        return str(site.rng.choice(ports))
    return str(first) if chance < 0.95 else f"{first}:{first + site.rng.randrange(1, 1000)}"


def _several(site: Site, ports: tuple[int, ...]) -> str:
    return ",".join(map(str, sorted(site.rng.sample(ports, site.rng.randint(2, 6)))))


def _tcp_service(site: Site, vlan: Vlan) -> str:
    return f"-d {site.server(vlan)} {_tcp(_port(site, TCP_PORTS))}"


def _tcp_services(site: Site, vlan: Vlan) -> str:
    several = f"-m tcp {SYN} -m multiport --dports {_several(site, TCP_PORTS)}"
    return f"-d {site.server(vlan)} -p tcp -m state --state NEW {several} -j ACCEPT"


def _udp_service(site: Site, vlan: Vlan) -> str:
    return f"-d {site.server(vlan)} {_udp(_port(site, UDP_PORTS))}"


def _udp_services(site: Site, vlan: Vlan) -> str:
    several = f"-m multiport --dports {_several(site, UDP_PORTS)}"
    return f"-d {site.server(vlan)} -p udp -m state --state NEW {several} -j ACCEPT"


def _watched(site: Site, vlan: Vlan) -> str:
    """A service of all hosts, for one who watches them."""
    write, ports = site.rng.choice(((_tcp, TCP_PORTS), (_udp, UDP_PORTS)))
    return write(_port(site, ports))


def _for_some(service: Callable[[Site, Vlan], str]) -> Callable[[Site, Vlan], str]:
    return lambda site, vlan: f"-s {site.source()} {service(site, vlan)}"


SERVICES: dict[Callable[[Site, Vlan], str], int] = {
    _tcp_service: 10,
    _tcp_services: 8,
    _udp_service: 4,
    _udp_services: 2,
    _for_some(_tcp_service): 25,
    _for_some(_tcp_services): 20,
    _for_some(_udp_service): 10,
    _for_some(_udp_services): 9,
    _for_some(_watched): 22,
}
