"""What a compiled ruleset has otherwise, line by line, each with its reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import NamedTuple


class Reason(NamedTuple):
    """Why lines of a form are made, and the section of docs/SOUNDNESS.md that says why that is sound."""

    form: re.Pattern[str]
    why: str
    section: str


_REASONS = (
    Reason(re.compile(r"-j (CT --notrack|NOTRACK)\b"), "leaves one direction of the hot flows untracked",
           "Untracking both directions"),
    Reason(re.compile(r"-m u32\b|-p (ipv6-)?icmp"), "lets errors about the hot flows in, which are RELATED no more",
           "ICMP errors"),
    Reason(re.compile(r"-m socket\b"), "has fragments put together without tracking", "Fragments"),
    Reason(re.compile(r"! --tcp-flags SYN,ACK SYN|--sports? "), "lets answers of the hot flows pass, and nothing else",
           "Answers"),
    Reason(re.compile(r"UNTRACKED"), "admits the packets of the hot flows, which were NEW or ESTABLISHED", "Admission"),
    Reason(re.compile(r"^-"), "does by flags and ports what the state did", "Without tracking"),
)  # fmt: skip


def explained(old: str, new: str, name: str) -> Iterator[str]:
    """Each new or changed rule with its line in the result, what stood there, and why it is made."""
    before, after = old.split("\n"), new.split("\n")
    for kind, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        gone = [line for line in before[a:b] if line.startswith("-")]
        added = [(number, line) for number, line in enumerate(after[c:d], c + 1) if line.startswith("-")]
        yield from (line for number, rule in added for line in _said(f"{name}:{number}", rule))
        if not added:
            yield from (f"{name}: without {line}" for line in gone)


def _said(place: str, rule: str) -> Iterator[str]:
    yield f"{place}: {rule}"
    reason = next((reason for reason in _REASONS if reason.form.search(rule)), None)
    if reason is not None:
        yield f"  {reason.why} (docs/SOUNDNESS.md: {reason.section})"
