"""Short rulesets with NOTRACK rules."""

from __future__ import annotations

from rulec.diagnostics import Finding
from tests.unit.lint.linting import rules_named

NEW = "INPUT -p tcp --dport 80 -m state --state NEW -j ACCEPT"
BOTH = "INPUT -p tcp --dport 80 -m conntrack --ctstate NEW,UNTRACKED -j ACCEPT"
KNOWN = "INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"
ERRORS = "INPUT -p icmp --icmp-type fragmentation-needed -j ACCEPT"
REQUESTS = "PREROUTING ! -i lo -p tcp --dport 80 -m addrtype --dst-type LOCAL -j CT --notrack"
ANSWERS = "OUTPUT ! -o lo -p tcp --sport 80 -j CT --notrack"
SERVER = (REQUESTS, ANSWERS)
LIMITED = "-m hashlimit --hashlimit-upto 5/min --hashlimit-mode srcip --hashlimit-name a"
ROUTER = (":INPUT DROP [0:0]", ":FORWARD DROP [0:0]")
TO_WEB = "FORWARD -d 10.2.0.2 -p tcp --dport 80 -m conntrack --ctstate NEW,UNTRACKED -j ACCEPT"
FROM_WEB = "FORWARD -s 10.2.0.2 -p tcp --sport 80 ! --tcp-flags SYN,ACK SYN -m conntrack --ctstate UNTRACKED -j ACCEPT"
FORWARDED = "FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"
RAW_TO_WEB = "PREROUTING -d 10.2.0.2 -p tcp --dport 80 -j CT --notrack"
RAW_FROM_WEB = "PREROUTING -s 10.2.0.2 -p tcp --sport 80 -m addrtype ! --dst-type LOCAL -j CT --notrack"


def table(name: str, *lines: str) -> str:
    """A table of some lines; those without a dash in front are rules."""
    written = (line if line[0] in ":-[" else f"-A {line}" for line in lines)
    return "\n".join([f"*{name}", *written, "COMMIT", ""])


def text(rules: tuple[str, ...], raw: tuple[str, ...] = SERVER, others: str = "") -> str:
    """A ruleset whose INPUT drops what no rule accepts."""
    policy = () if any(rule.startswith(":INPUT") for rule in rules) else (":INPUT DROP [0:0]",)
    return table("filter", *policy, *rules) + others + table("raw", *raw)


RESOLVER = (":INPUT DROP [0:0]", ":OUTPUT DROP [0:0]")
ASKS = "OUTPUT -p udp --dport 53 -m conntrack --ctstate NEW,UNTRACKED -j ACCEPT"
RAW_CLIENT = (
    "PREROUTING ! -i lo -p udp --sport 53 --dport 32768:60999 -j CT --notrack",
    "OUTPUT ! -o lo -p udp --dport 53 -j CT --notrack",
)
OPEN_OUTPUT = "OUTPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"


def without_notrack(ruleset: str) -> str:
    """The text without its NOTRACK rules."""
    lines = ruleset.splitlines(keepends=True)
    return "".join(line for line in lines if "NOTRACK" not in line and "--notrack" not in line)


def named(finding: Finding) -> str:
    return rules_named(finding)[0]
