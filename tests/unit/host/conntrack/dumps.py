"""The same flows in every form in which the kernel and conntrack(8) print them (Linux 6.18, conntrack 1.4.7)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rulec.host.conntrack.own import Own, given
from rulec.host.conntrack.table import Table, table
from rulec.host.conntrack.tally import Limits, tally

WEB = (
    "tcp      6 431999 ESTABLISHED src=198.51.100.7 dst=192.0.2.10 sport=40000 dport=80"
    " src=192.0.2.10 dst=198.51.100.7 sport=80 dport=40000 [ASSURED] mark=0"
)
FORMS = {
    "proc": f"ipv4     2 {WEB} zone=0 use=2",
    "plain": f"{WEB} use=1",
    "extended": f"ipv4     2 {WEB} use=1",
    "counters": f"ipv4     2 {WEB} zone=0 delta-time=3 use=2".replace(
        " src=192", " packets=4 bytes=216 src=192"
    ).replace(" [ASSURED]", " packets=3 bytes=164 [ASSURED]"),
    "id,ktimestamp,labels": f"{WEB} delta-time=4 [start=Sat Nov 21 23:03:19 2026] use=1 id=3601781390 labels=web,db",
    "secctx": f"ipv4     2 {WEB} secctx=system_u:object_r:unlabeled_t:s0 zone=0 use=2",
    "ip_conntrack": f"{WEB} use=1",
    "ip_conntrack of 2.4": WEB.replace(" mark=0", " use=1 "),
    "save": "-A -t 431999 -u SEEN_REPLY,ASSURED -s 198.51.100.7 -d 192.0.2.10 -r 192.0.2.10 -q 198.51.100.7 -p tcp"
    " --sport 40000 --dport 80 --reply-port-src 80 --reply-port-dst 40000 --state ESTABLISHED",
    "windows": f"{WEB} use=1\r",
}

XML = """\
<?xml version="1.0" encoding="utf-8"?>
<conntrack>
<flow><meta direction="original"><layer3 protonum="2" protoname="ipv4"><src>198.51.100.7</src><dst>192.0.2.10</dst>\
</layer3><layer4 protonum="6" protoname="tcp"><sport>40000</sport><dport>80</dport></layer4></meta>\
<meta direction="reply"><layer3 protonum="2" protoname="ipv4"><src>192.0.2.10</src><dst>198.51.100.7</dst></layer3>\
<layer4 protonum="6" protoname="tcp"><sport>80</sport><dport>40000</dport></layer4></meta>\
<meta direction="independent"><state>ESTABLISHED</state><timeout>431999</timeout><mark>0</mark><use>1</use>\
<id>3601781390</id><assured/></meta></flow>
</conntrack>
"""


def blocks(text: str) -> Iterator[list[bytes]]:
    """A dump as it is read: blocks of lines, here of one line each."""
    for line in text.encode().splitlines(keepends=True):
        yield [line]


def counted(text: str, *addresses: str, by: str = "peer", limits: Limits | None = None) -> Table:
    """What a dump holds, seen from some addresses; nothing may be missed."""
    found = tally(iter([text.encode().splitlines(keepends=True)]), _seen_from(addresses), by, limits)
    assert found.missed.first == []
    return table(found, by, 256)


def _seen_from(addresses: tuple[str, ...]):  # type: ignore[no-untyped-def]
    def own(_: Iterable[bytes]) -> Own | None:
        return given(addresses) if addresses else None

    return own
