"""One ruleset and one policy through the compiler: what came of it, and what must not come of it."""

from __future__ import annotations

import re
import traceback
from dataclasses import dataclass
from random import Random

import rulec
from rulec.compiler.compile import Compiled, compile_ruleset
from rulec.compiler.prove import prove
from rulec.diagnostics import Finding
from rulec.errors import Refused, Undecided
from rulec.model import Family
from rulec.policy import Policy
from rulec.syntax.ruleset import Ruleset
from tests.compile_fuzz.policies import random_policy
from tests.compile_fuzz.rulesets import Maker
from tests.compile_fuzz.words import Draw

MEMORY = 256 << 20


@dataclass(frozen=True)
class Case:
    """A ruleset and a policy, by their number always the same."""

    number: int
    family: Family
    text: str
    policy: Policy

    def ruleset(self, text: str = "") -> Ruleset:
        """The ruleset read, or another text in its place."""
        read = rulec.parse(text or self.text, "new.rules" if text else "old.rules", self.family.value)
        assert read.valid, "\n".join(map(str, read.findings))
        return read

    def __str__(self) -> str:
        return f"case {self.number} ({self.family.value})\n{self.policy.source.text}\n{self.text}"


def random_case(number: int) -> Case:
    """The case of a number."""
    draw = Draw(Random(number))
    family = Family.IPV4 if draw.often(6.5) else Family.IPV6
    policy = random_policy(draw, family)
    return Case(number, family, Maker(draw, family, policy.hot).text(), policy)


@dataclass(frozen=True)
class Outcome:
    """What came of a case, and why.

    It is ``proved``, ``idle`` where nothing is changed, ``refused``, ``undecided``, or ``wrong``.
    """

    kind: str
    why: str = ""
    compiled: Compiled | None = None


def outcome(case: Case) -> Outcome:
    """Compile a case; whatever must not be is told as ``wrong``."""
    try:
        compiled = compile_ruleset(case.ruleset(), case.policy, memory=MEMORY)
        return _held_against(case, compiled)
    except Refused as refused:
        return _refused(refused)
    except Undecided as undecided:
        return Outcome("undecided", str(undecided))
    except Exception:
        return Outcome("wrong", traceback.format_exc())


def _refused(refused: Refused) -> Outcome:
    """Every reason has words, and a place in the ruleset or the policy."""
    findings = [one for one in refused.findings if isinstance(one, Finding)]
    if len(findings) < len(refused.findings) or not all(one.message and one.line for one in findings):
        return Outcome("wrong", f"refused without a place: {refused.findings}")
    return Outcome("refused", _in_short(str(findings[0].message))) if findings else Outcome("wrong", "no reason")


def _in_short(message: str) -> str:
    """A reason without what is special in it."""
    text = re.sub(r"^hot\d: |\(of a flow.*", "", message).strip()
    return re.sub(r"(tcp|udp)/[\d,-]+|\b\d+\b", "N", text)


def _held_against(case: Case, compiled: Compiled) -> Outcome:
    """What was compiled compiles to itself; some of it is proved again from its text."""
    new = case.ruleset(compiled.text)
    if compiled.certificate is None:
        return Outcome("idle" if compiled.text == case.text else "wrong", "changed without a proof", compiled)
    failures = prove(case.ruleset(), new, case.policy, MEMORY).failures if case.number % 5 == 0 else ()
    if failures or not compiled.certificate.is_proved:
        return Outcome("wrong", f"proved, and refuted: {failures}", compiled)
    try:
        again = compile_ruleset(new, case.policy, memory=MEMORY).text
    except Refused as refused:
        return Outcome("wrong", f"refused the second time: {refused.findings[0]}\n{compiled.text}", compiled)
    except Undecided as undecided:
        return Outcome("undecided", f"the second time: {undecided}")
    if again != compiled.text:
        return Outcome("wrong", f"compiled again it is another:\n{compiled.text}\nand then\n{again}", compiled)
    return Outcome("proved" if compiled.text != case.text else "idle", "", compiled)
