"""rulec.toml: what it says, what is wrong with it and where, and for which files it counts."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from rulec.diagnostics import Finding
from rulec.resources import VERSION
from rulec.settings.discovery import Finder
from rulec.settings.kinds import PORTS, Key, Known
from rulec.settings.locate import locate
from rulec.settings.model import Selection, Settings
from rulec.settings.patterns import Pattern
from rulec.settings.read import read, read_option
from rulec.settings.shape import FILE, schema
from rulec.settings.version import wanted_version
from rulec.source import Source

KNOWN = Known(("open-to-world", "jump-loop", "ruleset"), {"open-to-world": {"ports": Key(PORTS, "ports")}})

WHOLE = """\
required-version = ">=0.1, <99"
exclude = ["lab/**", "*.bak"]
force-exclude = true
respect-gitignore = false
target = { kernel = "el7", family = "ipv4", opaque = ["geoip"] }
[lint]
select = ["ruleset", "open-to-world"]
ignore = "jump-loop"
fixable = ["ruleset"]
fail-on = "error"
memory = 512
rule-markers = "always"
[lint.severity]
open-to-world = "error"
[lint.per-file-ignores]
"lab/**" = ["open-to-world"]
"*.v6" = "jump-loop"
[lint.checks.open-to-world]
ports = [22, "53/udp"]
ignorable = false
[[lint.ignore-finding]]
fingerprint = "abc"
reason = "known"
[[lint.ignore-finding]]
fingerprint = "def"
[[compile]]
input = ["a.v4", "a.v6"]
policy = "web.yaml"
output-dir = "out"
"""


def settings(text: str, folder: Path, name: str = "rulec.toml") -> Settings:
    (folder / name).write_text(text)
    finder = Finder(KNOWN)
    found = finder.of(str(folder / "rules.v4"))
    assert [str(problem) for problem in finder.problems] == []
    return found


def problems(text: str, name: str = "rulec.toml") -> list[Finding]:
    return read(Source(name, text), KNOWN, "/")[1]


def test_a_whole_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = settings(WHOLE, tmp_path)
    assert found.selections == (Selection(("ruleset", "open-to-world"), (), ("jump-loop",)),)
    assert (found.force_exclude, found.respect_gitignore, found.fail_on, found.memory) == (True, False, "error", 512)
    assert (found.kernel, found.family, found.opaque) == ("el7", "ipv4", ("geoip",))
    assert found.severities == {"open-to-world": "error"}
    assert found.options == {"open-to-world": {"ports": ("22", "53/udp"), "ignorable": False}}
    assert found.settled == {"open-to-world": "rulec.toml:20"}
    assert found.known == {"abc": "known", "def": ""}
    assert found.ignored_for("lab/x/rules.v6") == ("open-to-world", "jump-loop")
    assert found.ignored_for("rules.v4") == ()
    assert [(job.inputs, job.policy, job.output_dir) for job in found.jobs] == [(("a.v4", "a.v6"), "web.yaml", "out")]


def test_nothing_is_said() -> None:
    assert Finder(KNOWN, isolated=True).of("rules.v4") == Settings()


PROJECT = "[tool.other]\nx = 1\n[tool.rulec]\nforce-exclude = true\n[tool.rulec.lint.severity]\njump-loop = 'note'\n"


def test_a_table_of_pyproject(tmp_path: Path) -> None:
    found = settings(PROJECT, tmp_path, "pyproject.toml")
    assert (found.force_exclude, found.severities) == (True, {"jump-loop": "note"})


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("force-exclud = true\n", "1:1", "unknown key 'force-exclud'; did you mean force-exclude?"),
        ("[lint]\n\nselekt = []\n", "3:1", "unknown key 'selekt'; did you mean select?"),
        ("[lints]\nx = 1\n", "1:2", "unknown key 'lints'; did you mean lint?"),
        ('lint.select = ["ruleset",\n  "open-to-wold"]\n', "2:3", "there is no check or group 'open-to-wold'; did you"),
        ('lint = { ignore = "x" }\n', "1:19", "there is no check or group 'x'"),
        (
            "[lint.severity]\njump-lop = 'note'\n",
            "2:1",
            "there is no check or group 'jump-lop'; did you mean jump-loop",
        ),
        ("[lint.severity]\njump-loop = 'notes'\n", "2:13", "this must be error, warning or note; did you mean note?"),
        ("[lint.checks.open-to-world]\nport = [22]\n", "2:1", "unknown key 'port'; did you mean ports?"),
        ("[lint.checks.jump-loop]\nports = [22]\n", "2:1", "unknown key 'ports'"),
        ("[lint.checks.open-to-world]\nports = [22, 70000]\n", "2:14", "this must be a port"),
        ("[lint.checks.open-to-wold]\n", "1:14", "there is no check or group 'open-to-wold'"),
        ("lint.memory = -1\n", "1:15", "this must be a number"),
        ("lint = 1\n", "1:8", "this must be a table"),
        ("compile = 1\n", "1:11", "this must be written [[compile]]"),
        ("[[compile]]\ninput = 'a'\n[[compile]]\npolicy = 'a'\ninput='b'\n", "1:3", "the key policy is missing"),
        ("force-exclude = 'yes'\n", "1:17", "this must be true or false"),
        ("exclude = [1]\n", "1:12", "this must be a text in quotes"),
        ("target.kernel = '7.x'\n", "1:17", "say one of 6.x, 5.x, 4.14"),
        ("[target.kernel]\n", "1:9", "this must be the name of a kernel, in quotes"),
        ("required-version = '>=99'\n", "1:20", f"this is rulec {VERSION}, and >=99 is asked for"),
        ("required-version = 'new'\n", "1:20", "this must name versions, such as"),
        ("a = \n", "1:5", "this is no TOML: Invalid value"),
        ("[lint\n", "1:6", "this is no TOML: "),
        ("x = 1", "1:1", "unknown key 'x'"),
    ],
)
def test_mistakes_have_their_place(text: str, place: str, message: str) -> None:
    first = problems(text)[0]
    assert (f"{first.line}:{first.column}", first.message[: len(message)]) == (place, message)


def test_a_mistake_in_pyproject_has_its_place() -> None:
    (found,) = problems("[tool.rulec]\nx = 1\n", "pyproject.toml")
    assert (found.line, found.column) == (2, 1)


def test_what_is_not_known_is_not_looked_at() -> None:
    text = "lint.select = ['soon']\n[lint.checks.soon]\nx = 1\nignorable = false\n"
    layer, wrong = read(Source("rulec.toml", text), Known(), "/")
    assert (layer and layer.values["lint"]["checks"], wrong) == ({"soon": {"x": 1, "ignorable": False}}, [])


def test_all_mistakes_are_told_at_once() -> None:
    text = "x = 1\nexclude = 1\n[lint]\nfail-on = 'bad'\n[lint.checks.jump-loop]\ny = 2\n"
    assert [found.line for found in problems(text)] == [1, 2, 4, 6]


ODD = """\
a . "b c" = [ # comment ]
  'x', "y]\\"", \"\"\"z
]\"\"\", [1, {d = 2, e = [3]}], 1979-05-27 07:32:00, # more
]
[t]
k = 1
[[s]]
k = '''it's'''
[s.u]
k = 2
[[s]]
k.l = 3
"""


def test_places_are_those_of_the_values() -> None:
    found = locate(ODD)
    written = {path: ODD[span.start : span.end] for path, span in found.values.items()}
    assert written[("a", "b c", 0)] == "'x'"
    assert written[("a", "b c", 1)] == '"y]\\""'
    assert written[("a", "b c", 3, 1, "e", 0)] == "3"
    assert written[("a", "b c", 4)] == "1979-05-27 07:32:00"
    assert (written[("s", 0, "k")], written[("s", 0, "u", "k")], written[("s", 1, "k", "l")]) == (
        "'''it's'''",
        "2",
        "3",
    )
    assert ODD[slice(*found.keys[("a", "b c")])] == '"b c"'


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    if isinstance(value, dict):
        return {leaf for key, one in value.items() for leaf in leaves(one, (*path, key))}
    if isinstance(value, list) and value:
        return {leaf for number, one in enumerate(value) for leaf in leaves(one, (*path, number))}
    return {path}


@pytest.mark.parametrize("text", [ODD, WHOLE, PROJECT])
def test_every_value_has_its_place(text: str) -> None:
    assert leaves(tomllib.loads(text)) <= locate(text).values.keys()


def test_the_nearest_file_counts_alone(tmp_path: Path) -> None:
    (tmp_path / "rulec.toml").write_text("force-exclude = true\n")
    for name in ("a/b", "c"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "a/.rulec.toml").write_text("[target]\nfamily = 'ipv6'\n")
    (tmp_path / "a/b/pyproject.toml").write_text("[tool.other]\n")
    finder = Finder(KNOWN)
    one, other = finder.of(str(tmp_path / "a/b/rules")), finder.of(str(tmp_path / "c/rules"))
    assert (one.family, one.force_exclude) == ("ipv6", False)
    assert (other.family, other.force_exclude) == ("auto", True)


def test_the_search_ends_at_the_top_of_a_repository(tmp_path: Path) -> None:
    (tmp_path / "rulec.toml").write_text("force-exclude = true\n")
    (tmp_path / "a/.git").mkdir(parents=True)
    assert not Finder(KNOWN).of(str(tmp_path / "a/rules")).force_exclude


def test_extend_is_the_base(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(
        "exclude = ['x']\ntarget.family = 'ipv6'\n[lint]\nselect = ['ruleset']\nfail-on = 'error'\n"
        "[lint.severity]\nruleset = 'note'\n"
    )
    found = settings(
        "extend = 'base.toml'\nexclude = ['y']\n[lint]\nignore = ['jump-loop']\nfail-on = 'note'\n"
        "[lint.severity]\njump-loop = 'error'\n",
        tmp_path,
    )
    assert (found.family, found.fail_on, [pattern.text for pattern in found.exclude]) == ("ipv6", "note", ["x", "y"])
    assert found.selections == (Selection(("ruleset",)), Selection(None, (), ("jump-loop",)))
    assert found.severities == {"ruleset": "note", "jump-loop": "error"}


@pytest.mark.parametrize(("base", "what"), [("extend = 'rulec.toml'", "extends itself"), (None, "is no file")])
def test_extend_that_leads_nowhere(base: str | None, what: str, tmp_path: Path) -> None:
    (tmp_path / "rulec.toml").write_text("extend = 'base.toml'\n")
    if base:
        (tmp_path / "base.toml").write_text(base)
    finder = Finder(KNOWN)
    finder.of(str(tmp_path / "rules"))
    (problem,) = finder.problems
    assert what in problem.message
    assert problem.line == 1


def test_options_of_the_command_line_count_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rulec.toml").write_text("lint.fail-on = 'error'\ntarget.family = 'ipv6'\n")
    (tmp_path / "other.toml").write_text("target.family = 'ipv4'\n")
    assert Finder(KNOWN, ["lint.fail-on=note"]).of("x") == Finder(KNOWN, ["lint.fail-on='note'"]).of("x")
    assert Finder(KNOWN, ["lint.fail-on=note"]).of("x")[5:8] == Finder(KNOWN).of("x")[5:8]
    assert Finder(KNOWN, ["lint.fail-on=note"]).of("x").fail_on == "note"
    assert Finder(KNOWN, ["other.toml"]).of("x").family == "ipv4"
    assert Finder(KNOWN, isolated=True).of("x").family == "auto"
    monkeypatch.setenv("RULEC_CONFIG", "other.toml")
    assert Finder(KNOWN).of("x").family == "ipv4"
    assert Finder(KNOWN, asked={"target": {"family": "auto"}}).here().family == "auto"
    finder = Finder(KNOWN, ["lint.fail-onn=note"])
    assert [str(problem) for problem in finder.problems] == [
        "--config:1:6: error[configuration-error]: unknown key 'fail-onn'; did you mean fail-on?"
    ]


def test_an_option_is_toml_or_text() -> None:
    for text in ("lint.memory=64", "lint.memory = 64"):
        layer, _ = read_option(text, KNOWN)
        assert layer is not None
        assert layer.values == {"lint": {"memory": 64}}


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("*.bak", "a.bak", True),
        ("*.bak", "x/y/a.bak", True),
        ("*.bak", "a.bak.v4", False),
        ("lab", "lab/x/rules.v4", True),
        ("lab/", "lab/x/rules.v4", True),
        ("lab", "x/lab", True),
        ("lab/**", "lab/rules.v4", True),
        ("lab/**", "x/lab/rules.v4", False),
        ("/lab/*", "lab/rules.v4", True),
        ("hosts/*/rules.v6", "hosts/a/rules.v6", True),
        ("hosts/*/rules.v6", "hosts/a/b/rules.v6", False),
        ("**/rules.v6", "rules.v6", True),
        ("**/rules.v6", "a/b/rules.v6", True),
        ("a?[0-9].v4", "ab1.v4", True),
        ("a[!0-9].v4", "a1.v4", False),
        ("a.v4", "aXv4", False),
    ],
)
def test_patterns(pattern: str, path: str, fits: bool, tmp_path: Path) -> None:
    assert Pattern(pattern, str(tmp_path)).fits(str(tmp_path / path)) is fits


@pytest.mark.parametrize("text", [f">={VERSION}", f"=={VERSION}", VERSION, "<99", ">=0.0.1,<99", "!=0.0"])
def test_versions_that_will_do(text: str) -> None:
    assert wanted_version(text) == text


def test_the_schema_names_every_key() -> None:
    made = schema(KNOWN)
    assert set(made["properties"]) == set(FILE.keys)
    assert made["properties"]["compile"]["items"]["required"] == ["input", "policy"]
    assert made["properties"]["lint"]["additionalProperties"] is False
