"""The vocabulary of a stateful ACL: recipes, which are rules with gaps such as ``{net}`` in place of the values.

An administrator writes a few dozen kinds of rules day by day and some hundreds
once in a while.  So a few recipes are given, many more are put together from
parts, and how often each is used falls with its rank (Zipf's law).
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import NamedTuple

COMMENT = ' -m comment --comment "{ticket} {what}"'
COMMENTED = 0.11  # share of the rules with a quoted comment, other than those in everyday recipes
SLOPE = 0.8  # of Zipf's law

_NEW = " -m conntrack --ctstate NEW"
_LOG = '-m limit --limit 5/min -j LOG --log-prefix "{chain}: "'
_WEB = "-d {net} -p tcp -m tcp --dport {port}"

EVERYDAY = {
    "forward": (
        f"-s {{net}} {_WEB} -j ACCEPT",
        f"-s {{net}} {_WEB}{_NEW} -j ACCEPT",
        "-s {net} -d {net} -p udp -m udp --dport {port} -j ACCEPT",
        "-s {net} -d {net} -p tcp -m multiport --dports {ports} -j ACCEPT",
        f"{_WEB} -j ACCEPT",
        "-s {net} -d {net} -j ACCEPT",
        "-s {net} -j DROP",
        f"-s {{net}} {_WEB}{COMMENT} -j ACCEPT",
        "-d {net} -p udp -m udp --dport {port} -j ACCEPT",
        "-s {net} -d {net} -p icmp -m icmp --icmp-type {icmp} -j ACCEPT",
        f"-s {{net}} {_WEB} -j REJECT --reject-with tcp-reset",
        "-s {net} -d {net} -p udp -m multiport --dports {ports} -j ACCEPT",
        "-s {net} -p tcp -m tcp --dport {port} -j ACCEPT",
        "-s {net} -m mac --mac-source {mac} -j ACCEPT",
        "-s {net} -d {net} -j log_drop",
    ),
    "input": (
        "-s {net} -p tcp -m tcp --dport {port} -j ACCEPT",
        f"-s {{net}} -p tcp -m tcp --dport {{port}}{_NEW} -j ACCEPT",
        "-s {net} -p udp -m udp --dport {port} -j ACCEPT",
        "-s {net} -p tcp -m multiport --dports {ports} -j ACCEPT",
        "-s {net} -p icmp -m icmp --icmp-type {icmp} -j ACCEPT",
        "-s {net} -m mac --mac-source {mac} -j ACCEPT",
        "-s {net} -j DROP",
        "-m recent --rcheck --seconds 60 --hitcount 4 --name {list} --mask 255.255.255.255 --rsource -j DROP",
    ),
    "output": (
        f"{_WEB} -j ACCEPT",
        "-d {net} -p udp -m udp --dport {port} -j ACCEPT",
        f"{_WEB} -m owner --uid-owner {{uid}} -j ACCEPT",
        "-d {net} -m owner --uid-owner {uid} -j REJECT --reject-with icmp-admin-prohibited",
        "-d {net} -p tcp -m multiport --dports {ports} -j ACCEPT",
    ),
}
COMPOSED = {"forward": 240, "input": 75, "output": 40}


class Weighted(NamedTuple):
    """Parts to choose from, and how often each is chosen."""

    parts: tuple[str, ...]
    weights: tuple[int, ...]

    def draw(self, rng: random.Random) -> str:
        """One of the parts."""
        return rng.choices(self.parts, self.weights)[0]


_SOURCES = Weighted(("-s {net} ", "", "! -s {net} "), (8, 3, 1))
_DESTINATIONS = Weighted(("-d {net} ", "", "! -d {net} "), (8, 4, 1))
_INTERFACES = {
    "forward": Weighted(("", "-i {vlan} ", "-o {vlan} ", "-i {vlan} -o {vlan} ", "! -i {vlan} "), (10, 2, 2, 1, 1)),
    "input": Weighted(("", "-i {vlan} ", "! -i {vlan} "), (6, 3, 1)),
    "output": Weighted(("", "-o {vlan} ", "! -o {vlan} "), (6, 3, 1)),
}
_TCP = (
    "-p tcp -m tcp --dport {port} ",
    "-p tcp -m tcp --sport {high} --dport {port} ",
    "-p tcp -m tcp ! --dport {range} ",
    "-p tcp -m tcp --dport {range} --tcp-flags FIN,SYN,RST,ACK SYN ",
    "-p tcp -m tcp --tcp-flags {flags} ",
    "-p tcp -m multiport --dports {ports} ",
    "-p tcp -m multiport --sports {ports} ",
    "-p tcp -m multiport ! --dports {ports} ",
    "-p tcp -m multiport --ports {ports} ",
)
_OTHERS = (
    "-p udp -m udp --dport {port} ",
    "-p udp -m udp --sport {port} --dport {high} ",
    "-p icmp -m icmp --icmp-type {icmp} ",
    "-p icmp -m icmp ! --icmp-type {icmp} ",
    "-p esp -m esp --espspi {spi} ",
    "-p sctp -m sctp --dport {port} ",
    "! -p tcp ",
    "",
)
_SERVICES = Weighted((*_TCP, *_OTHERS), (9, 3, 1, 2, 1, 6, 1, 1, 1, 6, 2, 2, 1, 1, 1, 1, 2))
_STATES = Weighted(
    ("", "-m conntrack --ctstate {state} ", "-m conntrack ! --ctstate {state} ", "-m state --state {state} "),
    (8, 6, 1, 2),
)
_ANYWHERE = (
    "-m mark --mark {mark} ",
    "-m mark ! --mark {mark} ",
    "-m connmark --mark {mark} ",
    "-m addrtype --dst-type {type} ",
    "-m iprange --src-range {span} ",
    "-m iprange ! --src-range {span} ",
    "-m iprange --dst-range {span} ",
    "-m limit --limit {rate} ",
    "-m limit --limit {rate} --limit-burst {burst} ",
    "-m length --length {sizes} ",
    "-m ttl --ttl-lt {ttl} ",
    "-m dscp --dscp {dscp} ",
    "-m pkttype --pkt-type {pkttype} ",
    "-m connlimit --connlimit-above {burst} --connlimit-mask 32 --connlimit-saddr ",
    "-m hashlimit --hashlimit-upto {rate} --hashlimit-burst {burst} --hashlimit-mode srcip --hashlimit-name {list} ",
    "-m statistic --mode random --probability 0.50000000000 ",
    '-m string --string "{needle}" --algo bm ',
)
_ARRIVING = (
    "-m mac --mac-source {mac} ",
    "-m mac ! --mac-source {mac} ",
    "-m recent --set --name {list} --mask 255.255.255.255 --rsource ",
    "-m recent --update --seconds 60 --hitcount 4 --name {list} --mask 255.255.255.255 --rsource ",
    "-m policy --dir in --pol ipsec ",
    "-m helper --helper {helper} ",
)
_LEAVING = (
    "-m owner --uid-owner {uid} ",
    "-m owner --gid-owner {uid} ",
    "-m owner ! --uid-owner {uid} ",
    "-m policy --dir out --pol ipsec ",
)
_EXTRAS = {"forward": (*_ANYWHERE, *_ARRIVING), "input": (*_ANYWHERE, *_ARRIVING), "output": (*_ANYWHERE, *_LEAVING)}
_PLAIN_SHARE = 0.45  # of the composed recipes that have no extra match
_TARGETS = Weighted(
    (
        "-j ACCEPT",
        "-j DROP",
        "-j RETURN",
        "-j log_drop",
        "-g log_reject",
        "-j REJECT --reject-with icmp-port-unreachable",
        "-j REJECT --reject-with icmp-host-prohibited",
        _LOG,
        '-j LOG --log-prefix "{chain} " --log-level 6',
        "-j NFLOG --nflog-prefix {chain} --nflog-group {group}",
    ),
    (30, 12, 3, 6, 3, 5, 2, 3, 2, 2),
)


class Recipes(NamedTuple):
    """The recipes of one place, the frequent ones first, with their running weights for ``random.choices``."""

    recipes: tuple[str, ...]
    cumulative: tuple[float, ...]


def shape(rule: str) -> str:
    """A rule without its arguments and counters: the options, ``!``, the matches, and targets that take options."""
    words = re.sub(r'"[^"]*"', "?", re.sub(r"^\[\d+:\d+\] ", "", rule)).split()
    kept = []
    for before, word, after in zip(["", *words], words, [*words[1:], ""], strict=False):
        if word[0] in "-!" or before == "-m" or (before == "-j" and after):
            kept.append(word)
    return " ".join(kept)


def options(rule: str) -> str:
    """The options of a rule alone: the coarsest idea of its shape."""
    return " ".join(word for word in shape(rule).split() if word[0] in "-!")


def recipes(rng: random.Random) -> dict[str, Recipes]:
    """The vocabulary of one site; no two composed recipes have the same options."""
    seen = {options(recipe) for place in EVERYDAY.values() for recipe in place}
    return {place: _place(place, seen, rng) for place in EVERYDAY}


def _place(place: str, seen: set[str], rng: random.Random) -> Recipes:
    fresh = _fresh(place, seen, rng)
    found, cumulative, commented = list(EVERYDAY[place]), [0.0], 0.0
    found.extend(next(fresh) for _ in range(COMPOSED[place]))
    for rank, recipe in enumerate(found, 1):
        weight = rank**-SLOPE
        cumulative.append(cumulative[-1] + weight)
        if rank > len(EVERYDAY[place]) and commented + weight < COMMENTED * cumulative[-1]:
            found[rank - 1] = _with_comment(recipe)
            commented += weight
    return Recipes(tuple(found), tuple(cumulative[1:]))


def _with_comment(recipe: str) -> str:
    return re.sub(r" (-[jg] )", rf"{COMMENT} \1", recipe) if " -j" in recipe or " -g" in recipe else recipe


def _fresh(place: str, seen: set[str], rng: random.Random) -> Iterator[str]:
    """Recipes whose options have not been seen yet."""
    while True:
        recipe = _composed(place, rng)
        if options(recipe) not in seen:
            seen.add(options(recipe))
            yield recipe


def _composed(place: str, rng: random.Random) -> str:
    service = _SERVICES.draw(rng)
    extra = "" if rng.random() < _PLAIN_SHARE else rng.choice(_EXTRAS[place])
    target = _TARGETS.draw(rng)
    if service.startswith("-p tcp") and rng.random() < 0.06:
        target = "-j REJECT --reject-with tcp-reset"
    where = _SOURCES.draw(rng) + _DESTINATIONS.draw(rng) + _INTERFACES[place].draw(rng)
    return where + service + _STATES.draw(rng) + extra + target
