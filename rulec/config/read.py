"""Read a configuration file.

Like the programs that read them, these readers skip what they do not understand:
the files hold much that has nothing to do with packets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from rulec.config.file import ConfigFile, Kind, Statement, Word
from rulec.config.kinds import kind_of
from rulec.source import Source, Span

_ASSIGNMENT = re.compile(r"(?m)^[ \t]*(?:export[ \t]+)?(\w+)=(?:\"([^\"]*)\"|'([^']*)'|([^\s#;\"']*))")
_COMMAND = re.compile(r"(?m)^[ \t]*(\w+)[ \t]+(\S+)[ \t]*((?:[^\\\n]|\\(?:.|\n))*)")
_MODULE = re.compile(r"(?m)^[ \t]*([\w-]+)[ \t]*([^\n]*)")
_SETTING = re.compile(r"(?m)^[ \t]*(?:-[ \t]*)?([^\s=#;][^\s=]*)[ \t]*=[ \t]*([^\n]*)")

MODULE_LISTS = ("IPTABLES_MODULES", "IP6TABLES_MODULES")
"""The variables of iptables-config that the init script gives to modprobe, word by word."""


def read_config(source: Source) -> ConfigFile | None:
    """What a configuration file says; None when it is none."""
    kind = kind_of(source.name, source.text)
    return None if kind is None else ConfigFile(source, kind, tuple(_READERS[kind](source)))


def _iptables_config(source: Source) -> Iterator[Statement]:
    """The file is a piece of shell: the last assignment to a variable holds."""
    last = {found[1]: found for found in _ASSIGNMENT.finditer(source.text)}
    for name, found in last.items():
        group = next(number for number in (2, 3, 4) if found[number] is not None)
        value = _word(found, group)
        if name in MODULE_LISTS:
            for module in re.finditer(r"\S+", value.text):
                start = value.span.start + module.start()
                word = Word(module[0], Span(start, start + len(module[0])))
                yield Statement(source, Kind.IPTABLES, "load", word, Word("", Span(word.span.end, word.span.end)))
        else:
            yield Statement(source, Kind.IPTABLES, "set", _word(found, 1), value)


def _modprobe(source: Source) -> Iterator[Statement]:
    """Commands of modprobe.d(5); a backslash continues a line."""
    for found in _COMMAND.finditer(source.text):
        yield Statement(source, Kind.MODPROBE, found[1], _word(found, 2), _word(found, 3))


def _modules(source: Source) -> Iterator[Statement]:
    """One module a line (modules-load.d(5)); what follows on the line are its parameters (/etc/modules)."""
    for found in _MODULE.finditer(source.text):
        yield Statement(source, Kind.MODULES, "load", _word(found, 1), _word(found, 2))


def _sysctl(source: Source) -> Iterator[Statement]:
    """Settings of sysctl.d(5)."""
    for found in _SETTING.finditer(source.text):
        yield Statement(source, Kind.SYSCTL, "set", _word(found, 1), _word(found, 2))


def _word(found: re.Match[str], group: int) -> Word:
    text = found[group].rstrip()
    return Word(text, Span(found.start(group), found.start(group) + len(text)))


_READERS: dict[Kind, Callable[[Source], Iterator[Statement]]] = {
    Kind.IPTABLES: _iptables_config,
    Kind.MODPROBE: _modprobe,
    Kind.MODULES: _modules,
    Kind.SYSCTL: _sysctl,
}
