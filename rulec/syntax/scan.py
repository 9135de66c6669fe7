"""Words classed into the tokens of the grammar, as getopt_long(3) classes them for iptables.

Which words are options depends on the matches and the target named before on
the same line, and long options may be cut short while they stay unique.  The
newest extension comes first, iptables' own options before all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from functools import cache
from typing import NamedTuple

from rulec import catalogue
from rulec.catalogue.base import BASE, COMMANDS
from rulec.catalogue.base import Word as Verb
from rulec.catalogue.extension import Extension, Option
from rulec.catalogue.names import MATCHES, TARGETS
from rulec.diagnostics.suggest import suggestion
from rulec.model import VERDICTS, Family
from rulec.model.protocols import NAMES
from rulec.syntax.grammar import Wanted
from rulec.syntax.items import Item, Owner
from rulec.syntax.words import Word


class Dialect(NamedTuple):
    """What decides how words are read: the family, and extensions that are known by name only.

    ``given`` are chains of table filter that are there already when a piece of a
    ruleset is loaded, as by ``iptables-restore -n``.
    """

    family: Family
    opaque: frozenset[str] = frozenset()
    given: frozenset[str] = frozenset()


# Options of matches that -p brings in.
_OF_PROTOCOLS = frozenset(
    (
        "--sport",
        "--dport",
        "--source-port",
        "--destination-port",
        "--syn",
        "--tcp-flags",
        "--icmp-type",
        "--icmpv6-type",
    )
)
_WITH_OPTIONS = ("tcp", "udp", "sctp", "dccp", "icmp", "icmpv6")

# Options that are often written without their match.
_OF_MATCHES = {
    "--state": "state",
    "--ctstate": "conntrack",
    "--comment": "comment",
    "--dports": "multiport",
    "--sports": "multiport",
    "--ports": "multiport",
    "--limit": "limit",
    "--limit-burst": "limit",
    "--src-range": "iprange",
    "--dst-range": "iprange",
    "--match-set": "set",
    "--mac-source": "mac",
    "--uid-owner": "owner",
}

# For these iptables takes the whole word: `-ptcp` is the protocol "-ptcp".
_WHOLE_WORD = frozenset(("--source", "--destination", "--protocol", "--in-interface", "--out-interface", "--jump"))


@cache
def option_table(extension: Extension, family: Family) -> dict[str, Option]:
    """All spellings of the options of an extension in one family."""
    table = {}
    for option in extension.options:
        if family in option.families:
            table.update(dict.fromkeys((option.name, *option.aliases), option))
    return table


@cache
def option_token(option: Option) -> str:
    """The token of an option: the kind of its argument, and whether a ``!`` may precede it."""
    kind = option.value.terminals[0] if option.value.terminals else "FLAG"
    return f"{'INVERTIBLE_' * option.invertible}{kind}_OPTION"


_VERBS: dict[str, tuple[str, Verb]] = {}
for _name, _verb in COMMANDS.items():
    _VERBS[_name] = _VERBS[_verb.short] = (_name, _verb)


class Scanner:
    """Classes the words of one line; afterwards ``owners`` are the extensions that it names.

    ``announced`` are names that iptables-restore no longer takes for targets,
    since a ``:`` line has declared a chain so, in whatever table (libxtables,
    xtables_announce_chain).
    """

    def __init__(self, dialect: Dialect, is_chain: Callable[[str], bool], announced: Set[str] = frozenset()) -> None:
        self.dialect = dialect
        self.is_chain = is_chain
        self.announced = announced
        self.restart()
        # iptables-restore reads no further behind these: the other family's mark, --help and --version.
        self._last_tokens = ("ENDS_READING", "ONLY_IPV6" if dialect.family is Family.IPV4 else "ONLY_IPV4")

    def restart(self) -> None:
        """Forget the line."""
        self.owners = [Owner("base", "", BASE)]
        self._protocol = ""
        self._protocol_match_loaded = False

    def scan(self, words: list[Word], wanted: Callable[[], Wanted | None]) -> Iterator[Item]:
        """Give the items one by one; ``wanted`` asks the parser what it admits after the last of them."""
        last: Item | None = None
        for number, word in enumerate(words):
            want = wanted()
            if want is not None and (want.must or word.text[:1] not in ("-", "!")):
                last = self._argument(want, word, last)
                yield last
            elif word.text == "!":
                yield Item("BANG", *word)
            elif word.text == "--" and number == len(words) - 1:
                return
            elif word.text[:1] == "-" and len(word.text) > 1:
                for last in self._option(word, wanted):
                    yield last
                    if last.token in self._last_tokens:
                        return
            elif last is not None and last.token in ("OPAQUE_OPTION", "OPAQUE_ARGUMENT"):
                last = Item("OPAQUE_ARGUMENT", *word)
                yield last
            else:
                yield Item("BAD_WORD", *word, note=_bad_word(word.text, alone=not number))

    def _argument(self, want: Wanted, word: Word, option: Item | None) -> Item:
        """The word as argument of the option before it, with all that follows from it."""
        if not want.fits(word.text):
            return Item("BAD_ARGUMENT", *word, option=option.option if option else None)
        item = Item(want.terminal, *word)
        if want.terminal == "MODULE":
            return self._named(item, "match")
        if want.terminal == "TARGET":
            return self._named(item, "target") if option and option.token == "JUMP" else item
        if option is not None and option.option is not None and option.option.name == "--protocol":
            self._protocol = word.text.lower()
        return item

    def _named(self, item: Item, role: str) -> Item:
        """Bring in the extension that ``-m`` or ``-j`` names."""
        name = item.text
        if role == "target" and (name in VERDICTS or self.is_chain(name)):
            return item
        if role == "target" and name in self.announced:
            note = f"{name!r} was declared as a chain before, so iptables-restore looks for no target of that name"
            return item._replace(token="UNKNOWN_TARGET", note=note)
        extension = self._extension(role, name)
        if extension is None:
            return item._replace(token=f"UNKNOWN_{role.upper()}", note=self._unknown(role, name))
        self.owners.append(Owner(role, name, extension, item.start, item.end))
        return item

    def _extension(self, role: str, name: str) -> Extension | None:
        known = catalogue.match(name) if role == "match" else catalogue.target(name)
        if known is not None and self.dialect.family in known.families:
            return known
        if name in self.dialect.opaque:
            return Extension(name, "an extension that rulec does not know", opaque=True)
        return None

    def _unknown(self, role: str, name: str) -> str:
        known = catalogue.match(name) if role == "match" else catalogue.target(name)
        if known is not None:
            return f"the {role} {name!r} does not exist for {self.dialect.family.value}"
        if role == "match":
            return f"unknown match {name!r}{suggestion(name, MATCHES)}"
        close = suggestion(name, (*TARGETS, *VERDICTS))
        return f"{name!r} is no chain of this table so far, and no target{close}"

    def _option(self, word: Word, wanted: Callable[[], Wanted | None]) -> Iterator[Item]:
        if word.text.startswith("--"):
            yield from self._long_option(word, wanted)
        else:
            yield from self._short_options(word, wanted)

    def _long_option(self, word: Word, wanted: Callable[[], Wanted | None]) -> Iterator[Item]:
        name, equals, glued = word.text.partition("=")
        item = self._find(name, word)
        yield item
        if not equals:
            return
        if item.token == "OPAQUE_OPTION":
            yield Item("OPAQUE_ARGUMENT", glued, word.end - len(glued), word.end)
            return
        want = wanted()
        if want is None:
            yield Item("BAD_ARGUMENT", glued, word.end - len(glued), word.end, note=f"{name} takes no argument")
            return
        yield self._glued(item, word, glued, want)

    def _glued(self, item: Item, word: Word, glued: str, want: Wanted) -> Item:
        name = item.option.name if item.option else "--jump" if item.token == "JUMP" else ""
        if name in _WHOLE_WORD:
            return self._argument(want, word, item)
        return self._argument(want, Word(glued, word.end - len(glued), word.end), item)

    def _short_options(self, word: Word, wanted: Callable[[], Wanted | None]) -> Iterator[Item]:
        for index, letter in enumerate(word.text[1:], 2):
            item = self._find("-" + letter, word)
            yield item
            want, rest = wanted(), word.text[index:]
            if want is not None and rest:
                yield self._glued(item, word, rest, want)
                return

    def _find(self, name: str, word: Word) -> Item:
        """The option of that name, or of the one name that begins so."""
        found = self._exact(name) or self._by_prefix(name)
        opaque = self._newest_opaque() if name.startswith("--") else 0
        if found is None and self._load_protocol_match(word, name if opaque else ""):
            return self._find(name, word)
        if found is None and opaque:
            return Item("OPAQUE_OPTION", name, word.start, word.end, opaque)
        if found is None:
            return Item("UNKNOWN_OPTION", *word, note=self._unknown_option(name))
        owner, what = found
        if isinstance(what, Option):
            return Item(option_token(what), what.name, word.start, word.end, owner, what)
        return self._verb(what, word)

    def _verb(self, name: str, word: Word) -> Item:
        token = COMMANDS[name].token
        if token == "NOT_IN_A_FILE":
            return Item(token, *word, note=f"{name} belongs to the command line, not into a ruleset")
        if token == "NOT_IN_A_RULE":
            return Item(token, *word, note=f"{name} is for listing rules")
        if COMMANDS[name].argument == "none" and "=" in word.text:
            return Item("UNKNOWN_OPTION", *word, note=f"{name} takes no argument")
        return Item(token, name, word.start, word.end)

    def _exact(self, name: str) -> tuple[int, Option | str] | None:
        if name in _VERBS:
            return 0, _VERBS[name][0]
        for owner in self._search_order():
            option = option_table(self.owners[owner].extension, self.dialect.family).get(name)
            if option is not None:
                return owner, option
        return None

    def _by_prefix(self, name: str) -> tuple[int, Option | str] | None:
        if not name.startswith("--") or len(name) < 3:
            return None
        found: dict[int, tuple[int, Option | str]] = {}
        for verb in COMMANDS:
            if verb.startswith(name):
                found[id(verb)] = (0, verb)
        for owner in self._search_order():
            for spelling, option in option_table(self.owners[owner].extension, self.dialect.family).items():
                if spelling.startswith(name):
                    found[id(option)] = (owner, option)
        return next(iter(found.values())) if len(found) == 1 else None

    def _search_order(self) -> Iterator[int]:
        """iptables itself, then the newest extension first; of several of one name only the newest."""
        yield 0
        seen = set()
        for number in range(len(self.owners) - 1, 0, -1):
            key = (self.owners[number].role, self.owners[number].extension.name)
            if key not in seen:
                seen.add(key)
                yield number

    def _newest_opaque(self) -> int:
        """The newest extension of which the options are not known; 0 where there is none."""
        return max((number for number, owner in enumerate(self.owners) if owner.extension.opaque), default=0)

    def _load_protocol_match(self, word: Word, name_in_doubt: str) -> bool:
        """``-p tcp`` brings in the match of that name as soon as an unknown option is met.

        An option that could be that of an opaque extension must be one of that match.
        """
        if not self._protocol or self._protocol_match_loaded:
            return False
        name = NAMES.get(int(self._protocol), "") if self._protocol.isdecimal() else self._protocol
        extension = self._extension("match", name)
        if extension is None or extension.opaque:
            return False
        if not any(known.startswith(name_in_doubt) for known in option_table(extension, self.dialect.family)):
            return False
        self._protocol_match_loaded = True
        self.owners.append(Owner("match", extension.name, extension, word.start, word.end))
        return True

    def _unknown_option(self, name: str) -> str:
        if name in _OF_MATCHES and not any(owner.name == _OF_MATCHES[name] for owner in self.owners):
            return f"unknown option {name!r}; it needs -m {_OF_MATCHES[name]} before it on the line"
        if name in _OF_PROTOCOLS and self._protocol not in ("", "all", "0"):
            close = "" if self._protocol in NAMES.values() else suggestion(self._protocol, _WITH_OPTIONS)
            return f"unknown option {name!r} for -p {self._protocol}{close}"
        if name in _OF_PROTOCOLS:
            return f"unknown option {name!r}; it needs a protocol before it on the line, such as -p tcp"
        known = [spelling for owner in self.owners for spelling in option_table(owner.extension, self.dialect.family)]
        close = suggestion(name, (*known, *COMMANDS))
        return f"unknown option {name!r}{close}"


def _bad_word(text: str, alone: bool) -> str:
    if text.startswith("#"):
        return f"a comment must begin in the first column{'' if alone else ': text behind a rule is an error'}"
    if alone and text == "COMMIT":
        return "COMMIT must begin in the first column"
    if alone and text.startswith("*"):
        return "a new table begins here, and the last one lacks its COMMIT"
    if alone and text.startswith(":"):
        return "a chain is declared in the first column"
    if text[:1] in "–—‐‑−":
        return f"{text!r} begins with a typographic dash, not with a minus sign"
    if text[:1] in "'“”‘’":
        return f"unexpected {text!r}: only the plain double quote quotes"
    return f"unexpected {text!r}{suggestion(text, ('COMMIT',)) if alone else ''}"
