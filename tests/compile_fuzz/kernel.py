"""What was compiled, before the real kernel."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

from rulec.host.compare import Report
from rulec.host.verify import verify_in_kernel
from tests.compile_fuzz.outcome import Case, Outcome, outcome, random_case


class Proved(NamedTuple):
    """A case and what it was compiled to."""

    case: Case
    outcome: Outcome

    @property
    def text(self) -> str:
        """The new ruleset."""
        assert self.outcome.compiled is not None
        return self.outcome.compiled.text

    def __str__(self) -> str:
        return f"{self.case}\nbecomes\n{self.text}"


def proved(first: int = 0) -> Iterator[Proved]:
    """The cases that are proved, from some number on."""
    for number in count(first):
        found = outcome(case := random_case(number))
        if found.kind == "proved":
            yield Proved(case, found)


def held_against(one: Proved, backend: str = "legacy") -> Report:
    """What the kernel says of it."""
    case, compiled = one.case, one.outcome.compiled
    assert compiled is not None
    assert compiled.certificate is not None
    exposed = [each.packet for each in compiled.certificate.exposures]
    return verify_in_kernel([case.ruleset()], [case.ruleset(one.text)], case.policy, exposed, backend=backend)
