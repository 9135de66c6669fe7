"""The files of ufw: pieces of a ruleset, loaded into chains that ufw has made before.

``ufw-init`` makes its chains with ``iptables-restore -n``, and then loads
before.rules, after.rules and user.rules in the same way: nothing is flushed,
a chain that is declared once more loses its rules, and rules may jump to
chains that their file does not declare (ufw 0.36.2, ufw-init-functions).
"""

from __future__ import annotations

import re

from rulec.model import Family

_NAME = re.compile(r"(?:before|after|user)6?\.rules\b[^/]*")
_CHAIN = re.compile(r"^:ufw6?-(?:before|after|user)-", re.MULTILINE)
_HOOKS = ("input", "output", "forward")
_BY_HOOK = (
    "before-logging", "before", "after", "after-logging", "reject", "track", "skip-to-policy", "user", "user-logging",
)  # fmt: skip
_OTHERS = ("logging-deny", "logging-allow", "user-limit", "user-limit-accept")


def chains_before(name: str, text: str, family: Family) -> frozenset[str]:
    """The chains of table filter that are there before the file is loaded; none for a file that is not of ufw.

    ``name`` decides together with the text: the same text under another name is
    a ruleset, which stands alone.
    """
    if not _NAME.fullmatch(name.rpartition("/")[2]) or not _CHAIN.search(text):
        return frozenset()
    prefix = "ufw6-" if family is Family.IPV6 else "ufw-"
    by_hook = (f"{prefix}{kind}-{hook}" for kind in _BY_HOOK for hook in _HOOKS)
    return frozenset([*by_hook, *(prefix + kind for kind in _OTHERS)])
