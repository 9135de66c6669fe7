"""What a finding is known by from one version of a file to the next.

Line numbers change with every rule above; a fingerprint is made of what the
finding speaks of instead: its check, the table, and the rule as iptables-save
prints it, which names the chain, without counters and however it was written.
Rules that are the same are numbered, so moving, adding or deleting any other
rule leaves the fingerprint as it was.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections import Counter
from collections.abc import Sequence
from functools import cache

from rulec.config.file import ConfigFile
from rulec.diagnostics import Finding
from rulec.resources import lazy
from rulec.syntax.ruleset import Ruleset
from rulec.syntax.save import saved_on

_COUNTERS = re.compile(r"^\s*\[\d+:\d+\]|\[\d+:\d+\]\s*$")
_DIGITS = 32  # 128 bits


def fingerprints(findings: Sequence[Finding], file: Ruleset | ConfigFile) -> tuple[str, ...]:
    """The fingerprint of each finding of one file: 32 hexadecimal digits, no two alike."""
    words = cache(lambda line: _words(file, line))
    seen: Counter[tuple[str, ...]] = Counter()
    found = [""] * len(findings)
    for number in sorted(range(len(findings)), key=lambda number: findings[number].place.span):
        finding = findings[number]
        key = (finding.slug, *words(finding.line))
        found[number] = _hash(*key, str(seen[key]))
        seen[key] += 1
    return tuple(found)


def _words(file: Ruleset | ConfigFile, line: int) -> tuple[str, ...]:
    """What stands on a line, however it is written: the table and the rules, or the words."""
    words = " ".join(_COUNTERS.sub("", file.source.line(line)).split())
    if isinstance(file, ConfigFile):
        return "", words
    above = bisect([block.line for block in file.blocks], line)
    table = file.blocks[above - 1].name if above else ""
    return table, *(_saved(file, line) or (words,))


def _saved(ruleset: Ruleset, line: int) -> list[str]:
    """What iptables-save prints of the rules of a line, nothing where it makes none or holds wrong arguments."""
    try:
        return sorted(saved_on(ruleset, line)) if line in ruleset.templates else []
    except ValueError:
        return []


def _hash(*words: str) -> str:
    text = "\0".join(words).encode("utf-8", "surrogateescape")
    digits: str = lazy("hashlib").sha256(text).hexdigest()
    return digits[:_DIGITS]
