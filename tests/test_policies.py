"""The ready policies: each compiles with a ruleset that admits its flows, and all of them are untracked."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from tests.running import rulec

HEAD = """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
"""
NEW = "-m conntrack --ctstate NEW -j ACCEPT"


class Ready(NamedTuple):
    """The rules that admit what a policy is about, or others, and the sockets that are untracked in the end."""

    rules: tuple[str, ...]
    untracked: frozenset[tuple[str, str]]

    @property
    def ruleset(self) -> str:
        """The rules behind those of a usual ruleset."""
        rules = (rule if " -j " in rule else f"{rule} {NEW}" for rule in self.rules)
        return HEAD + "".join(f"-A {rule}\n" for rule in rules) + "COMMIT\n"


def ready(*rules: str, untracked: str) -> Ready:
    ports = (word.split("/") for word in untracked.split())
    return Ready(rules, frozenset((protocol, port) for protocol, port in ports))


POLICIES = {
    "web": ready("INPUT -p tcp -m multiport --dports 80,443", untracked="tcp/80,443"),
    "dns-server": ready("INPUT -p udp -m udp --dport 53", "INPUT -p tcp -m tcp --dport 53", untracked="udp/53 tcp/53"),
    "resolver-client": ready(untracked="udp/53 tcp/53"),
    "memcached": ready(
        "INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 11211",
        "INPUT -s 10.0.0.0/8 -p udp -m udp --dport 11211",
        untracked="tcp/11211 udp/11211",
    ),
    "ntp": ready("INPUT -p udp -m udp --dport 123", untracked="udp/123"),
    "syslog": ready(
        "INPUT -p udp -m udp --dport 514",
        "INPUT -p tcp -m multiport --dports 514,6514",
        untracked="udp/514 tcp/514 tcp/6514",
    ),
    "forwarded-backend": ready("FORWARD -d 192.0.2.80/32 -p tcp -m multiport --dports 80,443", untracked="tcp/80,443"),
}
"""Those that compile as they are; the list of ports that is often copied does not."""

RECIPE = ready(
    "INPUT -p tcp -m multiport --dports 21,22,80,11211",
    "INPUT -p tcp -m tcp --dport 60000:60100",
    "INPUT -m conntrack --ctstate RELATED -m helper --helper ftp -j ACCEPT",
    untracked="tcp/22 tcp/80 tcp/11211 tcp/60000:60100",
)
READY = pytest.mark.parametrize("name", sorted(POLICIES))


def compiled(name: str, one: Ready, root: Path, folder: Path, *options: str) -> tuple[int, str, str]:
    """Exit code, result and messages for the ruleset of a ready policy."""
    source = folder / f"{name}.rules"
    source.write_text(one.ruleset, encoding="utf-8")
    done = rulec("compile", source, "--policy", root / "policies" / f"{name}.yaml", *options)
    return done.code, done.out, done.err


def untracked(text: str) -> frozenset[tuple[str, str]]:
    """Protocol and server's ports of the rules that leave requests untracked."""
    rules = [line.split() for line in text.splitlines() if line.endswith("-j CT --notrack")]
    named = [(words, option) for words in rules for option in ("--dport", "--dports") if option in words]
    requests = [(words, option) for words, option in named if words[words.index(option) + 1] != "32768:60999"]
    return frozenset((words[words.index("-p") + 1], words[words.index(option) + 1]) for words, option in requests)


def test_each_ready_policy_is_tried(root: Path) -> None:
    assert {path.stem for path in (root / "policies").glob("*.yaml")} == POLICIES.keys() | {"well-known-recipe"}


@READY
def test_leaves_its_flows_untracked(name: str, root: Path, tmp_path: Path) -> None:
    code, text, said = compiled(name, POLICIES[name], root, tmp_path)
    assert (code, untracked(text)) == (0, POLICIES[name].untracked), said


@READY
def test_both_directions_have_a_rule(name: str, root: Path, tmp_path: Path) -> None:
    text = compiled(name, POLICIES[name], root, tmp_path)[1]
    chains = [line.split()[1] for line in text.splitlines() if line.endswith("-j CT --notrack")]
    other = "PREROUTING" if name == "forwarded-backend" else "OUTPUT"
    assert len(chains) == 2 * len(POLICIES[name].untracked)
    assert chains.count(other) == len(chains) / (1 if other == "PREROUTING" else 2)


@READY
def test_is_proved_and_compiling_again_changes_nothing(name: str, root: Path, tmp_path: Path) -> None:
    policy, result = root / "policies" / f"{name}.yaml", tmp_path / "new.rules"
    assert compiled(name, POLICIES[name], root, tmp_path, "-o", str(result))[0] == 0
    assert rulec("verify", tmp_path / f"{name}.rules", result, "--policy", policy).code == 0
    assert rulec("compile", result, "--policy", policy, "--check").code == 0


# ── the list of ports that is often copied ──


def test_ftp_of_the_recipe_is_refused(root: Path, tmp_path: Path) -> None:
    code, text, said = compiled("well-known-recipe", RECIPE, root, tmp_path)
    assert (code, text, said.count("error[refused]")) == (1, "", 1)
    assert "ftp: the rule asks for what a helper expects that reads this port" in said


def test_the_rest_of_the_recipe_can_be_had(root: Path, tmp_path: Path) -> None:
    code, text, _ = compiled("well-known-recipe", RECIPE, root, tmp_path, "--keep-going")
    assert (code, untracked(text)) == (1, RECIPE.untracked)
    assert text.startswith("# rulec: refused ftp: ")


def test_the_passive_ports_of_the_recipe_are_reserved(root: Path, tmp_path: Path) -> None:
    result = str(tmp_path / "new.rules")
    plan = compiled("well-known-recipe", RECIPE, root, tmp_path, "--keep-going", "--plan", "-o", result)[1]
    assert "\nsysctl -w net.ipv4.ip_local_reserved_ports=60000-60100\n" in plan
