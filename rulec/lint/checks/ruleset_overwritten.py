"""The service writes over the file of the ruleset when it stops.

With `IPTABLES_SAVE_ON_STOP="yes"` the init script puts the output of iptables-save in the
place of the file, and what stood there into the file `.save` beside it.  Since RHEL 7 each
`systemctl restart` stops and starts; before, `IPTABLES_SAVE_ON_RESTART="yes"` did so for
`service iptables restart`.  A new ruleset in the file is then never loaded: the old one,
which still runs, replaces it first.  `reload` loads the file (the script and its unit).

What is saved has lost all comments, and the order of the tables: raw stands first, even
if it was loaded last, as raw-before-filter explains.  With iptables-legacy a table is saved
that was only looked at; up to Linux 4.13 an empty nat table has every packet tracked from
then on.  (What is saved was measured; what the service does is what its script says.)
"""

from collections.abc import Iterator

from rulec.analysis.host import HostFacts
from rulec.config.file import Kind
from rulec.diagnostics import Edit, Finding, Fix, Label, Safety, Severity
from rulec.lint.check import Check, Example
from rulec.lint.places import line_label
from rulec.model import Family

_FAMILIES = {"IPTABLES": Family.IPV4, "IP6TABLES": Family.IPV6}


def find(host: HostFacts) -> Iterator[Finding]:
    """Report each variable that says so, where a ruleset of its family is there to be written over."""
    has_systemd, can_reload = host.kernel.version >= (3, 0), host.kernel.version >= (2, 6, 32)
    at = {"SAVE_ON_STOP": "each stop or restart" if has_systemd else "each stop"}
    if not has_systemd:
        at["SAVE_ON_RESTART"] = "each restart"
    for line in host.said("set", Kind.IPTABLES):
        program, _, variable = line.name.text.partition("_")
        written = _written(host, program)
        if line.value.text == "yes" and variable in at and written:
            yield Finding(
                "ruleset-overwritten",
                f"{at[variable]} writes over the file with what runs, and a new ruleset in it is not loaded",
                (line.label(), *written),
                Severity.WARNING,
                hint="reload, and do not restart, to have a new file loaded" if can_reload else "",
                fix=Fix("say no", (Edit(line.value.span, "no"),), Safety.UNSAFE),
            )


def _written(host: HostFacts, program: str) -> tuple[Label, ...]:
    """The beginnings of the rulesets that a service may write over."""
    family = _FAMILIES.get(program)
    sources = [facts.ruleset.source for facts in host.rulesets if facts.ruleset.family is family]
    return tuple(line_label(source, 1) for source in sources)


CHECK = Check(
    slug="ruleset-overwritten",
    group="host",
    severity=Severity.WARNING,
    summary="the service writes over the file of the ruleset when it stops",
    why=__doc__,
    find_on_host=find,
    example=Example(
        bad='IPTABLES_SAVE_ON_STOP="yes"\n',
        good='IPTABLES_SAVE_ON_STOP="no"\n',
        name="sysconfig/iptables-config",
        beside="# servers\n*filter\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n",
    ),
)
