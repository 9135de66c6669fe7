"""The XML of JUnit: a file is a suite, a finding is a case of it.

A case fails where the finding is one for which rulec fails, so that the table of
tests is red exactly where the exit code is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from rulec.report.formats import xml
from rulec.report.formats.log import Log, Told, remarks, source_of
from rulec.report.lint import FileReport, Report


def lines(log: Log) -> Iterator[str]:
    """The document."""
    suites = [_suite(*each) for each in zip(log.reports, log.told, log.fail_on, strict=True)]
    if log.problems:
        suites.append(_unread(log.problems))
    root = xml.element(None, "testsuites", name="rulec lint", **_added(suites))
    root.extend(suites)
    return xml.document(root)


def _added(suites: Iterable[Any]) -> dict[str, str]:
    kinds = ("tests", "failures", "errors", "skipped")
    return {kind: str(sum(int(suite.get(kind)) for suite in suites)) for kind in kinds}


def _suite(report: Report | FileReport, told: Iterable[Told], fail_on: int) -> Any:
    name = source_of(report).name
    suite = xml.element(None, "testsuite", name=name)
    for each in told:
        _case(suite, name, each, fail_on)
    for reason in report.undecided:
        xml.element(_of(suite, name, "undecided"), "error", message=reason)
    if not len(suite):
        _of(suite, name, "lint")
    return _counted(suite)


def _case(suite: Any, name: str, told: Told, fail_on: int) -> None:
    finding = told.finding
    case = xml.element(suite, "testcase", name=f"{finding.slug} on line {finding.line}", classname=name)
    words = "\n".join([str(finding), finding.place.source.line(finding.line), *remarks(finding)])
    if told.hidden is not None:
        xml.element(case, "skipped", words, message=told.hidden.reason or "suppressed")
    elif finding.severity.rank >= fail_on:
        xml.element(case, "failure", words, message=finding.message, type=finding.severity.value)
    else:
        xml.element(case, "system-out", words)


def _of(suite: Any, name: str, title: str) -> Any:
    return xml.element(suite, "testcase", name=title, classname=name)


def _unread(problems: Iterable[str]) -> Any:
    suite = xml.element(None, "testsuite", name="rulec")
    for problem in problems:
        xml.element(_of(suite, "rulec", problem), "error", message=problem)
    return _counted(suite)


def _counted(suite: Any) -> Any:
    for kind, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(kind, str(len(suite.findall(f"testcase/{tag}"))))
    suite.set("tests", str(len(suite)))
    return suite
