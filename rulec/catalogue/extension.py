"""How an extension is written, and what it needs: the form, not the meaning."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import Any, NamedTuple

from rulec.model import Family, Match, Use

BOTH = (Family.IPV4, Family.IPV6)
IPV4 = (Family.IPV4,)
IPV6 = (Family.IPV6,)


class Tracking(Enum):
    """What connection tracking has to do with it (measured on Linux 6.18)."""

    NONE = "none"  # nothing
    LOADS = "loads"  # its module needs nf_conntrack, but no packet is tracked for it
    TRACKS = "tracks"  # loading one such rule tracks every packet of the family


class Answer(Enum):
    """Whether a match says the same of the same packet each time."""

    PURE = "pure"
    STATEFUL = "stateful"
    RANDOM = "random"


class Value(NamedTuple):
    """A kind of argument: its terminal in the grammar, how to read it and how iptables-save prints it.

    ``read(family, *words)`` gets the unquoted words and gives a plain value; it
    raises ValueError with a sentence that a user understands.  ``terminals``
    names one terminal of ``grammar/values.lark`` for each word that it takes.
    """

    terminals: tuple[str, ...]
    expected: str
    read: Callable[..., Any]
    show: Callable[[Any], str] = str


class Unloadable(ValueError):
    """Raised by a ``read`` for a value that iptables-restore takes, and the kernel refuses at COMMIT."""


FLAG = Value((), "no argument", lambda family: None, lambda value: "")


class _Unset:
    """The type of UNSET."""


UNSET = _Unset()


class Option(NamedTuple):
    """One option of an extension.

    ``excludes`` and ``requires`` name other options of the same extension;
    ``silent`` is the value that iptables-save leaves out.  ``check(value,
    setting)`` raises ValueError for what userspace refuses because of the rest
    of the rule, such as a port without a protocol that has ports.
    """

    name: str
    value: Value = FLAG
    aliases: tuple[str, ...] = ()
    invertible: bool = False
    required: bool = False
    repeatable: bool = False
    excludes: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    families: tuple[Family, ...] = BOTH
    silent: Any = UNSET
    check: Callable[[Any, Setting], None] | None = None

    def __eq__(self, other: object) -> bool:
        """Each is made once and is equal to itself alone, which makes it a cheap key."""
        return self is other

    def __hash__(self) -> int:
        return id(self)


class Setting(NamedTuple):
    """Where an extension stands: the rule around it, and the hooks from which packets come.

    ``protocol`` is the number after ``-p``, 0 for none; ``hooks`` is empty for
    a chain that no base chain reaches, where the kernel does not look at hooks.
    """

    family: Family
    protocol: int = 0
    protocol_negated: bool = False
    table: str = ""
    hooks: frozenset[str] = frozenset()
    matches: tuple[Match, ...] = ()

    def speaks(self, *protocols: int) -> bool:
        """Whether the rule is for one of these protocols and no other."""
        return not self.protocol_negated and self.protocol in protocols


class Given:
    """The options that a rule gives to one extension."""

    __slots__ = ("family", "uses", "_by_name")

    def __init__(self, family: Family, uses: Iterable[Use]) -> None:
        self.family = family
        self.uses = tuple(uses)
        self._by_name = {use.option: use for use in self.uses}

    def __contains__(self, option: str) -> bool:
        return option in self._by_name

    def __iter__(self) -> Iterator[Use]:
        return iter(self.uses)

    def get(self, option: str, default: Any = None) -> Any:
        """The value of an option (of its last use), or the default."""
        use = self._by_name.get(option)
        return default if use is None else use.value

    def negated(self, option: str) -> bool:
        """Whether the option is there with a ``!``."""
        use = self._by_name.get(option)
        return use is not None and use.negated


class Example(NamedTuple):
    """A rule that loads, and what iptables-save prints of it where that differs."""

    rule: str
    saved: str = ""
    table: str = "filter"
    chain: str = "INPUT"
    families: tuple[Family, ...] = BOTH


class Extension(NamedTuple):
    """A match or a target.

    The order of ``options`` is that of iptables-save.  Empty ``tables`` or
    ``hooks`` mean all; ``protocols`` are those of which the rule must name one
    (``-p``), or the kernel refuses it.  ``one_of`` lists groups of options of
    which at least one must be there.  ``check(given)`` raises ValueError for what
    userspace refuses once all options are read, ``kernel_check(given, setting)``
    for what the kernel refuses at COMMIT; where it ``kernel_looks_around``, the
    setting holds the other matches of the rule.  ``save(given)`` replaces the printing
    option by option.  ``valid`` and ``invalid`` lines are run through the
    parser and through the real iptables-restore; ``refused`` ones pass the
    parser of iptables-restore, and not the kernel.
    """

    name: str
    summary: str
    families: tuple[Family, ...] = BOTH
    options: tuple[Option, ...] = ()
    aliases: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    tracking: Tracking = Tracking.NONE
    tracking_of: Callable[[Given], Tracking] | None = None
    answer: Answer = Answer.PURE
    tables: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()
    protocols: tuple[int, ...] = ()
    one_of: tuple[tuple[str, ...], ...] = ()
    check: Callable[[Given], None] | None = None
    kernel_check: Callable[[Given, Setting], None] | None = None
    kernel_looks_around: bool = False
    save: Callable[[Given], Iterable[str]] | None = None
    saved_name: str = ""
    opaque: bool = False
    valid: tuple[Example, ...] = ()
    invalid: tuple[Example | str, ...] = ()
    refused: tuple[Example | str, ...] = ()

    def __eq__(self, other: object) -> bool:
        """Each is made once and is equal to itself alone, which makes it a cheap key."""
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def option(self, name: str) -> Option:
        """Its option of that name; KeyError where it has none."""
        for option in self.options:
            if option.name == name:
                return option
        raise KeyError(name)

    def saved(self, given: Given) -> Iterator[str]:
        """The words that iptables-save prints for these options."""
        if self.save is not None:
            yield from self.save(given)
            return
        for option in self.options:
            for use in given:
                if use.option == option.name and (use.negated or use.value != option.silent):
                    yield from saved_option(option, use)


def saved_option(option: Option, use: Use) -> Iterator[str]:
    """One option as iptables-save prints it: the ``!``, the name, the value."""
    if use.negated:
        yield "!"
    yield option.name
    if option.value.terminals:
        yield option.value.show(use.value)
