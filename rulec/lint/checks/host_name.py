"""A host name stands in a rule.

iptables-restore asks the resolver while it loads.  At boot the network is often
not up yet: the look-up fails, and with it the whole ruleset.  Where it works, the
address is the one of that moment and never changes with the name.
"""

from rulec.diagnostics import Severity
from rulec.lint.check import Check, Example

CHECK = Check(
    slug="host-name",
    group="load",
    severity=Severity.ERROR,
    summary="a host name must be looked up while the ruleset loads",
    why=__doc__,
    example=Example(
        bad="*filter\n-A INPUT -s ntp.example.net -j ACCEPT\nCOMMIT\n",
        good="*filter\n-A INPUT -s 192.0.2.123 -j ACCEPT\nCOMMIT\n",
    ),
)
