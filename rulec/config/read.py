"""Read a configuration file.

The files hold much that has nothing to do with packets, and is skipped.  What the
programs that read them would not understand either is kept apart.
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
_LINE = re.compile(r"(?m)^[ \t]*([^\s#](?:[^\\\n]|\\(?:.|\n))*)")
_SETTING = re.compile(r"(?m)^[ \t]*(?:-[ \t]*)?([^\s=#;][^\s=]*)[ \t]*=[ \t]*([^\n]*)")

MODULE_LISTS = ("IPTABLES_MODULES", "IP6TABLES_MODULES")
"""The variables of iptables-config that the init script gives to modprobe, word by word."""


def read_config(source: Source) -> ConfigFile | None:
    """What a configuration file says; None when it is none."""
    kind = kind_of(source.name, source.text)
    if kind is None:
        return None
    is_read = _IS_READ.get(kind)
    ignored = [_word(line, 1) for line in _LINE.finditer(source.text) if is_read and not is_read(line[1])]
    return ConfigFile(source, kind, tuple(_READERS[kind](source)), tuple(ignored))


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


_LEAST_WORDS = {"alias": 3, "blacklist": 2, "install": 3, "options": 3, "remove": 3, "softdep": 3, "weakdep": 3}
"""The commands of modprobe.d, and how many words a line with each must have (kmod 30, measured; weakdep is newer)."""


def _modprobe_reads(line: str) -> bool:
    words = line.replace("\\\n", " ").split()
    return len(words) >= _LEAST_WORDS.get(words[0], len(words) + 1)


def _sysctl_reads(line: str) -> bool:
    """Whether it is a comment, a setting, or one that is left out of a pattern (measured with procps 4.0)."""
    return line.startswith((";", "-")) or bool(line.partition("=")[1] and line.partition("=")[0].strip())


_IS_READ: dict[Kind, Callable[[str], bool]] = {Kind.MODPROBE: _modprobe_reads, Kind.SYSCTL: _sysctl_reads}


def _word(found: re.Match[str], group: int) -> Word:
    text = found[group].rstrip()
    return Word(text, Span(found.start(group), found.start(group) + len(text)))


_READERS: dict[Kind, Callable[[Source], Iterator[Statement]]] = {
    Kind.IPTABLES: _iptables_config,
    Kind.MODPROBE: _modprobe,
    Kind.MODULES: _modules,
    Kind.SYSCTL: _sysctl,
}
