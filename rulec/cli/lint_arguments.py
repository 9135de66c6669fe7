"""The arguments of rulec lint besides those about output."""

from __future__ import annotations

import argparse
from typing import Any

from rulec.cli.arguments import at_least

FAIL_ON = {"error": 2, "warning": 1, "note": 0, "never": 3}
_FILE = "rulesets, files of modprobe.d, modules-load.d, sysctl.d, iptables-config; folders of them; - is standard input"
_KERNELS = "the kernel of the host: 6.x (default), 5.x, both measured; 4.14, el5, el6, el7, el8, el9, all inferred"
_REPORT = "say why packets are tracked, which flows are, and what it takes to have fewer tracked, or none"
_Flags = tuple[tuple[str, dict[str, Any]], ...]


def _list(metavar: str, text: str) -> dict[str, Any]:
    return {"action": "append", "default": [], "metavar": metavar, "help": text}


def _switch(text: str) -> dict[str, Any]:
    return {"action": "store_true", "help": text}


_CHECKS: _Flags = (
    ("--select", _list("CHECK", "only these checks or groups")),
    ("--extend-select", _list("CHECK", "these checks or groups, too")),
    ("--ignore", _list("CHECK", "all but these checks or groups")),
    ("--per-file-ignores", _list("PATTERN:CHECK", "checks or groups that are not for some files")),
    ("--open-ports", {"metavar": "PORTS", "help": "what open-to-world asks about, such as 22,53/udp"}),
    ("--kernel", {"metavar": "NAME", "help": _KERNELS}),
    (
        "--memory",
        {"type": at_least(0), "metavar": "MB", "help": "how much the sets of packets may take; default: 2048"},
    ),
    ("--tracking-report", _switch(_REPORT)),
)
_FIXES: _Flags = (
    ("--fix", _switch("write the fixes that change nothing for any packet, each proved, and lint what is left")),
    ("--unsafe-fixes", _switch("with --fix or --diff, take the other fixes, too")),
    ("--diff", _switch("show what --fix would change, and write nothing; exit 1 if so")),
    ("--fix-only", _switch("fix, and say nothing of what is left")),
    ("--fixable", _list("CHECK", "take fixes of these checks or groups only")),
    ("--unfixable", _list("CHECK", "take no fixes of these checks or groups")),
    ("--exit-non-zero-on-fix", _switch("exit 1 if anything was fixed")),
)
_FILES: _Flags = (
    ("--config", _list("PATH|KEY=VALUE", "this configuration file for all, or one setting; repeatable")),
    ("--isolated", _switch("read no configuration file")),
    ("--exclude", _list("PATTERN", "leave out these files of folders, as well as those of the configuration")),
    ("--force-exclude", {"action": argparse.BooleanOptionalAction, "help": "leave them out also if they are named"}),
    ("--respect-gitignore", {"action": argparse.BooleanOptionalAction, "help": "leave out what git ignores (default)"}),
    ("--show-files", _switch("show which files would be read, and end")),
    ("--show-settings", _switch("show which settings hold for the files, and end")),
)
_KNOWN: _Flags = (
    ("--baseline", {"metavar": "JSON", "help": "report nothing that this file knows"}),
    ("--write-baseline", _switch("write all that is found into it, and end")),
    ("--against", {"metavar": "REF", "help": "report nothing that is found in that version of git, too"}),
    ("--no-ignores", _switch("report also what comments, the configuration or the baseline suppress")),
    ("--add-ignore", {"nargs": "?", "const": "", "metavar": "REASON", "help": "write comments that suppress all this"}),
)
_ENDS: _Flags = (
    ("--fail-on", {"choices": tuple(FAIL_ON), "help": "exit 1 from this severity on; default: warning"}),
    ("--exit-zero", _switch("exit 0 also when something is found")),
    ("--undecided", {"choices": ("report", "pass", "fail"), "help": "what is not decided: exit 3 (default), 0 or 1"}),
    ("--statistics", _switch("show how often each check has spoken, in place of the findings")),
)


def add_all(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("files", nargs="*", metavar="FILE", help=_FILE)
    groups = (("checks", _CHECKS), ("fixes", _FIXES), ("files and settings", _FILES), ("what is known", _KNOWN))
    for title, flags in (*groups, ("exit code and summary", _ENDS)):
        group = parser.add_argument_group(title)
        for flag, options in flags:
            group.add_argument(flag, **options)
    name = "what to call standard input, or the one file, in messages and for the settings"
    parser.add_argument("--stdin-filename", "--display-path", dest="display", metavar="NAME", help=name)
    jobs = "so many processes for many files; default: one for each processor"
    parser.add_argument("-j", "--jobs", type=at_least(1), metavar="N", help=jobs)
    parser.add_argument("-q", "--quiet", action="store_true", help="findings only")
    parser.add_argument("-s", "--silent", action="store_true", help="nothing on standard output; the exit code tells")
    parser.add_argument("-v", "--verbose", action="store_true", help="say which settings hold, and what was read")


def asked(chosen: argparse.Namespace) -> dict[str, Any]:
    """What the arguments say, in the form of a configuration file."""
    target = {"kernel": chosen.kernel, "family": None if chosen.family == "auto" else chosen.family}
    lists = {name.replace("_", "-"): names(getattr(chosen, name)) or None for name in _LISTS}
    plain = {name.replace("_", "-"): getattr(chosen, name) for name in ("fail_on", "undecided", "baseline", "memory")}
    ports = {"open-to-world": {"ports": tuple(names([chosen.open_ports]))}} if chosen.open_ports is not None else None
    per_file = {"per-file-ignores": _per_file(chosen.per_file_ignores) or None, "checks": ports}
    lint = {**lists, **plain, **per_file, "unsafe-fixes": chosen.unsafe_fixes or None}
    files = {"force-exclude": chosen.force_exclude, "respect-gitignore": chosen.respect_gitignore}
    whole = {**files, "exclude": names(chosen.exclude) or None, "lint": _said(lint)}
    return _said({**whole, "target": _said({**target, "opaque": tuple(chosen.opaque) or None})})


_LISTS = ("select", "extend_select", "ignore", "fixable", "unfixable")


def _said(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None and value != {}}


def _per_file(lists: list[str]) -> dict[str, tuple[str, ...]]:
    """``PATTERN:CHECK``, several with commas."""
    found: dict[str, tuple[str, ...]] = {}
    for word in names(lists):
        pattern, _, name = word.rpartition(":")
        found[pattern] = (*found.get(pattern, ()), name)
    return found


def names(lists: list[str]) -> tuple[str, ...]:
    """The words of lists with commas."""
    return tuple(name.strip() for part in lists for name in part.split(",") if name.strip())
