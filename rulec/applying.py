"""The verb that takes rulesets into service, put together from what the floors below do not know of each other.

The host loads and goes back, the trace says what becomes of the connection, the compiler which entries are to go.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TextIO

from rulec import api
from rulec.compiler.rollout import deletions
from rulec.errors import InputError, RulecError, Undecided
from rulec.host.apply import folder, plan, watch
from rulec.host.apply import session as sessions
from rulec.host.apply.folder import HOME
from rulec.host.apply.plan import Part
from rulec.host.apply.session import Session
from rulec.host.apply.tools import Tools, found, tools
from rulec.model import Family
from rulec.report import apply as words
from rulec.report.trace import verdict
from rulec.syntax.ruleset import Ruleset

Say = Callable[[str], None]
KEPT, NOT_KEPT = 0, 1
_DAY = 86_400


class Wishes(NamedTuple):
    """How it is to be done; ``seconds`` are None where nobody is asked."""

    home: str = HOME
    seconds: float | None = 30
    backend: str | None = None
    policy: Any = None
    any_session: bool = False
    dry_run: bool = False


def confirm(place: str, say: Say) -> int:
    """Confirm the run that waits there: 0 done, 1 too late; RulecError where none waits."""
    confirmed = folder.confirm(place)
    say(words.confirmed(confirmed))
    return NOT_KEPT if folder.came_too_late(confirmed) else KEPT


def apply(rulesets: Sequence[Ruleset], wishes: Wishes, stdin: TextIO, say: Say) -> int:
    """Take rulesets into service, one a family and all without errors: 0 they stay, 1 they do not.

    Where ``stdin`` is a terminal it is asked for the confirmation, besides a second session.  RulecError where
    it cannot be done, and nothing was touched.
    """
    _possible(rulesets, wishes)
    parts = plan.parts((each.family, each.source.name, each.source.text) for each in rulesets)
    if not parts:
        raise InputError("the files hold no table, so there is nothing to load")
    forget = _forget(rulesets, wishes.policy)
    if wishes.dry_run:
        _say_all(say, words.planned(parts, forget, wishes.seconds, wishes.home))
        return _judged(rulesets, {}, wishes, say)
    if os.geteuid() != 0:
        raise RulecError("only root may save and load rules, so nothing was touched (sudo rulec apply ...)")
    with_tools = {each.family: tools(each.family, wishes.backend) for each in rulesets}
    if forget:
        found("conntrack", "conntrack")
    before = {family: plan.saved(each) for family, each in with_tools.items()}
    for family, one in before.items():
        _say_all(say, iter(one.warnings))
        _say_all(say, words.others(family, plan.staying(one, parts), plan.going(one, parts)))
    code = _judged(rulesets, {family: plan.kept_text(one, parts) for family, one in before.items()}, wishes, say)
    return code or _load(rulesets, parts, with_tools, forget, wishes, watch.terminal(stdin), say)


def _possible(rulesets: Sequence[Ruleset], wishes: Wishes) -> None:
    if not rulesets or len({each.family for each in rulesets}) < len(rulesets):
        raise InputError("name the rulesets to load, one file for each family")
    if any(each.is_piece for each in rulesets):
        raise InputError("a piece of a ruleset that ufw loads cannot be loaded alone; ufw reload loads the whole")
    if wishes.seconds is not None and not 1 <= wishes.seconds <= _DAY:
        raise InputError(f"the time to confirm in is from 1 second to a day, {_DAY}")


def _load(
    rulesets: Sequence[Ruleset],
    parts: Sequence[Part],
    with_tools: dict[Family, Tools],
    forget: Sequence[str],
    wishes: Wishes,
    terminal: int | None,
    say: Say,
) -> int:
    turn = folder.turn(wishes.home)
    for each in rulesets:
        plan.try_out(with_tools[each.family], each.source.text, each.source.name)
    before = [plan.saved(one) for one in with_tools.values()]
    for one in before:
        plan.try_out(with_tools[one.family], one.text, f"what is there now ({one.family.label})")
    try:
        place = folder.made(turn)
        plan.write_plan(place, parts, before, with_tools, forget, wishes.seconds)
    except OSError as error:
        raise RulecError(f"{turn.base}: {error.strerror or error}; nothing was touched") from error
    say(words.saved(place))
    last = ""
    for event in watch.watch(watch.Watched(place, turn.lock), terminal):
        _say_all(say, words.told(event, place, parts, with_tools, terminal is not None))
        last = event[0]
    return KEPT if last == "kept" else NOT_KEPT


def _forget(rulesets: Sequence[Ruleset], policy: Any) -> list[str]:
    """The commands that delete the entries of the hot flows of a policy."""
    return [command for each in rulesets for command in deletions(policy, each.family)] if policy else []


# ── the connection ──


def _judged(rulesets: Sequence[Ruleset], kept: dict[Family, str], wishes: Wishes, say: Say) -> int:
    """Say what becomes of the connection that rulec runs in; 1 where the new rules would cut it off."""
    found = sessions.sessions()
    if not found:
        say(words.no_connection(None))
    return max((_judged_one(each, rulesets, kept, wishes, say) for each in found), default=KEPT)


def _judged_one(
    session: Session, rulesets: Sequence[Ruleset], kept: dict[Family, str], wishes: Wishes, say: Say
) -> int:
    own = next((each for each in rulesets if each.family is session.family), None)
    if own is None:
        say(words.no_connection(session))
        return KEPT
    fates = list(_fates(_together(own, kept.get(own.family, "")), session))
    asked = wishes.seconds is not None
    bad = [fate for fate in fates if fate.verdict == "DROP" or (fate.verdict == "depends" and not asked)]
    _say_all(say, words.fates(session, fates, own, bool(bad), wishes.any_session))
    return NOT_KEPT if bad and not wishes.any_session else KEPT


def _together(new: Ruleset, kept: str) -> Ruleset:
    """The new ruleset with the tables that stay; itself where these cannot be read."""
    text = new.source.text
    whole = api.parse(f"{text}{'' if text.endswith(chr(10)) else chr(10)}{kept}", new.source.name, new.family.value)
    return whole if kept and whole.valid else new


def _fates(ruleset: Ruleset, session: Session) -> Iterator[words.Fate]:
    for about, text, path in session.packets():
        packets, problems = api.read_packets(ruleset, "session", text, lines=False)
        if problems:
            raise RulecError(f"{text}: {problems[0].message}")
        try:
            (traced,) = api.trace(ruleset, packets, path)
        except Undecided as error:
            yield words.Fate(about, text, "depends", str(error))
        else:
            yield words.Fate(about, text, traced.verdict, verdict(traced))


def _say_all(say: Say, lines: Iterator[str]) -> None:
    for line in lines:
        say(line)
