"""The keys of rulec.toml, and what is wrong with the keys of one."""

from __future__ import annotations

from typing import Any

from rulec.diagnostics.suggest import suggestion
from rulec.resources import lazy
from rulec.settings.kinds import (
    NAMES,
    NUMBER,
    SWITCH,
    TEXT,
    WORDS,
    Key,
    Kind,
    Known,
    Map,
    Path,
    Problem,
    Table,
    Tables,
    choice,
    problems_of,
    schema_of,
)
from rulec.settings.version import wanted_version


def _kernel(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("this must be the name of a kernel, in quotes")
    lazy("rulec.kernel.release").named(value)
    return value


_SEVERITY = choice("error", "warning", "note")

TARGET = Table(
    {
        "kernel": Key(Kind(_kernel, {"type": "string"}), "the kernel of the hosts, as --kernel names it"),
        "family": Key(choice("auto", "ipv4", "ipv6"), "the family of the rulesets, as --family says it"),
        "opaque": Key(WORDS, "matches and targets that are no part of iptables, as --opaque names them"),
    }
)
FINDING = Table(
    {
        "fingerprint": Key(TEXT, "the finding, as JSON output names it", required=True),
        "reason": Key(TEXT, "why it is not to be reported"),
    }
)
CHECK = Table({"ignorable": Key(SWITCH, "false: comments in files do not suppress it")})
LINT = Table(
    {
        "select": Key(NAMES, "only these checks and groups"),
        "extend-select": Key(NAMES, "these checks and groups too"),
        "ignore": Key(NAMES, "all but these checks and groups"),
        "fixable": Key(NAMES, "--fix takes fixes of these only"),
        "unfixable": Key(NAMES, "--fix takes no fixes of these"),
        "unsafe-fixes": Key(SWITCH, "true: --fix takes fixes that change what packets meet, too"),
        "fail-on": Key(choice("error", "warning", "note", "never"), "exit 1 from this severity on"),
        "undecided": Key(choice("report", "pass", "fail"), "what is not decided: exit 3, 0 or 1"),
        "baseline": Key(TEXT, "the file of findings that are known, and not reported"),
        "require-reason": Key(SWITCH, "true: a suppression in a file needs a reason"),
        "rule-markers": Key(choice("dumps", "always", "never"), "where rulec:ignore= in a rule counts"),
        "memory": Key(NUMBER, "the most that sets of packets may take, in MB"),
        "severity": Key(Map(_SEVERITY, checks=True), "other severities, by check or group"),
        "per-file-ignores": Key(Map(NAMES), "checks and groups that are not for some files, by pattern"),
        "checks": Key(Map(CHECK, checks=True, per_check=True), "options of checks"),
        "ignore-finding": Key(Tables(FINDING), "single findings that are not to be reported"),
    }
)
JOB = Table(
    {
        "input": Key(WORDS, "the rulesets, one a family", required=True),
        "policy": Key(TEXT, "the policy file", required=True),
        "output": Key(TEXT, "the file of the result, for one ruleset"),
        "output-dir": Key(TEXT, "the folder of the results"),
    }
)
DIFF = Table({"files": Key(WORDS, "the rulesets that rulec diff --against compares where none is named")})
FILE = Table(
    {
        "required-version": Key(Kind(wanted_version, {"type": "string"}), "the versions of rulec that will do"),
        "extend": Key(TEXT, "another file whose settings hold where this one says nothing"),
        "exclude": Key(WORDS, "patterns of files that are not read"),
        "force-exclude": Key(SWITCH, "true: also not if they are named"),
        "respect-gitignore": Key(SWITCH, "false: files that git ignores are read too"),
        "target": Key(TARGET, "what the rulesets are for"),
        "lint": Key(LINT, "rulec lint"),
        "compile": Key(Tables(JOB), "what rulec compile does, or with --check holds against the files"),
        "diff": Key(DIFF, "rulec diff"),
    }
)


_ANYTHING = Kind(lambda value: value if isinstance(value, dict) else {}, {})


class Shape:
    """Goes through a document by the tables above, and gathers what is wrong."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.problems: list[Problem] = []
        self.unknown: list[Problem] = []

    def table(self, table: Table, value: Any, path: Path) -> dict[str, Any]:
        """The keys of a table that are right."""
        if not isinstance(value, dict):
            self.problems.append((path, "this must be a table"))
            return {}
        for name, key in table.keys.items():
            if key.required and name not in value:
                self.problems.append((path, f"the key {name} is missing"))
        found = {}
        for name, one in value.items():
            if name not in table.keys:
                self.unknown.append(((*path, name), f"unknown key {name!r}{suggestion(name, table.keys)}"))
            else:
                found[name] = self._value(table.keys[name].kind, one, (*path, name))
        return {name: one for name, one in found.items() if one is not None}

    def _value(self, kind: Kind | Table | Tables | Map, value: Any, path: Path) -> Any:
        match kind:
            case Table():
                return self.table(kind, value, path)
            case Tables():
                return self._tables(kind, value, path)
            case Map():
                return self._map(kind, value, path)
        try:
            found = kind.read(value)
        except ValueError as error:
            self.problems += problems_of(error, path)
            return None
        if kind is NAMES:
            self._names(found, path, isinstance(value, list))
        return found

    def _tables(self, kind: Tables, value: Any, path: Path) -> Any:
        if not isinstance(value, list):
            self.problems.append((path, f"this must be written [[{path[-1]}]]"))
            return None
        return tuple(self.table(kind.table, one, (*path, number)) for number, one in enumerate(value))

    def _map(self, kind: Map, value: Any, path: Path) -> Any:
        if not isinstance(value, dict):
            self.problems.append((path, "this must be a table"))
            return None
        if kind.checks:
            for name in value:
                self._named(name, (*path, name), key=True)
        return {name: self._value(self._of_check(kind, name), one, (*path, name)) for name, one in value.items()}

    def _of_check(self, kind: Map, name: str) -> Kind | Table:
        """The kind of what stands under a name; a check has options of its own."""
        if kind.per_check and not self.known.names:
            return _ANYTHING
        own = self.known.options.get(name, {}) if kind.per_check else {}
        return Table({**kind.kind.keys, **own}) if isinstance(kind.kind, Table) else kind.kind

    def _names(self, names: tuple[str, ...], path: Path, is_list: bool) -> None:
        for number, name in enumerate(names):
            self._named(name, (*path, number) if is_list else path)

    def _named(self, name: str, path: Path, key: bool = False) -> None:
        if self.known.names and name not in self.known.names:
            message = f"there is no check or group {name!r}{suggestion(name, self.known.names)}"
            (self.unknown if key else self.problems).append((path, message))


def schema(known: Known) -> dict[str, Any]:
    """The JSON schema of rulec.toml, for editors, with the names and options of checks."""
    made = schema_of(FILE)
    made["properties"]["lint"]["properties"]["checks"]["properties"] = {
        slug: schema_of(Table({**CHECK.keys, **options})) for slug, options in known.options.items() if options
    }
    names = {"description": "a check or a group", "enum": list(known.names)}
    top = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "rulec.toml"}
    return {**top, "$defs": {"name": names}, **made}
