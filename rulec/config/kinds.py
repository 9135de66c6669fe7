"""Which files are configuration, by their names or by what they say."""

from __future__ import annotations

import re
from os.path import abspath, basename, dirname

from rulec.config.file import Kind

_FOLDERS = {"modprobe.d": Kind.MODPROBE, "modules-load.d": Kind.MODULES, "sysctl.d": Kind.SYSCTL}
_NAMES = {
    "iptables-config": Kind.IPTABLES,
    "ip6tables-config": Kind.IPTABLES,
    "modprobe.conf": Kind.MODPROBE,
    "sysctl.conf": Kind.SYSCTL,
}
_CONTENT = {
    Kind.IPTABLES: re.compile(r"IP6?TABLES_\w+="),
    Kind.MODPROBE: re.compile(r"(blacklist|install|options|alias|remove|softdep)[ \t]+\S"),
    Kind.SYSCTL: re.compile(r"-?(net|kernel|vm|fs|user)[./][\w./*-]+[ \t]*="),
}
_RULESET = re.compile(r"(?m)^[ \t]*[*:]\w")


def kind_of(name: str, text: str) -> Kind | None:
    """The kind of a file; None for rulesets, and for all that is not clear."""
    kind = _NAMES.get(basename(name)) or _FOLDERS.get(basename(dirname(abspath(name))))
    if kind is not None:
        return None if _RULESET.search(text) else kind
    first = _first_line(text)
    return next((kind for kind, form in _CONTENT.items() if form.match(first)), None)


def _first_line(text: str) -> str:
    """The first line that is neither empty nor a comment."""
    found = re.match(r"(?:[ \t]*(?:[#;][^\n]*)?\n)*[ \t]*([^\n]*)", text)
    return found[1] if found else ""
