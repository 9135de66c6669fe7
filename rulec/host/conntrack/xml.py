"""The entries of a conntrack table as XML: ``conntrack -L -o xml``, however its lines were broken since.

The elements are those that conntrack 1.4.7 prints; an unknown one is passed over.  No parser
of XML is asked: it would take ten times as long, and follow entities.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from rulec.host.conntrack.lines import ADDRESS, PORT, PROTOCOL, STATE, TIMEOUT, Entry, Lines, Missed

_END = b"</flow>"
_META = re.compile(rb'<meta\s+direction="(original|reply|independent)">(.*?)</meta>', re.DOTALL)
_LEAF = re.compile(rb"<(\w+)>\s*([^<>\s]+)\s*</\1>")
_PROTOCOL = re.compile(rb'<layer4\s+protonum="%s"' % PROTOCOL)
_SOUND = re.compile(rb"%s %s %s %s %s(?: %s)?(?: %s)*" % (TIMEOUT, *[ADDRESS] * 4, STATE, PORT))
_ONE = (
    rb"<layer3 [^>]*><src>%s</src><dst>%s</dst></layer3><layer4 protonum=\"%s\"[^>]*>"
    rb"(?:<sport>%s</sport><dport>%s</dport>)?</layer4>(?:<counters>[^m]*</counters>)?</meta>"
) % (ADDRESS, ADDRESS, PROTOCOL, PORT, PORT)
_USUAL = re.compile(
    rb'\s*<flow><meta direction="original">%s<meta direction="reply">%s<meta direction="independent">'
    rb"(?:<state>%s</state>)?<timeout>%s</timeout>(.*)</meta>" % (_ONE, _ONE, STATE, TIMEOUT)
)
"""A flow as conntrack prints nearly all of them, read at once; what is otherwise is taken apart."""

_OUTSIDE = re.compile(rb"\s*(?:<\?xml[^>]*\?>|</?conntrack>|<!--.*?-->|\s)*", re.DOTALL)


def flows(blocks: Iterable[Lines], missed: Missed) -> Iterator[tuple[bytes | None, ...]]:
    """The flows of a document, each as an :class:`Entry`."""
    text, line = b"", 1
    for block in blocks:
        *whole, text = (text + b"".join(block)).split(_END)
        for flow in whole:
            usual = _USUAL.fullmatch(flow)
            if usual and b"<zone>" not in usual[13]:
                line += flow.count(b"\n")
                yield _of_usual(usual)
                continue
            begin = flow.find(b"<flow>")
            entry = _entry(flow[begin:]) if begin >= 0 else None
            _tell_rest(flow[: max(begin, 0)] if entry else flow, line, missed)
            line += flow.count(b"\n")
            if entry:
                yield entry
    _tell_rest(text, line, missed)


def _tell_rest(text: bytes, line: int, missed: Missed) -> None:
    """What stands between flows: nothing, the frame of the document, or what cannot be read."""
    for number, part in enumerate(text.split(b"\n") if not _OUTSIDE.fullmatch(text) else (), line):
        if not _OUTSIDE.fullmatch(part):
            missed.add(number, part)


def _of_usual(found: re.Match[bytes]) -> Entry:
    src, dst, protocol, sport, dport, reply_src, reply_dst, _, reply_sport, reply_dport, state, timeout, rest = (
        found.groups()
    )
    unreplied = b"[UNREPLIED]" if b"<unreplied/>" in rest else None
    tuples = src, dst, sport, dport, None, None, unreplied, reply_src, reply_dst, reply_sport, reply_dport
    return Entry(protocol, timeout, state, *tuples, b"")


def _entry(flow: bytes) -> Entry | None:
    metas = dict(_META.findall(flow))
    if metas.keys() != {b"original", b"reply", b"independent"}:
        return None
    first, back, rest = (dict(_LEAF.findall(metas[name])) for name in (b"original", b"reply", b"independent"))
    protocol = _PROTOCOL.search(metas[b"original"])
    if protocol is None or not {b"src", b"dst"} <= first.keys() & back.keys():
        return None
    entry = Entry(
        protocol[1],
        rest.get(b"timeout", b"0"),
        rest.get(b"state"),
        first[b"src"],
        first[b"dst"],
        first.get(b"sport"),
        first.get(b"dport"),
        first.get(b"type"),
        first.get(b"zone"),
        b"[UNREPLIED]" if b"<unreplied/>" in metas[b"independent"] else None,
        back[b"src"],
        back[b"dst"],
        back.get(b"sport"),
        back.get(b"dport"),
        _rest(rest, back, flow),
    )
    return entry if _is_sound(entry) else None


def _is_sound(entry: Entry) -> bool:
    """Whether addresses and numbers are such, as in the other forms."""
    numbers = entry.sport, entry.dport, entry.kind, entry.zone, entry.reply_sport, entry.reply_dport
    ends = entry.src, entry.dst, entry.reply_src, entry.reply_dst
    words = (entry.timeout, *ends, entry.state, *numbers)
    return _SOUND.fullmatch(b" ".join(word for word in words if word is not None)) is not None


def _rest(independent: dict[bytes, bytes], back: dict[bytes, bytes], flow: bytes) -> bytes:
    """What the other forms print behind the second direction, as far as it is counted."""
    words = [b"[ASSURED]"] if b"<assured/>" in flow else []
    words += [b"zone=" + independent[b"zone"]] if b"zone" in independent else []
    words += [b"zone-reply=" + back[b"zone"]] if b"zone" in back else []
    words += [b"helper="] if b"<helper>" in flow else []
    return b" ".join(words)
