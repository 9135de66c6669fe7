"""Recipes for getting rid of connection tracking: what each of their lines does.

What is said of Linux 5.10, 6.1 and 6.12 was measured with kmod 30 and iptables 1.8.9: each of
the lines below, alone and in order.  A recipe is played on a host that has loaded what the recipe names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from enum import Enum
from typing import NamedTuple

from rulec.host.modules.advised import judge_blacklist, judge_install, judge_options
from rulec.kernel.generations import Kernel
from rulec.kernel.loading import needs, whole
from rulec.kernel.modules import is_absent, needs_conntrack, plain, tracked_on_loading
from rulec.source import Source


class Does(str, Enum):
    """What a line is worth."""

    WORKS = "works"
    PARTLY = "partly"
    NOTHING = "does nothing"
    FAILS = "fails"
    HARMS = "harms"
    HANGS = "hangs"
    LOADS = "loads"
    UNKNOWN = "not judged"


class Verdict(NamedTuple):
    """A line of a recipe and what it does."""

    line: int
    text: str
    does: Does
    why: str


class Played(NamedTuple):
    """A recipe: the verdict on each line, and the modules that it leaves."""

    file: str
    verdicts: tuple[Verdict, ...]
    left: tuple[str, ...]


Judged = tuple[Does, str]

_QUOTED = re.compile(r"""echo\s+(?:-[en]+\s+)?["']?((?:blacklist|install|options|alias)\s[^"'>|]*)""")
_PROMPT = re.compile(r"[#$]\s+")
_PASTED = re.compile(r"(?m)^(?![#$] |\s*$)")
"""A line that begins with no prompt: where there is none, # is that of root, and begins no comment."""
_MODPROBE = re.compile(r"(blacklist|install|options)\s+(\S+)\s*(.*)")
_REMOVES = re.compile(r"(?:/s?bin/|/usr/s?bin/)?(rmmod|modprobe)\b(.*)")
_LIST = re.compile(r"""IP6?TABLES_MODULES=["']?([^"']*)["']?|([\w-]+)""")
_FLUSHES = re.compile(
    r"ip6?tables\b.*\s-[FX]\b|nft\s+flush\s+ruleset|(?:service|systemctl)\s.*\b(?:ip6?tables|firewalld|ufw|nftables)\b.*"
    r"|(?:/etc/init\.d/)ip6?tables\s+stop"
)
_LOADS_AGAIN = re.compile(
    r"conntrack\s+-[LCSFDE]|ip6?tables\b.*-t\s*nat\b.*\s-n?v?n?L|ip6?tables\b.*-t\s*nat\s+-n?v?n?L"
)
_SETTING = re.compile(r"(?:sysctl|echo)\b.*conntrack_max")
_RECIPE = re.compile(
    r"(?m)^\s*(?:[#$] )?(?:sudo )?(?:rmmod|modprobe|blacklist)\b|echo.*\bblacklist\b|^install\s+\S+\s+/"
    r"|^IP6?TABLES_MODULES="
)
_BOUND = ("xt_", "ipt_", "ip6t_", "iptable_", "ip6table_", "nft_")


def is_recipe(text: str) -> bool:
    """Whether a text tells to remove modules, or to keep them from being loaded."""
    return _RECIPE.search(text) is not None


class _Player:
    """Plays a recipe: which modules are there, and whether rules hold some."""

    def __init__(self, names: frozenset[str], kept_out: frozenset[str], kernel: Kernel) -> None:
        self._kernel, self._kept_out = kernel, kept_out
        self.loaded = {name for name in whole(names, kernel) if not is_absent(name, kernel)}
        self._flushed = False

    def judge(self, text: str) -> Judged:
        """What a command, or a line of a configuration file, does."""
        if quoted := _QUOTED.search(text):
            text = quoted[1].strip()
        if found := _MODPROBE.match(text):
            return self._configured(*found.groups())
        if found := _REMOVES.match(text):
            return self._removed(found[1], found[2].split())
        if found := _LIST.fullmatch(text):
            return self._loading([plain(name) for name in (found[1] or found[2] or "").split()])
        return self._other(text)

    def _configured(self, verb: str, name: str, rest: str) -> Judged:
        judges: dict[str, Callable[[str, str, Kernel, frozenset[str]], tuple[str, str]]] = {
            "blacklist": judge_blacklist,
            "install": judge_install,
            "options": judge_options,
        }
        does, why = judges[verb](plain(name), rest, self._kernel, self._kept_out)
        return Does(does), why

    def _other(self, text: str) -> Judged:
        core = self._kernel.core
        if _LOADS_AGAIN.search(text):
            return Does.HARMS, f"to ask loads {core} where it is gone; lsmod and /sys/module/{core} do not"
        if _FLUSHES.search(text):
            self._flushed = True
            return Does.WORKS, "rules hold modules: they have to go first, in every table and both families"
        if _SETTING.search(text):
            return Does.NOTHING, "0 means no limit, and a small number drops new flows; neither stops tracking"
        return Does.UNKNOWN, ""

    # ── removal ──

    def _removed(self, tool: str, words: list[str]) -> Judged:
        names = [plain(word) for word in words if not word.startswith("-")]
        options = [word for word in words if word.startswith("-")]
        if tool == "modprobe" and not any(word in ("-r", "--remove", "-rf", "-rv") for word in options):
            return self._loading(names)
        if tool == "rmmod" and any(word in ("-f", "--force") for word in options):
            return Does.HARMS, "it takes code away that packets may be in; kernels are mostly built to refuse it"
        if "--remove-holders" in options:
            return Does.PARTLY, "it does not go deeper than one module, and stops half way at the first in use"
        absent = next((name for name in names if is_absent(name, self._kernel)), "")
        if absent and tool == "modprobe":
            stops = "; modprobe stops at that, and removes none of the others" if len(names) > 1 else ""
            return Does.NOTHING, f"there is no module {absent}: {is_absent(absent, self._kernel)}{stops}"
        return self._one_after_the_other(names, tool)

    def _one_after_the_other(self, names: list[str], tool: str) -> Judged:
        """modprobe stops where a module is in use; rmmod goes on with the next."""
        said: list[Judged] = []
        for name in names:
            said.append(self._one(name))
            if tool == "modprobe" and said[-1][0] is Does.FAILS:
                break
        worst = next((one for does in (Does.FAILS, Does.PARTLY, Does.WORKS) for one in said if one[0] is does), None)
        return worst or (said[0] if said else (Does.UNKNOWN, ""))

    def _one(self, name: str) -> Judged:
        if why := is_absent(name, self._kernel):
            return Does.NOTHING, f"there is no module {name}: {why}"
        if not needs_conntrack(name, self._kernel):
            return Does.NOTHING, f"{name} has nothing to do with tracking"
        holders = sorted(other for other in self.loaded if name in needs(other, self._kernel))
        if holders:
            return Does.FAILS, f"{name} is in use by {', '.join(holders)}: these first"
        self.loaded.discard(name)
        if name.startswith(_BOUND) and not self._flushed:
            return (
                Does.PARTLY,
                f"rules hold {name}: it goes only after these were flushed (iptables -F, in every table)",
            )
        return Does.WORKS, ""

    def _loading(self, names: list[str]) -> Judged:
        again = next((name for name in names if needs_conntrack(name, self._kernel)), "")
        if not again:
            return Does.UNKNOWN, ""
        if why := is_absent(again, self._kernel):
            return Does.NOTHING, f"there is no module {again}: {why}"
        tracked = tracked_on_loading(again, self._kernel)
        if tracked:
            return Does.HARMS, f"{' and '.join(one.label for one in tracked)} is tracked as soon as {again} is loaded"
        return Does.LOADS, f"{again} brings {self._kernel.core}, which tracks nothing before a rule asks for it"


def play(source: Source, kernel: Kernel, needed: frozenset[str] = frozenset()) -> Played:
    """What each line of a recipe does on a kernel; ``needed`` are modules that rules have loaded."""
    is_pasted = _PASTED.search(source.text) is None
    lines = [(number, _command(text, is_pasted)) for number, text in enumerate(source.text.split("\n"), 1)]
    lines = [(number, part.strip()) for number, text in lines for part in re.split(r"&&|;", text) if part.strip()]
    named = frozenset(name for _, text in lines for name in _removes(text) if needs_conntrack(name, kernel))
    found = (_MODPROBE.search(text) for _, text in lines)
    kept_out = frozenset(plain(one[2]) for one in found if one)
    player = _Player(named | needed | {kernel.core}, kept_out, kernel)
    verdicts = tuple(Verdict(number, text, *player.judge(text)) for number, text in lines)
    return Played(source.name, verdicts, tuple(sorted(player.loaded)) if named else ())


def _command(line: str, is_pasted: bool) -> str:
    """A line without its prompt, sudo, and comment."""
    text = _PROMPT.sub("", line.strip(), count=1) if is_pasted or line.startswith("$ ") else line.strip()
    return "" if text.startswith("#") else text.removeprefix("sudo ")


def _removes(text: str) -> Iterator[str]:
    found = _REMOVES.match(text)
    if found:
        yield from (plain(word) for word in found[2].split() if not word.startswith("-"))
