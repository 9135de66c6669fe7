"""Rewrites that are right, and the well-known wrong ones: pairs of rulesets, and what is to be said of them."""

from __future__ import annotations

from typing import NamedTuple

from tests.unit.compiler.histories import Hot
from tests.unit.compiler.histories_packet import BACKEND, OTHER, PEER

CT = "-m conntrack --ctstate"
KNOWN = f"-A INPUT {CT} ESTABLISHED,RELATED -j ACCEPT"
KNOWN_OUT = f"-A OUTPUT {CT} ESTABLISHED,RELATED -j ACCEPT"
KNOWN_ON = f"-A FORWARD {CT} ESTABLISHED,RELATED -j ACCEPT"
LO, LO_OUT = "-A INPUT -i lo -j ACCEPT", "-A OUTPUT -o lo -j ACCEPT"
NO_SYN = "! --tcp-flags SYN,ACK SYN"
NOTRACK = "-j CT --notrack"
DROPS_OUT = ":OUTPUT DROP [0:0]"

WEB = Hot("server", "tcp", 80)
WITH_ERRORS = WEB._replace(errors=True)
WITH_LOOPBACK = WEB._replace(loopback=True)
RESOLVER = Hot("client", "udp", 53, clients=(1024, 65535))
FETCHER = Hot("client", "tcp", 80, clients=(1024, 65535))
BEHIND = Hot("forward", "tcp", 80, server=BACKEND)


class Case(NamedTuple):
    """A pair of rulesets, and the part of the proof that fails with a word of what it says; nothing where none does."""

    name: str
    hot: Hot
    old: str
    new: str
    part: str = ""
    says: str = ""


def ruleset(*rules: str, raw: tuple[str, ...] = (), nat: tuple[str, ...] = (), mangle: tuple[str, ...] = ()) -> str:
    """A ruleset of which INPUT and FORWARD drop what no rule accepts.

    A line with ``:`` is the policy of a chain, or a new chain.
    """
    policies = {":INPUT": "DROP", ":FORWARD": "DROP", ":OUTPUT": "ACCEPT"}
    policies.update({rule.split()[0]: rule.split()[1] for rule in rules if rule.startswith(":")})
    heads = [f"{chain} {policy} [0:0]" for chain, policy in policies.items()]
    lines = ["*filter", *heads, *(rule for rule in rules if rule.startswith("-A")), "COMMIT"]
    for name, more in (("mangle", mangle), ("nat", nat), ("raw", raw)):
        lines += [f"*{name}", *more, "COMMIT"] if more else []
    return "\n".join([*lines, ""])


def accepts(states: str = "NEW", more: str = "", hot: Hot = WEB) -> str:
    """The rule that lets a server's requests in."""
    return f"-A INPUT {more}{' ' if more else ''}-p {hot.protocol} --dport {hot.port} {CT} {states} -j ACCEPT"


RAW = (
    f"-A PREROUTING ! -i lo -p tcp --dport 80 -m addrtype --dst-type LOCAL {NOTRACK}",
    f"-A OUTPUT ! -o lo -p tcp --sport 80 {NOTRACK}",
)
"""Both directions of a server's flows."""

RAW_LO = (RAW[0], f"-A OUTPUT -p tcp --sport 80 {NOTRACK}", f"-A OUTPUT -o lo -p tcp --dport 80 {NOTRACK}")
"""The same, with the loopback hot."""

RAW_RESOLVER = (
    f"-A PREROUTING ! -i lo -p udp --sport 53 --dport 1024:65535 -m addrtype --dst-type LOCAL {NOTRACK}",
    f"-A OUTPUT ! -o lo -p udp --sport 1024:65535 --dport 53 {NOTRACK}",
)
RAW_FETCHER = tuple(rule.replace("udp", "tcp").replace("53 ", "80 ") for rule in RAW_RESOLVER)
RAW_BEHIND = (
    f"-A PREROUTING -d {BACKEND} -p tcp --dport 80 {NOTRACK}",
    f"-A PREROUTING -s {BACKEND} -p tcp --sport 80 -m addrtype ! --dst-type LOCAL {NOTRACK}",
)
REPLIES = f"-A OUTPUT ! -o lo -p tcp --sport 80 {NO_SYN} {CT} UNTRACKED,INVALID -j ACCEPT"
REPLIES_BEHIND = f"-A FORWARD -s {BACKEND} -p tcp --sport 80 {NO_SYN} {CT} UNTRACKED -j ACCEPT"
ASKS = f"-A OUTPUT -p udp --dport 53 {CT} NEW -j ACCEPT"
FETCHES = f"-A OUTPUT -p tcp --dport 80 {CT} NEW -j ACCEPT"
ANSWERS = f"-A INPUT -p udp --sport 53 --dport 1024:65535 {CT} UNTRACKED -j ACCEPT"
FETCHED = f"-A INPUT -p tcp --sport 80 --dport 1024:65535 {NO_SYN} {CT} UNTRACKED -j ACCEPT"
ON = f"-A FORWARD -d {BACKEND} -p tcp --dport 80 {CT} NEW -j ACCEPT"
ON_UNTRACKED = ON.replace("NEW", "NEW,UNTRACKED")
ABOUT_80 = '"0>>22&0x3C@14&0xFF=6&&0>>22&0x3C@8>>22&0x3C@8>>16=80"'


def about(kind: int) -> str:
    """The rule that lets in ICMP errors about what port 80 sent."""
    return f"-A INPUT -p icmp --icmp-type {kind} -m u32 --u32 {ABOUT_80} {CT} INVALID -j ACCEPT"


ERRORS = tuple(about(kind) for kind in (3, 11, 12))
STATEFUL = ruleset(LO, KNOWN, accepts())
FILTERED = ruleset(DROPS_OUT, LO, LO_OUT, KNOWN, accepts(), KNOWN_OUT)
RESOLVING = ruleset(DROPS_OUT, LO, LO_OUT, KNOWN, ASKS, KNOWN_OUT)
FETCHING = ruleset(DROPS_OUT, LO, LO_OUT, KNOWN, FETCHES, KNOWN_OUT)
FORWARDING = ruleset(KNOWN, KNOWN_ON, ON)
FROM_PEER = ruleset(LO, KNOWN, accepts(more=f"-s {PEER}"))
BOTH = accepts("NEW,UNTRACKED")
ASKS_BOTH, FETCHES_BOTH = (rule.replace("NEW", "NEW,UNTRACKED") for rule in (ASKS, FETCHES))

ONE_DIRECTION = (
    Case("both directions", WEB, STATEFUL, ruleset(LO, KNOWN, BOTH, raw=RAW)),
    Case("filter unchanged", WEB, STATEFUL, ruleset(LO, KNOWN, accepts(), raw=RAW), "kept", "first packet"),
    Case("output unchanged", WEB, FILTERED,
         ruleset(DROPS_OUT, LO, LO_OUT, KNOWN, BOTH, KNOWN_OUT, raw=RAW), "kept", "an answer"),
    Case("output too", WEB, FILTERED, ruleset(DROPS_OUT, LO, LO_OUT, KNOWN, BOTH, REPLIES, KNOWN_OUT, raw=RAW)),
    Case("requests only", WEB, STATEFUL, ruleset(LO, KNOWN, BOTH, raw=RAW[:1]), "closed", "are tracked"),
    Case("answers only", WEB, STATEFUL, ruleset(LO, KNOWN, BOTH, raw=RAW[1:]), "closed", "are untracked"),
    Case("answers at the wrong hook", WEB, STATEFUL,
         ruleset(LO, KNOWN, BOTH, raw=(RAW[0], f"-A PREROUTING -p tcp --sport 80 {NOTRACK}")), "closed", "are tracked"),
    Case("nothing in raw", WEB, STATEFUL, ruleset(LO, KNOWN, BOTH), "untracked", "still tracked"),
    Case("only from one client", WEB, STATEFUL,
         ruleset(LO, KNOWN, BOTH, raw=(RAW[0].replace("-p", f"-s {PEER} -p"), RAW[1].replace("-p", f"-d {PEER} -p"))),
         "untracked", "still tracked"),
)  # fmt: skip
"""Section 1: the usual recipe."""

WHOLESALE = (
    Case("where all may ask", WEB, STATEFUL, ruleset(LO, KNOWN.replace("RELATED", "RELATED,UNTRACKED"), BOTH, raw=RAW)),
    Case("past a source", WEB, FROM_PEER,
         ruleset(LO, KNOWN.replace("RELATED", "RELATED,UNTRACKED"), accepts(more=f"-s {PEER}"), raw=RAW),
         "opened", "new connection"),
    Case("past a refusal", WEB, ruleset(LO, KNOWN, f"-A INPUT -s {OTHER} -j DROP", accepts()),
         ruleset(LO, KNOWN.replace("RELATED", "RELATED,UNTRACKED"), f"-A INPUT -s {OTHER} -j DROP", accepts(), raw=RAW),
         "opened", "new connection"),
    Case("by the port of the other side", RESOLVER, RESOLVING,
         ruleset(DROPS_OUT, LO, LO_OUT, KNOWN.replace("RELATED", "RELATED,UNTRACKED"), ASKS_BOTH, KNOWN_OUT,
                 raw=(f"-A PREROUTING ! -i lo -p udp --sport 53 {NOTRACK}", RAW_RESOLVER[1])), "opened", "no flow"),
)  # fmt: skip
"""Section 2: UNTRACKED beside ESTABLISHED."""

EVERYWHERE = tuple(rule.replace("! -i lo ", "").replace("! -o lo ", "") for rule in RAW)
CLIENTS_ON_LO_RULES = (
    DROPS_OUT, LO, KNOWN, f"-A OUTPUT -o lo -p tcp --sport 1024:65535 --dport 80 {CT} NEW -j ACCEPT", KNOWN_OUT,
)  # fmt: skip
CLIENTS_ON_LO = ruleset(*CLIENTS_ON_LO_RULES, accepts())
LOOPBACK = (
    Case("not excluded", WEB, STATEFUL, ruleset(LO, KNOWN, BOTH, raw=EVERYWHERE), "closed", ""),
    Case("not excluded, output filtered", WEB, FILTERED,
         ruleset(DROPS_OUT, LO, LO_OUT, KNOWN, BOTH, REPLIES, KNOWN_OUT, raw=EVERYWHERE), "closed", ""),
    Case("not excluded, where only clients ask", WEB, CLIENTS_ON_LO, ruleset(
        *CLIENTS_ON_LO_RULES, BOTH, REPLIES, raw=(RAW[0], RAW[1].replace("! -o lo ", ""))), "closed", "are untracked"),
    Case("hot", WITH_LOOPBACK, STATEFUL, ruleset(LO, KNOWN, BOTH, raw=RAW_LO)),
    Case("hot, with nothing for lo", WITH_LOOPBACK, ruleset(KNOWN, accepts()), ruleset(KNOWN, BOTH, raw=RAW_LO),
         "kept", "to itself"),
    Case("half of it hot", WITH_LOOPBACK, STATEFUL,
         ruleset(LO, KNOWN, BOTH, raw=(*RAW, f"-A OUTPUT -o lo -p tcp --dport 80 {NOTRACK}")), "closed", "are tracked"),
    Case("only arriving", WEB, STATEFUL, ruleset(LO, KNOWN, BOTH, raw=(*RAW, f"-A PREROUTING -i lo {NOTRACK}"))),
)  # fmt: skip
"""Section 3: a packet has its state from OUTPUT."""

MASQUERADE = ("-A POSTROUTING -o eth0 -j MASQUERADE",)
APART = ("-A POSTROUTING -o eth0 -p tcp -j MASQUERADE --to-ports 20000-29999",)
ROUTER = (LO, KNOWN, KNOWN_ON, f"-A FORWARD -i eth1 {CT} NEW -j ACCEPT")
WEB_8080 = WEB._replace(port=8080)
RAW_8080 = tuple(rule.replace("80", "8080") for rule in RAW)
ON_BACKEND = f"-A FORWARD -d {BACKEND} -p tcp --dport 80 {CT} NEW -j ACCEPT"
TO_BACKEND = (f"-A PREROUTING -p tcp --dport 8081 -j DNAT --to-destination {BACKEND}:80",)
NAT = (
    Case("DNAT of the hot port", WEB, ruleset(LO, KNOWN, accepts(), KNOWN_ON, ON, nat=(
        f"-A PREROUTING -p tcp --dport 80 -j DNAT --to-destination {BACKEND}",)),
        ruleset(LO, KNOWN, BOTH, KNOWN_ON, ON, raw=RAW, nat=(
            f"-A PREROUTING -p tcp --dport 80 -j DNAT --to-destination {BACKEND}",)), "closed", "not rewritten"),
    Case("REDIRECT to the hot port", WEB, ruleset(LO, KNOWN, accepts(), nat=(
        "-A PREROUTING -p tcp --dport 8081 -j REDIRECT --to-ports 80",)),
        ruleset(LO, KNOWN, BOTH, raw=RAW, nat=(
            "-A PREROUTING -p tcp --dport 8081 -j REDIRECT --to-ports 80",)), "closed", "not turned back"),
    Case("DNAT to the hot port of a backend", WEB, ruleset(LO, KNOWN, accepts(), KNOWN_ON, ON_BACKEND, nat=TO_BACKEND),
         ruleset(LO, KNOWN, BOTH, KNOWN_ON, ON_BACKEND, raw=RAW, nat=TO_BACKEND)),
    Case("no address on a router", WEB, ruleset(*ROUTER, accepts(), nat=MASQUERADE),
         ruleset(*ROUTER, BOTH, raw=(RAW[0].replace("-m addrtype --dst-type LOCAL ", ""), RAW[1]), nat=MASQUERADE),
         "closed", "rewritten"),
    Case("ports that MASQUERADE takes", WEB_8080, ruleset(*ROUTER, accepts(hot=WEB_8080), nat=MASQUERADE),
         ruleset(*ROUTER, accepts("NEW,UNTRACKED", hot=WEB_8080), raw=RAW_8080, nat=MASQUERADE),
         "closed", "turned back"),
    Case("ports that MASQUERADE leaves", WEB_8080, ruleset(*ROUTER, accepts(hot=WEB_8080), nat=APART),
         ruleset(*ROUTER, accepts("NEW,UNTRACKED", hot=WEB_8080), raw=RAW_8080, nat=APART)),
    Case("low ports", WEB, ruleset(*ROUTER, accepts(), nat=MASQUERADE), ruleset(*ROUTER, BOTH, raw=RAW,
                                                                                     nat=MASQUERADE)),
    Case("a client that masquerades others", FETCHER, ruleset(*ROUTER, nat=MASQUERADE),
         ruleset(*ROUTER[:1], FETCHED, *ROUTER[1:], raw=RAW_FETCHER, nat=MASQUERADE), "closed", "turned back"),
)  # fmt: skip
"""Section 4: what is untracked is not translated."""

ANSWERED = f"-A INPUT -p icmp --icmp-type 3 {CT} INVALID -j ACCEPT"
INVALID = f"-A INPUT {CT} INVALID -j DROP"
REFUSED = "-A INPUT -p tcp -j REJECT --reject-with tcp-reset"
TO_PEER = f"-A OUTPUT ! -o lo -d {PEER} -p tcp --sport 80 {NO_SYN} {CT} UNTRACKED -j ACCEPT"
RESETS = f"-A OUTPUT ! -o lo -p tcp --sport 80 --tcp-flags SYN,RST RST {CT} INVALID -j ACCEPT"
ICMP_ERRORS = (
    Case("left", WEB, STATEFUL, ruleset(LO, KNOWN, BOTH, raw=RAW)),
    Case("lost", WITH_ERRORS, STATEFUL, ruleset(LO, KNOWN, BOTH, raw=RAW), "kept", "ICMP error"),
    Case("let in", WITH_ERRORS, STATEFUL, ruleset(LO, *ERRORS, KNOWN, BOTH, raw=RAW)),
    Case("let in too late", WITH_ERRORS, ruleset(LO, INVALID, KNOWN, accepts()),
         ruleset(LO, INVALID, *ERRORS, KNOWN, BOTH, raw=RAW), "kept", "ICMP error"),
    Case("dropped before", WITH_ERRORS,
         ruleset(LO, KNOWN, accepts(), mangle=(f"-A PREROUTING {CT} INVALID -j DROP",)),
         ruleset(LO, *ERRORS, KNOWN, BOTH, raw=RAW, mangle=(f"-A PREROUTING {CT} INVALID -j DROP",)),
         "kept", "ICMP error"),
    Case("about anything", WEB, STATEFUL, ruleset(LO, ANSWERED, KNOWN, BOTH, raw=RAW), "frame", "is now"),
    Case("untracked themselves", WITH_ERRORS, STATEFUL,
         ruleset(LO, KNOWN, BOTH, raw=(*RAW, f"-A PREROUTING ! -i lo -p icmp {NOTRACK}")), "kept", ""),
    Case("resets of REJECT lost", WEB,
         ruleset(DROPS_OUT, LO, LO_OUT, KNOWN, accepts(more=f"-s {PEER}"), REFUSED, KNOWN_OUT),
         ruleset(DROPS_OUT, LO, LO_OUT, KNOWN, accepts("NEW,UNTRACKED", f"-s {PEER}"), REFUSED,
                 TO_PEER, KNOWN_OUT, raw=RAW), "kept", "reset"),
    Case("resets of REJECT", WEB,
         ruleset(DROPS_OUT, LO, LO_OUT, KNOWN, accepts(more=f"-s {PEER}"), REFUSED, KNOWN_OUT),
         ruleset(DROPS_OUT, LO, LO_OUT, KNOWN, accepts("NEW,UNTRACKED", f"-s {PEER}"), REFUSED, TO_PEER, RESETS,
                 KNOWN_OUT, raw=RAW)),
    Case("errors of REJECT lost", WITH_ERRORS,
         ruleset(DROPS_OUT, LO, LO_OUT, KNOWN, accepts(more=f"-s {PEER}"), "-A INPUT -p tcp -j REJECT", KNOWN_OUT),
         ruleset(DROPS_OUT, LO, LO_OUT, *ERRORS, KNOWN, accepts("NEW,UNTRACKED", f"-s {PEER}"),
                 "-A INPUT -p tcp -j REJECT", TO_PEER, RESETS, KNOWN_OUT, raw=RAW), "kept", ""),
)  # fmt: skip
"""Section 5: errors about untracked packets are INVALID."""

CLIENT = (
    Case("answers let in", FETCHER, FETCHING,
         ruleset(DROPS_OUT, LO, LO_OUT, FETCHED, KNOWN, FETCHES_BOTH, KNOWN_OUT, raw=RAW_FETCHER)),
    Case("answers lost", FETCHER, FETCHING,
         ruleset(DROPS_OUT, LO, LO_OUT, KNOWN, FETCHES_BOTH, KNOWN_OUT, raw=RAW_FETCHER), "kept", "an answer"),
    Case("requests lost", FETCHER, FETCHING,
         ruleset(DROPS_OUT, LO, LO_OUT, FETCHED, KNOWN, FETCHES, KNOWN_OUT, raw=RAW_FETCHER), "kept", "first packet"),
    Case("asked from the port", FETCHER, FETCHING,
         ruleset(DROPS_OUT, LO, LO_OUT, FETCHED.replace(NO_SYN + " ", ""), KNOWN, FETCHES_BOTH, KNOWN_OUT,
                 raw=RAW_FETCHER), "opened", "new connection"),
    Case("asked from the port, by SYN and FIN", FETCHER, FETCHING,
         ruleset(DROPS_OUT, LO, LO_OUT, FETCHED.replace(NO_SYN, "! --syn"), KNOWN, FETCHES_BOTH, KNOWN_OUT,
                 raw=RAW_FETCHER), "opened", "new connection"),
    Case("a program asks from the hot port", WEB, FILTERED,
         ruleset(DROPS_OUT, LO, LO_OUT, KNOWN, BOTH, REPLIES.replace(NO_SYN + " ", ""), KNOWN_OUT, raw=RAW),
         "opened", "new connection"),
    Case("of a resolver", RESOLVER, RESOLVING, ruleset(
        DROPS_OUT, LO, LO_OUT, ANSWERS, KNOWN, ASKS_BOTH, KNOWN_OUT, raw=RAW_RESOLVER)),
)  # fmt: skip
"""Section 7: the client's side."""

FORWARD = (
    Case("both directions", BEHIND, FORWARDING, ruleset(KNOWN, REPLIES_BEHIND, KNOWN_ON, ON_UNTRACKED, raw=RAW_BEHIND)),
    Case("filter unchanged", BEHIND, FORWARDING, ruleset(KNOWN, KNOWN_ON, ON, raw=RAW_BEHIND), "kept", "first packet"),
    Case("answers lost", BEHIND, FORWARDING,
         ruleset(KNOWN, KNOWN_ON, ON_UNTRACKED, raw=RAW_BEHIND), "kept", "an answer"),
    Case("asked from the port", BEHIND, FORWARDING,
         ruleset(KNOWN, REPLIES_BEHIND.replace(NO_SYN + " ", ""), KNOWN_ON, ON_UNTRACKED, raw=RAW_BEHIND),
         "opened", "new connection"),
    Case("as if it were this host's", BEHIND, FORWARDING,
         ruleset(KNOWN, REPLIES_BEHIND, KNOWN_ON, ON_UNTRACKED,
                 raw=(RAW_BEHIND[0], f"-A OUTPUT -s {BACKEND} -p tcp --sport 80 {NOTRACK}")), "closed", "are tracked"),
    Case("answers to this host too", BEHIND, FORWARDING,
         ruleset(KNOWN, REPLIES_BEHIND, KNOWN_ON, ON_UNTRACKED,
                 raw=(RAW_BEHIND[0], RAW_BEHIND[1].replace("-m addrtype ! --dst-type LOCAL ", ""))),
         "closed", "are untracked"),
)  # fmt: skip
"""Section 8: through this host."""

BY_TUPLE = f"-A INPUT {CT} NEW --ctorigsrc {PEER} --ctorigdstport 80 -j ACCEPT"
NOT_NEW = "-A INPUT -m conntrack ! --ctstate NEW,INVALID -j ACCEPT"
UNKNOWN = "-A INPUT -m conntrack ! --ctstate NEW,ESTABLISHED -j DROP"
LATER = f"-A INPUT -p tcp --dport 80 {NO_SYN} {CT} UNTRACKED -j ACCEPT"
BEGINS, BEGINS_BOTH = (accepts(states).replace("tcp ", "tcp --syn ") for states in ("NEW", "NEW,UNTRACKED"))
MATCHES = (
    Case("other options beside a state", WEB, ruleset(LO, KNOWN, BY_TUPLE),
         ruleset(LO, KNOWN, BY_TUPLE.replace("NEW", "NEW,UNTRACKED"), raw=RAW), "opened", "new connection"),
    Case("negated, and accepts", WEB, ruleset(LO, NOT_NEW, accepts(more=f"-s {PEER}")),
         ruleset(LO, NOT_NEW, accepts("NEW,UNTRACKED", f"-s {PEER}"), raw=RAW), "opened", "new connection"),
    Case("negated, and drops", WEB, ruleset(LO, UNKNOWN, KNOWN, accepts()),
         ruleset(LO, UNKNOWN, KNOWN, BOTH, raw=RAW), "kept", "first packet"),
    Case("a drop that only new ones met", WEB, ruleset(LO, KNOWN, "-A INPUT -p tcp ! --syn -j DROP", accepts()),
         ruleset(LO, KNOWN, "-A INPUT -p tcp ! --syn -j DROP", BOTH, raw=RAW), "kept", "a later packet"),
    Case("only what begins", WEB, ruleset(LO, KNOWN, BEGINS), ruleset(LO, KNOWN, BEGINS_BOTH, raw=RAW),
         "kept", "a later packet"),
    Case("what begins, and later packets", WEB, ruleset(LO, KNOWN, BEGINS),
         ruleset(LO, KNOWN, LATER, BEGINS_BOTH, raw=RAW)),
)  # fmt: skip
"""Section 9: what an untracked packet matches."""

SHARED = (":STATE -", "-A INPUT -j STATE", "-A OUTPUT -j STATE", f"-A STATE {CT} ESTABLISHED,RELATED -j ACCEPT")
OPEN = "-A INPUT -p tcp --dport 80 -j ACCEPT"
TABLES = (
    Case("a chain for both hooks", WEB, ruleset(DROPS_OUT, LO, LO_OUT, *SHARED, accepts()),
         ruleset(DROPS_OUT, LO, LO_OUT, *SHARED, "-A STATE -p tcp --sport 80 -j ACCEPT", BOTH, raw=RAW),
         "frame", "is now"),
    Case("behind an ACCEPT in raw", WEB, STATEFUL,
         ruleset(LO, KNOWN, BOTH, raw=("-A PREROUTING -j ACCEPT", *RAW)), "closed", "are untracked"),
    Case("behind another CT", WEB, STATEFUL,
         ruleset(LO, KNOWN, BOTH, raw=("-A PREROUTING -j CT --zone 5", *RAW)), "closed", "are untracked"),
    Case("without fragments", WEB, ruleset(":FORWARD ACCEPT", LO, KNOWN_ON, OPEN),
         ruleset(":FORWARD ACCEPT", LO, OPEN, raw=RAW), "kept", "fragments"),
)  # fmt: skip
"""Sections 6, 12 and 17: other tables."""

LIMIT = "-m hashlimit --hashlimit-upto 5/min --hashlimit-mode srcip --hashlimit-name web"
MEMORY = (
    Case("counts packets", WEB, ruleset(LO, KNOWN, accepts(more=LIMIT)),
         ruleset(LO, KNOWN, accepts("NEW,UNTRACKED", LIMIT), raw=RAW), "effects", "hashlimit"),
    Case("counts connections", WEB, ruleset(LO, KNOWN, accepts(more=LIMIT)),
         ruleset(LO, KNOWN, LATER, accepts("NEW,UNTRACKED", LIMIT), raw=RAW)),
)  # fmt: skip
"""Section 14: rules that remember."""

GROUPS = {
    "one direction": ONE_DIRECTION, "wholesale": WHOLESALE, "loopback": LOOPBACK, "nat": NAT,
    "icmp errors": ICMP_ERRORS, "client": CLIENT, "forward": FORWARD, "matches": MATCHES, "tables": TABLES,
    "memory": MEMORY,
}  # fmt: skip


def policy_text(hot: Hot) -> str:
    """The same as a policy file."""
    servers = f", servers: [{hot.server}]" if hot.server else ""
    clients = f', client-ports: "{hot.clients[0]}-{hot.clients[1]}"' if hot.clients != (0, 65535) else ""
    kept = f"icmp-errors: {'exact' if hot.errors else 'leave'}, loopback: {'hot' if hot.loopback else 'tracked'}"
    entry = f"{{name: hot, role: {hot.role}, protocol: {hot.protocol}, ports: [{hot.port}], {kept}{servers}{clients}}}"
    return f"version: 1\nmode: notrack\nhot:\n  - {entry}\n"
