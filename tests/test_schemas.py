"""The JSON schemas that editors use say of files what rulec says of them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from rulec import policy

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS = sorted(ROOT.joinpath("docs", "schema").glob("*.json"))


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(ROOT.joinpath("docs", "schema", name).read_text(encoding="utf-8")))


def complaints(name: str, content: Any) -> list[str]:
    """What a schema says of a file."""
    return sorted(error.message for error in validator(name).iter_errors(content))


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_is_a_schema(path: Path) -> None:
    schema = json.loads(path.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


# ── policies ──

POLICY = "policy.schema.json"
WHOLE = """\
version: 1
mode: notrack
losses: accept
dialect: notrack
fragments: leave
ephemeral: 40000-50000
icmp-errors: wide
loopback: hot
hot:
  - {name: web, role: server, protocol: [tcp, udp], ports: [80, https, "8000-8080"], servers: 192.0.2.1,
     clients: [198.51.100.0/24], client-ports: 1024-65535, interface: eth+, families: ipv4,
     reserved: true, loopback: tracked, icmp-errors: exact}
  - {name: ping, role: client, protocol: icmp}
"""


def policies() -> list[tuple[str, str]]:
    """All policies that are shown: those ready for use, and those of the pages."""
    ready = [(path.name, path.read_text(encoding="utf-8")) for path in sorted(ROOT.joinpath("policies").glob("*.yaml"))]
    pages = [path.read_text(encoding="utf-8") for path in sorted(ROOT.joinpath("docs").glob("*.md"))]
    shown = [text for page in pages for text in re.findall(r"(?ms)^version: 1\n.*?(?=^(?:\$ |```))", page)]
    return [*ready, *((f"shown{number}", text) for number, text in enumerate(shown))]


POLICIES = policies()


def test_there_are_policies_to_look_at() -> None:
    assert len(POLICIES) > 10
    assert len([name for name, _ in POLICIES if name.startswith("shown")]) > 2


@pytest.mark.parametrize(("name", "text"), [*POLICIES, ("whole", WHOLE)], ids=lambda value: str(value)[:20])
def test_policies_that_are_read_hold_to_the_schema(name: str, text: str) -> None:
    assert policy.read(text, name)[1] == []
    assert complaints(POLICY, yaml.safe_load(text)) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("version: 1", "version: 2"),
        ("version: 1\n", ""),
        ("mode: notrack", "mode: notracks"),
        ("mode: notrack\n", ""),
        ("losses: accept", "losses: some"),
        ("icmp-errors: wide", "icmp-error: wide"),
        ("name: web, ", ""),
        ("role: server, ", ""),
        ("role: server", "role: servers"),
        ("protocol: icmp", "protocol: gre"),
        ("ports: [80,", "ports: [80000,"),
        ("ports: [80,", "port: [80,"),
        ("interface: eth+", "interface: a-name-of-16-chrs"),
        ("reserved: true", "reserved: perhaps"),
        ("families: ipv4", "families: ipv5"),
        (WHOLE[WHOLE.index("hot:\n") :], "hot: []\n"),
        (WHOLE[WHOLE.index("hot:\n") :], ""),
    ],
)
def test_what_the_schema_refuses_is_refused(old: str, new: str) -> None:
    assert WHOLE.count(old) == 1
    text = WHOLE.replace(old, new)
    assert complaints(POLICY, yaml.safe_load(text)) != []
    assert policy.read(text, "policy")[1] != []
