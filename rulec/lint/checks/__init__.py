"""All checks, in the order in which they are listed."""

from rulec.lint.check import Check
from rulec.lint.checks import (
    conntrack_loaded,
    host_name,
    load_error,
    reading_ends,
    syntax_error,
    tracking_match,
    tracking_nat,
    tracking_target,
    unknown_extension,
)

CHECKS: tuple[Check, ...] = (
    syntax_error.CHECK,
    reading_ends.CHECK,
    unknown_extension.CHECK,
    host_name.CHECK,
    load_error.CHECK,
    tracking_match.CHECK,
    tracking_target.CHECK,
    tracking_nat.CHECK,
    conntrack_loaded.CHECK,
)
