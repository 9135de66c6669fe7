"""Random rulesets as people write them: what they open, in which order, and now and then something odd."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.model import Family
from rulec.model.protocols import TCP
from rulec.policy import ANY, Entry
from tests.compile_fuzz.words import KNOWN, PORTS, WORDS, Draw, Words

_LINKS = ("eth0", "eth1")
_CHAINS = {"server": "INPUT", "client": "OUTPUT", "forward": "FORWARD"}
_LIMITS = (
    "-m limit --limit 5/min ",
    "-m hashlimit --hashlimit-upto 5/min --hashlimit-mode srcip --hashlimit-name web ",
    "-m recent --set --name seen ",
    "-m connlimit --connlimit-upto 9 ",
)


class Maker:
    """Makes rulesets of one family, which open some of what a policy calls hot."""

    def __init__(self, draw: Draw, family: Family, hot: tuple[Entry, ...] = ()) -> None:
        self.draw = draw
        self.hot = {_CHAINS[entry.role]: entry for entry in hot if entry.ports and entry.ports != ANY}
        self.words: Words = WORDS[family]
        self._state = draw.of("-m state --state", "-m conntrack --ctstate")

    def text(self) -> str:
        """A ruleset with a filter table, and perhaps others in front of it or behind."""
        draw = self.draw
        tables = [table() for table in (self.mangle, self.nat, self.raw) if draw.often(1.5)]
        tables.insert(draw.random.randint(0, len(tables)), self.filter())
        return "".join(tables)

    # ── filter ──

    def filter(self) -> str:
        """INPUT nearly always closed, the other chains now and then."""
        draw = self.draw
        policies = {"INPUT": draw.some(8, "DROP"), "FORWARD": draw.some(7, "DROP"), "OUTPUT": draw.some(4, "DROP")}
        chains = [f":{chain} {policy or 'ACCEPT'} [0:0]" for chain, policy in policies.items()]
        calls = draw.often(2.5)
        rules = [*self.input(calls), *self.forward(), *self.output(bool(policies["OUTPUT"]))]
        if calls:
            chains.append(":SERVICES - [0:0]")
            rules += [f"-A SERVICES {self.service('INPUT')}" for _ in range(draw.random.randint(1, 3))]
        return _table("filter", *chains, *rules)

    def input(self, calls: bool) -> Iterator[str]:
        """What comes in: the loopback, what is known, services, and an end."""
        draw = self.draw
        rules = [draw.some(8.5, "-i lo -j ACCEPT"), self.invalid(2.5), self.known(9.3), *self.messages()]
        rules += [self.service("INPUT") for _ in range(draw.random.randint(1, 3))]
        if calls:
            guarded = draw.of("-p tcp", f"{self._state} NEW", f"-p udp {self._state} NEW", "-i eth0", "")
            rules.insert(-1, f"{guarded} {draw.early('-j', '-g')} SERVICES".strip())
        rules += [draw.some(2, "-m limit --limit 3/min -j LOG", '-j LOG --log-prefix "in "'), self.end()]
        yield from self._chain("INPUT", rules)

    def output(self, closed: bool) -> Iterator[str]:
        """What leaves, where that is filtered."""
        draw = self.draw
        if closed:
            rules = [draw.some(8.5, "-o lo -j ACCEPT"), self.invalid(1), self.known(9.3)]
            rules += [self.service("OUTPUT") for _ in range(draw.random.randint(0, 2))]
            rules.append(draw.some(2, f"-p {self.words.errors} -j ACCEPT", f"{self._state} NEW -j ACCEPT"))
            yield from self._chain("OUTPUT", rules)
        elif draw.often(1):
            yield from self._chain("OUTPUT", [self.invalid(5), self.service("OUTPUT")])

    def forward(self) -> Iterator[str]:
        """What passes, if anything does."""
        draw = self.draw
        if draw.often(4):
            rules = [self.invalid(1.5), self.known(9.3), draw.some(5, "-i eth1 -o eth0 -j ACCEPT")]
            rules += [f"-d {self.words.behind} {self.service('FORWARD')}" for _ in range(draw.random.randint(0, 2))]
            yield from self._chain("FORWARD", [*rules, self.end()])

    def known(self, of_ten: float) -> str:
        """The rule for what is known."""
        return self.draw.some(of_ten, f"{self._state} {self.draw.early(*KNOWN)} -j ACCEPT")

    def invalid(self, of_ten: float) -> str:
        """The rule against what is INVALID."""
        state = self._state
        return self.draw.some(of_ten, *[f"{state} INVALID -j DROP"] * 4, f"{state} INVALID -j LOG",
                              "-m conntrack --ctstate INVALID,UNTRACKED -j DROP")  # fmt: skip

    def messages(self) -> Iterator[str]:
        """Rules for ICMP."""
        if self.words.family is Family.IPV6:
            yield self.draw.some(8, "-p ipv6-icmp -j ACCEPT", "-p ipv6-icmp -m icmp6 --icmpv6-type 135 -j ACCEPT")
        else:
            yield self.draw.some(4, "-p icmp -j ACCEPT", "-p icmp -m icmp --icmp-type 8 -j ACCEPT",
                                 f"-p icmp -m icmp --icmp-type 8 {self._state} NEW -j ACCEPT")  # fmt: skip

    def service(self, chain: str) -> str:
        """A rule that opens a port, in some form."""
        draw, (protocol, port) = self.draw, self.port(chain)
        limit = draw.some(1, *_LIMITS)
        what = self.ends(chain) + f"-p {protocol} {self.ports(protocol, port)} "
        syn = draw.some(1, "--syn ") if protocol == "tcp" else ""
        target = draw.some(1, "LOG", "DROP", "REJECT", "RETURN") or "ACCEPT"
        return f"{what}{syn}{limit}{self.state()}-j {target}"

    def port(self, chain: str) -> tuple[str, int]:
        """A protocol and a port, often those that are hot."""
        entry = self.hot.get(chain)
        if entry is not None and self.draw.often(6):
            return "tcp" if TCP in entry.protocols else "udp", entry.ports[0][0]
        protocol = self.draw.early("tcp", "udp")
        return protocol, self.draw.port(protocol)

    def ports(self, protocol: str, port: int) -> str:
        """Of one port, of several, or of a range."""
        several = ",".join(map(str, sorted({port, *PORTS[protocol][:2]})))
        plain = f"-m {protocol} --dport {port}"
        odd = (f"-m multiport --dports {several}", f"{plain}:{port + 9}", f"-m {protocol} ! --dport {port + 1}", "")
        return self.draw.early(*odd) if self.draw.often(2) else plain

    def ends(self, chain: str) -> str:
        """Where packets come from, and by which interface."""
        words, link = self.words, "-o" if chain == "OUTPUT" else "-i"
        side = "-d" if chain == "OUTPUT" else "-s"
        place = self.draw.some(1.5, f"{side} {words.others} ", f"! {side} {words.other} ", f"{side} {words.other} ")
        return place + self.draw.some(1.5, *(f"{link} {name} " for name in _LINKS), f"! {link} lo ")

    def state(self) -> str:
        """What a rule asks of the state, in every form that people use."""
        word = self._state
        return self.draw.early(f"{word} NEW ", f"{word} NEW ", f"{word} NEW ", "", f"{word} NEW,ESTABLISHED ",
                               f"{word} NEW,UNTRACKED ", f"{word.replace(' --', ' ! --')} INVALID ",
                               f"{word} NEW,RELATED,ESTABLISHED ", f"{word.replace(' --', ' ! --')} ESTABLISHED ",
                               f"{word} UNTRACKED ")  # fmt: skip

    def end(self) -> str:
        """How a chain ends."""
        refused = "icmp-host-prohibited" if self.words.family is Family.IPV4 else "icmp6-adm-prohibited"
        reset = "-p tcp -j REJECT --reject-with tcp-reset"
        return self.draw.some(4, "-j DROP", f"-j REJECT --reject-with {refused}", reset)

    def _chain(self, name: str, rules: list[str]) -> Iterator[str]:
        """Rules in their order, or with two of them exchanged."""
        found = [rule for rule in rules if rule]
        if found and self.draw.often(1):
            one, other = (self.draw.random.randrange(len(found)) for _ in range(2))
            found[one], found[other] = found[other], found[one]
        yield from (f"-A {name} {rule}" for rule in found)

    # ── other tables ──

    def mangle(self) -> str:
        """Packets dropped early, marks."""
        draw = self.draw
        rules = [
            draw.some(4, f"-A PREROUTING {self._state} INVALID -j DROP"),
            draw.some(2, f"-A PREROUTING -p tcp -m tcp ! --syn {self._state} NEW -j DROP"),
            draw.some(4, "-A PREROUTING -p tcp -m tcp --dport 80 -j MARK --set-xmark 0x1/0xffffffff",
                      f"-A PREROUTING -i eth0 {self._state} NEW -j MARK --set-xmark 0x2/0xffffffff"),
            draw.some(1, "-A PREROUTING -p udp -j CONNMARK --restore-mark"),
            draw.some(2, "-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu"),
        ]  # fmt: skip
        return _table("mangle", ":PREROUTING ACCEPT [0:0]", ":FORWARD ACCEPT [0:0]", *filter(None, rules))

    def nat(self) -> str:
        """Masquerading, ports that are sent elsewhere."""
        draw, (protocol, port) = self.draw, self.port("INPUT")
        to = f"[{self.words.behind}]" if self.words.family is Family.IPV6 else self.words.behind
        before = f"-A PREROUTING -p {protocol} -m {protocol} --dport"
        rules = [
            draw.some(5, f"-A POSTROUTING -o eth0 -j {draw.early('MASQUERADE', f'SNAT --to-source {self.words.own}')}"),
            draw.some(3, f"{before} {port} -j DNAT --to-destination {to}:{port}",
                      f"{before} 8081 -j REDIRECT --to-ports {port}"),
        ]  # fmt: skip
        chains = [f":{chain} ACCEPT [0:0]" for chain in ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING")]
        return _table("nat", *chains, *filter(None, rules))

    def raw(self) -> str:
        """What is untracked or dropped already."""
        draw, (protocol, port) = self.draw, self.port("INPUT")
        target = draw.of("CT --notrack", "NOTRACK")
        to, back = (f"-p {protocol} -m {protocol} {side} {port}" for side in ("--dport", "--sport"))
        rules = draw.of(
            f"-A PREROUTING {to} -j {target}\n-A OUTPUT {back} -j {target}",
            f"-A PREROUTING ! -i lo {to} -m addrtype --dst-type LOCAL -j {target}\n"
            f"-A OUTPUT ! -o lo {back} -j {target}",
            f"-A PREROUTING -i lo -j {target}\n-A OUTPUT -o lo -j {target}",
            f"-A PREROUTING -s {self.words.others} -j DROP",
            "-A PREROUTING -i eth1 -j ACCEPT",
            "-A PREROUTING -m rpfilter --invert -j DROP",
        )
        return _table("raw", ":PREROUTING ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]", rules)


def _table(name: str, *lines: str) -> str:
    return "\n".join((f"*{name}", *lines, "COMMIT", ""))
