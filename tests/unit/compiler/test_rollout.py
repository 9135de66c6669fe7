"""The roll-out: a script that a shell reads, with the steps in the order in which they are safe."""

from __future__ import annotations

import re
import subprocess

import pytest

from rulec.compiler.rollout import script
from rulec.model import Family
from rulec.policy import read

POLICY = """version: 1
mode: notrack
hot:
  - {name: web, role: server, protocol: tcp, ports: [80, "8000-8010"]}
  - {name: game, role: server, protocol: udp, ports: [40000], reserved: true}
  - {name: ping, role: server, protocol: icmp}
  - {name: six, role: server, protocol: udp, ports: [53], families: [ipv6]}
"""
FILES = ((Family.IPV4, "out dir/rules.v4"), (Family.IPV6, "rules.v6"))


def rollout(*files: tuple[Family, str]) -> str:
    policy, problems = read(POLICY, "policy.yaml")
    assert policy is not None
    assert not problems
    return script(files, policy)


def commands(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_a_shell_reads_it() -> None:
    subprocess.run(["sh", "-n"], input=rollout(*FILES), text=True, check=True)
    back = "\n".join(line.removeprefix("#") for line in rollout(*FILES).splitlines() if line.startswith("#c"))
    subprocess.run(["sh", "-n"], input=back, text=True, check=True)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("iptables-restore --test", "iptables-save"),
        ("iptables-save", "iptables-restore < "),
        ("sysctl -w net.ipv4.ip_local_reserved_ports=40000", "iptables-restore < "),
        ("iptables-restore < ", "conntrack -D"),
        ("conntrack -D", "conntrack -C"),
    ],
)
def test_each_step_stands_behind_what_it_needs(first: str, then: str) -> None:
    told = commands(rollout(*FILES))
    places = [next(number for number, line in enumerate(told) if line.startswith(start)) for start in (first, then)]
    assert places == sorted(places)


def test_back_goes_by_entries_then_raw_then_the_old_filter() -> None:
    lines = rollout(*FILES).splitlines()
    back = [line for line in lines[lines.index("conntrack -C") :] if line.startswith("#") and not line.startswith("# ")]
    kinds = "".join("c" if "conntrack -D" in line else "r" if " raw" in line else "f" for line in back)
    assert re.fullmatch("(c+rf){2}", kinds)


def test_names_are_quoted_and_families_have_their_own_tools() -> None:
    told = commands(rollout(*FILES))
    assert "iptables-restore < 'out dir/rules.v4'" in told
    assert "ip6tables-restore < rules.v6" in told
    assert "conntrack -D -f ipv6 -p udp --dport 53 || true" in told
    assert not any("-f ipv4" in line and "--dport 53" in line for line in told)
    assert "for port in $(seq 8000 8010); do conntrack -D -f ipv4 -p tcp --dport $port || true; done || true" in told
    assert "conntrack -D -f ipv4 -p icmp || true" in told


def test_without_reserved_ports_nothing_is_reserved() -> None:
    policy, _ = read(POLICY.replace("reserved: true", "reserved: false").replace("40000", "4000"), "policy.yaml")
    assert policy is not None
    assert "sysctl" not in script(FILES, policy)
