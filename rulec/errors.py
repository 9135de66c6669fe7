"""The exceptions of rulec: what a caller may catch, and nothing else.

A bad ruleset or policy is never an exception: it is a list of findings.  These
are for jobs that could not be done at all, and each carries the sentence that a
user should read.
"""


class RulecError(Exception):
    """Base of all exceptions that rulec raises on purpose."""


class InputError(RulecError):
    """An input could not be read or an output could not be written."""


class NoVersion(InputError):
    """A version control system has no such version of a file."""


class Undecided(RulecError):
    """A question that could not be answered within the memory that was allowed."""


class Refused(RulecError):
    """A compilation that cannot be had: the reasons are its findings."""

    def __init__(self, findings: tuple[object, ...]) -> None:
        super().__init__("; ".join(str(finding) for finding in findings))
        self.findings = findings
