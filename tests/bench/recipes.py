"""The vocabulary of a stateful ACL: recipes, which are rules with gaps such as ``{src}`` in place of the values.

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
SLOPE = 1.0  # of Zipf's law

_NEW = " -m conntrack --ctstate NEW"
_TCP_PORT = "-p tcp -m tcp --dport {port}"
_UDP_PORT = "-p udp -m udp --dport {port}"
_PING = "-p icmp -m icmp --icmp-type 8"
_LOG = '-m limit --limit 5/min -j LOG --log-prefix "{chain}: "'

EVERYDAY = {
    "to": (
        f"-s {{src}} -d {{dst}} {_TCP_PORT} -j ACCEPT",
        f"-s {{src}} -d {{dst}} {_TCP_PORT}{_NEW} -j ACCEPT",
        f"-s {{src}} -d {{dst}} {_UDP_PORT} -j ACCEPT",
        f"-s {{src}} -d {{dst}} -p tcp -m multiport --dports {{ports}}{_NEW} -j ACCEPT",
        f"-s {{src}} -d {{dst}} {_TCP_PORT}{COMMENT} -j ACCEPT",
        "-s {src} -d {dst} -j ACCEPT",
        f"-d {{dst}} {_TCP_PORT} -j ACCEPT",
        "-s {src} -d {dst} -p tcp -m multiport --dports {ports} -j ACCEPT",
        f"-s {{src}} -d {{dst}} {_PING} -j ACCEPT",
        f"-s {{src}} -d {{dst}} {_UDP_PORT}{_NEW} -j ACCEPT",
        f"-s {{src}} -d {{dst}} -p tcp -m tcp --dport 22{_NEW} {_LOG}",
        f"-d {{dst}} {_TCP_PORT}{_NEW} -j ACCEPT",
        "-s {blocked} -j DROP",
        f"-s {{src}} -d {{dst}} {_TCP_PORT} -j REJECT --reject-with tcp-reset",
        "-s {src} -d {dst} -j log_drop",
    ),
    "from": (
        f"-s {{src}} -d {{dst}} {_TCP_PORT} -j ACCEPT",
        f"-s {{src}} -d {{dst}} {_UDP_PORT} -j ACCEPT",
        f"-s {{src}} -d {{dst}} {_TCP_PORT}{_NEW} -j ACCEPT",
        f"-s {{src}} ! -d {{inside}} {_TCP_PORT}{_NEW} -j ACCEPT",
        "-s {src} -d {dst} -j ACCEPT",
        "-s {src} -d {dst} -p tcp -m multiport --dports {ports} -j ACCEPT",
        "-s {src} ! -d {inside} -p tcp -m multiport --dports 80,443 -j ACCEPT",
        "-s {src} -d {dst} -j DROP",
    ),
    "input": (
        f"-s {{src}} {_TCP_PORT}{_NEW} -j ACCEPT",
        f"-s {{src}} -p tcp -m tcp --dport 22{_NEW} -j ACCEPT",
        "-s {src} -p udp -m udp --dport 161 -j ACCEPT",
        f"-s {{src}} {_PING} -j ACCEPT",
        f"-s {{src}} {_TCP_PORT}{_NEW}{COMMENT} -j ACCEPT",
        "-s {src} -p tcp -m multiport --dports {ports} -j ACCEPT",
        "-s {blocked} -j DROP",
    ),
    "output": (
        f"-d {{dst}} {_TCP_PORT} -j ACCEPT",
        f"-d {{dst}} {_UDP_PORT} -j ACCEPT",
        f"-d {{dst}} {_TCP_PORT} -m owner --uid-owner {{uid}} -j ACCEPT",
        "-d {dst} -m owner --uid-owner {uid} -j REJECT --reject-with icmp-admin-prohibited",
    ),
}
COMPOSED = {"to": 230, "from": 95, "input": 45, "output": 18}


class Weighted(NamedTuple):
    """Parts to choose from, and how often each is chosen."""

    parts: tuple[str, ...]
    weights: tuple[int, ...]

    def draw(self, rng: random.Random) -> str:
        """One of the parts."""
        return rng.choices(self.parts, self.weights)[0]


_WHERE = {
    "to": Weighted(
        (
            "-s {src} -d {dst} ",
            "-d {dst} ",
            "! -s {src} -d {dst} ",
            "-s {src} -d {dst} -i {vlan} ",
            "-d {dst} -i {vlan} ",
        ),
        (10, 3, 1, 3, 1),
    ),
    "from": Weighted(
        ("-s {src} -d {dst} ", "-s {src} ! -d {inside} ", "-s {src} -d {dst} -o {vlan} ", "-d {dst} -o {vlan} "),
        (10, 2, 3, 1),
    ),
    "input": Weighted(("-s {src} ", "-s {src} -i {vlan} ", "-s {src} -d {dst} "), (6, 3, 2)),
    "output": Weighted(("-d {dst} ", "-d {dst} -o {vlan} ", "-s {src} -d {dst} "), (6, 3, 1)),
}
_TCP = (
    "-p tcp -m tcp --dport {port} ",
    "-p tcp -m tcp --sport {high} --dport {port} ",
    "-p tcp -m tcp --dport {range} ",
    "-p tcp -m tcp ! --dport {range} ",
    "-p tcp -m tcp --dport {port} --tcp-flags FIN,SYN,RST,ACK SYN ",
    "-p tcp -m tcp --tcp-flags {flags} ",
    "-p tcp -m multiport --dports {ports} ",
    "-p tcp -m multiport --sports {ports} ",
    "-p tcp -m multiport ! --dports {ports} ",
    "-p tcp -m multiport --ports {ports} ",
)
_OTHERS = (
    "-p udp -m udp --dport {port} ",
    "-p udp -m udp --sport {port} --dport {high} ",
    "-p udp -m multiport --dports {ports} ",
    "-p icmp -m icmp --icmp-type {icmp} ",
    "-p icmp -m icmp ! --icmp-type {icmp} ",
    "-p esp -m esp --espspi {spi} ",
    "-p esp ",
    "-p sctp -m sctp --dport {port} ",
    "-p gre ",
    "",
)
_SERVICES = Weighted((*_TCP, *_OTHERS), (12, 3, 3, 1, 2, 1, 7, 1, 1, 1, 7, 2, 3, 3, 1, 1, 1, 1, 1, 2))
_STATES = Weighted(
    ("", "-m conntrack --ctstate {state} ", "-m state --state {state} ", "-m conntrack ! --ctstate {old} "),
    (9, 7, 3, 1),
)
_ANYWHERE = (
    "-m mark --mark {mark} ",
    "-m mark ! --mark {mark} ",
    "-m connmark --mark {mark} ",
    "-m addrtype --dst-type {type} ",
    "-m limit --limit {rate} ",
    "-m limit --limit {rate} --limit-burst {burst} ",
    "-m length --length {sizes} ",
    "-m ttl --ttl-lt {ttl} ",
    "-m dscp --dscp {dscp} ",
    "-m connlimit --connlimit-above {burst} --connlimit-mask 32 --connlimit-saddr ",
    "-m hashlimit --hashlimit-upto {rate} --hashlimit-burst {burst} --hashlimit-mode srcip --hashlimit-name {list} ",
    "-m time --timestart 08:00:00 --timestop 18:00:00 --weekdays Mon,Tue,Wed,Thu,Fri --datestop 2038-01-19T03:14:07 ",
    '-m string --string "{needle}" --algo bm ',
)
_ARRIVING = (
    "-m mac --mac-source {mac} ",
    "-m recent --set --name {list} --mask 255.255.255.255 --rsource ",
    "-m recent --update --seconds 60 --hitcount 4 --name {list} --mask 255.255.255.255 --rsource ",
    "-m policy --dir in --pol ipsec ",
)
_LEAVING = (
    "-m owner --uid-owner {uid} ",
    "-m owner --gid-owner {uid} ",
    "-m owner ! --uid-owner {uid} ",
    "-m policy --dir out --pol ipsec ",
)
_EXTRAS = {
    "to": (*_ANYWHERE, *_ARRIVING),
    "from": (*_ANYWHERE, *_ARRIVING),
    "input": (*_ANYWHERE, *_ARRIVING),
    "output": (*_ANYWHERE, *_LEAVING),
}
_RANGES = {
    "to": ("-d {dst} ", "-m iprange --src-range {span} ", "-m iprange ! --src-range {span} "),
    "from": ("-s {src} ", "-m iprange --dst-range {span} ", "-m iprange ! --dst-range {span} "),
    "input": ("", "-m iprange --src-range {span} "),
    "output": ("", "-m iprange --dst-range {span} "),
}
"""What goes with a range of addresses, and the ranges."""

_EXTRA_SHARE = 0.18  # of the composed recipes that have one more match
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
    (34, 6, 2, 4, 2, 3, 2, 4, 2, 2),
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
    where, (beside, *ranges) = _WHERE[place].draw(rng), _RANGES[place]
    extra = rng.choice((*_EXTRAS[place], *ranges)) if rng.random() < _EXTRA_SHARE else ""
    target = _TARGETS.draw(rng)
    if service.startswith("-p tcp") and rng.random() < 0.06:
        target = "-j REJECT --reject-with tcp-reset"
    return (beside if extra in ranges else where) + service + _STATES.draw(rng) + extra + target
