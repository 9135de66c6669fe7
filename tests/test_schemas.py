"""The JSON schemas that editors use say of files what rulec says of them."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from rulec import policy
from rulec.linting.files import known
from rulec.settings.read import read
from rulec.settings.shape import FILE, LINT, TARGET
from rulec.source import Source

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


# ── rulec.toml ──

SETTINGS = "rulec.schema.json"
WHOLE_SETTINGS = """\
required-version = ">=0.1, <99"
extend = "../rulec.toml"
exclude = ["lab/**", "*.bak"]
force-exclude = true
respect-gitignore = false
target = { kernel = "el7", family = "ipv4", opaque = ["geoip"] }
[lint]
select = ["ruleset", "open-to-world"]
extend-select = "jump-loop"
ignore = "notrack"
fixable = ["ruleset"]
unfixable = []
unsafe-fixes = true
fail-on = "error"
undecided = "pass"
baseline = "known.json"
require-reason = true
rule-markers = "always"
memory = 512
[lint.severity]
exposure = "error"
[lint.per-file-ignores]
"lab/**" = ["open-to-world"]
[lint.checks.open-to-world]
ports = [22, "53/udp"]
allowed-ports = 443
ignorable = false
[lint.checks.jump-loop]
ignorable = true
[[lint.ignore-finding]]
fingerprint = "abc"
reason = "known"
[[compile]]
input = ["a.v4", "a.v6"]
policy = "web.yaml"
output-dir = "out"
[diff]
files = "a.v4"
"""


def mistakes(text: str) -> list[str]:
    """What rulec says of a rulec.toml."""
    return [str(finding) for finding in read(Source("rulec.toml", text), known(), "/")[1]]


def shown_settings() -> list[str]:
    """Every rulec.toml of the pages: in a block of its own, or as a command shows it."""
    pages = [ROOT / "README.md", *sorted(ROOT.joinpath("docs").glob("*.md"))]
    form = r"(?ms)^(?:```toml|\$ cat \S*rulec\.toml)\n(.*?)(?=^(?:\$ |```))"
    blocks = [text for page in pages for text in re.findall(form, page.read_text(encoding="utf-8"))]
    return [text for text in blocks if "[tool." not in text]


def test_there_are_settings_to_look_at() -> None:
    assert len(shown_settings()) > 1


@pytest.mark.parametrize("text", [WHOLE_SETTINGS, *shown_settings()])
def test_settings_that_are_read_hold_to_the_schema(text: str) -> None:
    assert mistakes(text) == []
    assert complaints(SETTINGS, tomllib.loads(text)) == []


def test_the_whole_file_has_every_key() -> None:
    """So a new key must be tried here, too."""
    content = tomllib.loads(WHOLE_SETTINGS)
    assert content.keys() == FILE.keys.keys()
    assert content["lint"].keys() == LINT.keys.keys()
    assert content["target"].keys() == TARGET.keys.keys()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("force-exclude = true", "force-exclud = true"),
        ("force-exclude = true", 'force-exclude = "yes"'),
        ('family = "ipv4"', 'family = "ipv5"'),
        ('select = ["ruleset", ', 'select = ["rulesets", '),
        ('fail-on = "error"', 'fail-on = "errors"'),
        ("memory = 512", "memory = -1"),
        ("memory = 512", 'memory = "512"'),
        ('exposure = "error"', 'exposure = "bad"'),
        ('exposure = "error"', 'exposur = "error"'),
        ('"lab/**" = ["open-to-world"]', '"lab/**" = ["open-to-all"]'),
        ("[lint.checks.jump-loop]\n", "[lint.checks.jump-lop]\n"),
        ("allowed-ports = 443", "allowd-ports = 443"),
        ("[lint.checks.jump-loop]\n", "[lint.checks.jump-loop]\nports = 22\n"),
        ('fingerprint = "abc"\n', ""),
        ('policy = "web.yaml"\n', ""),
        ("[[compile]]", "[compile]"),
    ],
)
def test_what_the_schema_of_settings_refuses_is_refused(old: str, new: str) -> None:
    assert WHOLE_SETTINGS.count(old) == 1
    text = WHOLE_SETTINGS.replace(old, new)
    assert complaints(SETTINGS, tomllib.loads(text)) != []
    assert mistakes(text) != []
