"""The file is something else: a template, a shell script, rules for nft, a file of firewalld.

iptables-restore would refuse it line by line; one finding says what it is, and
what to do.  A template is rendered first: what a ruleset does, and whether it
loads, hangs on what is put in.  Of a shell script only running it tells which
rules it makes; in a network namespace of its own (`unshare -n`) it touches no
rules of the host, but whatever else it does, such as setting a sysctl or
writing a file, it does there as well, so it is read first.
"""

from rulec.diagnostics import Severity
from rulec.lint.check import Check, Example

CHECK = Check(
    slug="not-a-ruleset",
    group="syntax",
    severity=Severity.ERROR,
    summary="the file is a template, a script or something else, and not what iptables-restore takes",
    why=__doc__,
    example=Example(
        bad="*filter\n{% for port in ports %}\n-A INPUT -p tcp --dport {{ port }} -j ACCEPT\n{% endfor %}\nCOMMIT\n",
        good="*filter\n-A INPUT -p tcp --dport 80 -j ACCEPT\n-A INPUT -p tcp --dport 443 -j ACCEPT\nCOMMIT\n",
    ),
)
