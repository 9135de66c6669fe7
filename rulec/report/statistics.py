"""How often each check has spoken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rulec.diagnostics import Finding, Safety
from rulec.lint.checks import CHECKS
from rulec.report.formats.log import Log


def lines(log: Log) -> Iterator[str]:
    """One line a check, the most frequent first: how often, the check, how many have a fix, and what it is about."""
    counts = Counter((finding.slug, finding.severity.value) for finding in log.findings)
    fixes = Counter(finding.slug for finding in log.findings if _is_safe(finding))
    summaries = {check.slug: check.summary for check in CHECKS}
    width = max((len(str(number)) for number in counts.values()), default=1)
    for (slug, severity), number in sorted(counts.items(), key=lambda one: (-one[1], one[0])):
        fixable = f" ({fixes[slug]} fixable)" if fixes[slug] else ""
        yield f"{number:{width}} {severity}[{slug}]{fixable}: {summaries.get(slug, '')}"


def _is_safe(finding: Finding) -> bool:
    return finding.fix is not None and finding.fix.safety is Safety.SAFE
