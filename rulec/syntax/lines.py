"""Single lines through the grammar, and what is wrong with each kind of line."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Set

from rulec.diagnostics.suggest import suggestion
from rulec.model import BUILTIN_CHAINS, Counters, Family
from rulec.resources import lazy
from rulec.syntax import complaint, grammar
from rulec.syntax.driver import driver
from rulec.syntax.grammar import Wanted
from rulec.syntax.items import Item, Problem
from rulec.syntax.line import Line, assemble
from rulec.syntax.ruleset import Table, counters
from rulec.syntax.scan import Dialect, Scanner
from rulec.syntax.values import value_problems
from rulec.syntax.words import LONGEST_WORD, MOST_WORDS, Word, split

CRLF_HINT = "the file has the line ends of Windows (CR LF): sed -i 's/\\r$//' FILE takes them off"
_BLANK_SEPARATED = re.compile(r"[^ \t\n]+")
_COUNTERS = re.compile(r"\[\s*([0-9]+):\s*([0-9]+)")  # as sscanf(3) reads them


class LineParser:
    """Parses command lines of one dialect."""

    def __init__(self, dialect: Dialect, is_chain: Callable[[str], bool], announced: Set[str] = frozenset()) -> None:
        self.dialect = dialect
        self.is_chain = is_chain
        self.announced = announced
        self.other_family = "ONLY_IPV6" if dialect.family is Family.IPV4 else "ONLY_IPV4"
        self.fits = driver().fits

    def command(self, text: str, start: int) -> tuple[Line | None, list[Problem]]:
        """The command of a line, or what is wrong with it; offsets count from ``start``."""
        in_front, words, problem = _front(text, start)
        if problem is not None:
            return None, [problem]
        scanner = Scanner(self.dialect, self.is_chain, self.announced)

        def items(wanted: Callable[[], Wanted | None]) -> Iterator[Item]:
            yield from in_front
            yield from scanner.scan(words, wanted)

        taken, refused = parse("command", items, scanner.restart, start + len(text.rstrip("\n")))
        if refused is not None:
            return None, [refused]
        line = assemble(taken, scanner.owners, self.other_family)
        problems = [*line.problems, *value_problems(line, self.dialect.family)]
        return (None if problems else line), problems


def parse(
    start: str, items: grammar.ItemSource, restart: Callable[[], None], end: int
) -> tuple[list[Item], Problem | None]:
    """Parse by the kept tables; a line that they do not take goes through Lark, which says why."""
    if os.environ.get("RULEC_SHAPES", "1") != "0":
        taken = driver().parse(start, items)
        if taken is not None:
            return taken, None
        restart()
    taken, rejected = lazy("rulec.syntax.lark_parser").parse(grammar.text(), start, items)
    return taken, None if rejected is None else complaint.problem(rejected, taken, end)


def _front(text: str, start: int) -> tuple[list[Item], list[Word], Problem | None]:
    """The counters in front of a rule, and the words behind them."""
    in_front, behind = [], 0
    if text.startswith("["):
        behind = text.find("]") + 1
        missing = "']'" if not behind else "':'" if ":" not in text else "packets" if text[1] == ":" else ""
        if missing:
            message = f"the counters in front of the rule lack {missing}"
            return [], [], Problem(message, start, start + 1, "expected [packets:bytes]")
        in_front = [Item("RULE_COUNTERS", text[:behind], start, start + behind)]
    words = split(text[behind:], start + behind)
    return in_front, words, _limits(words)


def _limits(words: list[Word]) -> Problem | None:
    if len(words) > MOST_WORDS:
        word = words[MOST_WORDS]
        return Problem(f"more than {MOST_WORDS} words: iptables-restore takes no more on a line", word.start, word.end)
    for word in words:
        if len(word.text) > LONGEST_WORD // 4 and len(word.text.encode("utf-8", "surrogateescape")) > LONGEST_WORD:
            return Problem(f"the word is longer than {LONGEST_WORD} bytes", word.start, word.end)
    return None


def _plain_words(text: str, start: int, first: str) -> list[Item]:
    """The first character of a line as one token, and the words behind it, which know no quotes."""
    head = Item(first, text[0], start, start + 1)
    return [
        head,
        *(
            Item("", found[0], start + found.start() + 1, start + found.end() + 1)
            for found in _BLANK_SEPARATED.finditer(text[1:])
        ),
    ]


def _parse_plain(kind: str, items: list[Item], end: int) -> tuple[list[Item], Problem | None]:
    def source(wanted: Callable[[], Wanted | None]) -> Iterator[Item]:
        yield items[0]
        for item in items[1:]:
            want = wanted()
            assert want is not None
            yield item._replace(token=want.terminal if want.fits(item.text) else "BAD_ARGUMENT")

    return parse(kind, source, lambda: None, end)


def table_line(text: str, start: int) -> tuple[str, Problem | None]:
    """The name after ``*``; what follows it is read over by iptables-restore."""
    items, problem = _parse_plain("table", _plain_words(text, start, "STAR"), start + len(text.rstrip("\n")))
    return (items[1].text if len(items) > 1 else ""), problem


def chain_line(text: str, start: int) -> tuple[str, str, Counters | None, Problem | None]:
    """Name, policy and counters of a ``:`` line; counters that are malformed are read over."""
    items, problem = _parse_plain("chain", _plain_words(text, start, "COLON"), start + len(text.rstrip("\n")))
    if problem is not None:
        return "", "", None, problem
    found = _COUNTERS.match(items[3].text) if len(items) > 3 else None
    return items[1].text, items[2].text, counters(found[1], found[2]) if found else None, None


def unknown_table(name: str, text: str, start: int) -> Problem:
    """A table that iptables does not have."""
    at = start + text.index(name)
    if name.endswith("\r"):
        return Problem("the CR of a Windows line end (CR LF) counts as part of the name", at, at + len(name))
    return Problem(f"there is no table {name!r}{suggestion(name.lower(), BUILTIN_CHAINS)}", at, at + len(name))


def commit_line(text: str, start: int) -> Problem | None:
    """What is wrong with a line that begins with COMMIT: nothing may stand behind it but its newline."""
    end = start + len(text.rstrip("\n"))
    items = [Item("COMMIT", text[:6], start, start + 6)]
    if text != "COMMIT\n":
        note = "nothing may stand behind COMMIT, no blank and no comment"
        if text == "COMMIT":
            note = "the newline behind COMMIT is missing: iptables-restore takes only a whole line"
        behind = text[6:].lstrip(" \t")
        at = start + len(text) - len(behind) if behind.startswith("#") else start
        items.append(Item("BAD_WORD", behind, at, end, note=note))
    return parse("commit", lambda wanted: iter(items), lambda: None, end)[1]


def blanks(text: str, start: int) -> Problem:
    """A line that looks empty and is not."""
    end = start + len(text.rstrip("\n"))
    message = "a line of blanks is an error: only a truly empty line is left out"
    return Problem(message, start, end, "delete the blanks")


def outside_table(text: str, start: int) -> Problem:
    """A line before the first table or after its COMMIT."""
    bare = text.rstrip("\n")
    end = start + len(bare)
    if bare.startswith("\ufeff"):
        return Problem("the file begins with a byte order mark", start, start + 1, "save it as UTF-8 without BOM")
    if bare.lstrip(" \t").startswith("#"):
        hint = "delete the blanks before the #"
        return Problem("a comment must begin in the first column", start, end, hint, "indented-comment")
    if not bare.strip(" \t"):
        return blanks(text, start)
    return Problem(
        "this line stands in no table", start, end, "a table begins with a line such as *filter and ends with COMMIT"
    )


def jump_problem(line: Line, table: Table) -> Problem | None:
    """A jump to where no rule may jump."""
    if line.jump is None or line.owners[-1].role == "target":
        return None
    word = line.arguments[line.jump]
    if word.text in table.builtin:
        return Problem(f"{word.text} is a base chain: a rule cannot jump to it", word.start, word.end)
    if line.goto and word.text not in table.chains:
        return Problem(f"-g needs a chain, and {word.text!r} is none of this table so far", word.start, word.end)
    if word.text == "DROP" and table.name == "nat":
        return Problem(
            "iptables refuses to drop in the nat table", word.start, word.end, "drop in filter or raw instead"
        )
    return None


def wrong_interface(line: Line, chain: str) -> bool:
    """-o for arriving packets or -i for leaving ones, which iptables refuses by the name of the chain."""
    wrong = _NO_INTERFACE.get(chain)
    return wrong is not None and any(plan.owner == 0 and plan.option.name == wrong for plan in line.plans)


_NO_INTERFACE = {
    "PREROUTING": "--out-interface",
    "INPUT": "--out-interface",
    "OUTPUT": "--in-interface",
    "POSTROUTING": "--in-interface",
}


def interface_problem(line: Line) -> Problem:
    """-i or -o in a chain whose packets have no such interface."""
    wrong = _NO_INTERFACE[line.operand(0) or ""]
    item = next(plan.item for plan in line.plans if plan.owner == 0 and plan.option.name == wrong)
    what = "leaves by no interface yet" if wrong == "--out-interface" else "came in by no interface that counts here"
    return Problem(f"{wrong} does not go with {line.operand(0)}: the packet {what}", item.start, item.end)
