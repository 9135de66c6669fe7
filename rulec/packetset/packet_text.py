"""A packet as one line of text, and back.

``tcp 198.51.100.7:40000 > 192.0.2.1:80 syn in eth0 state NEW``: protocol and
addresses, where ``any`` and ``*`` leave them open, then words in any order.  A
field that has no word of its own is written as ``orig_dport=8080``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from rulec.catalogue.values.dscp import CLASSES
from rulec.catalogue.values.icmp import ICMP_NAMES, ICMPV6_NAMES
from rulec.diagnostics.suggest import suggestion
from rulec.model.protocols import AH, DCCP, ESP, ICMP, ICMPV6, NEVER_TRACKED, NUMBERS, SCTP, TCP, UDP, UDPLITE
from rulec.packetset.field_text import WORDS, Value, choice, read_address, read_number, read_value, show_value
from rulec.packetset.fields import ORDERS, PRIORS, STATES

Fields = dict[str, Value]

_PROTOCOLS: dict[Value | None, str] = {
    TCP: "tcp",
    UDP: "udp",
    UDPLITE: "udplite",
    SCTP: "sctp",
    DCCP: "dccp",
    ESP: "esp",
    AH: "ah",
}
_ACCEPTED = (*_PROTOCOLS.values(), "icmp", "icmpv6", "any", "proto")
_ICMP: dict[int, dict[Value | None, str]] = {32: {ICMP: "icmp"}, 128: {ICMPV6: "icmpv6"}}

_ALONE: dict[str, tuple[str, int]] = {
    "reply": ("ctdir", 1),
    "snat": ("snat", 1),
    "dnat": ("dnat", 1),
    "later": ("first", 0),
    "fragment": ("later_fragment", 1),
}
"""Words that say what one field is."""

_BEFORE_VALUES = {
    "in": "iif", "out": "oif", "to": "dst_type", "from": "src_type", "pkttype": "pkttype",
    "mark": "mark", "connmark": "connmark", "mac": "mac", "ttl": "ttl", "tos": "tos", "length": "length",
    "status": "ctstatus", "uid": "uid", "gid": "gid", "chunk": "sctp_chunk", "spi": "spi", "mss": "mss",
}  # fmt: skip
"""Words behind which the value of a field stands."""

_IMPLIES = {"mac": "has_mac", "mss": "has_mss", "uid": "has_socket", "gid": "has_socket"}
"""What a packet that is said to have one of these has besides."""

_UNTRACKED = PRIORS.index("untracked")
_FLAGS = WORDS["tcp_flags"]
_OPEN = {32: "*", 128: "[*]"}
_TOKEN = re.compile(r"about\s*\([^)]*\)?|\S+", re.I)
_WORDS = (*_ALONE, *_BEFORE_VALUES, *_FLAGS, "state", "type", "dscp", "about")


class PacketError(ValueError):
    """A text that is no packet; ``offset`` is where in it the trouble begins."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


def _icmp_names(bits: int) -> dict[str, tuple[int, int | None]]:
    """Types and codes by name; a name of several codes says nothing of the code."""
    names = {name: value for name, value in (ICMP_NAMES if bits == 32 else ICMPV6_NAMES).items() if name != "any"}
    with_codes = {kind for kind, first, last in names.values() if first == last}
    return {
        name.lower(): (kind, first if first == last or kind not in with_codes else None)
        for name, (kind, first, last) in names.items()
    }


_ICMP_NAMES = {bits: _icmp_names(bits) for bits in (32, 128)}


# ── writing ──


def show(bits: int, fields: Mapping[str, Value]) -> str:
    """The text of a packet; ``bits`` are those of its addresses."""
    left = dict(fields)
    words = [_head(bits, "", left), *_middle(bits, left), *_state(bits, fields, left), *_words(bits, left)]
    if any(name.startswith("inner_") for name in left):
        words.append(f"about ({_head(bits, 'inner_', left)})")
    words += (f"{name}={show_value(name, bits, left[name])}" for name in ORDERS["interfaces"] if name in left)
    return " ".join(words)


def protocol_word(bits: int, protocol: Value | None) -> str:
    """What a packet is called that is of a protocol."""
    return {**_PROTOCOLS, **_ICMP[bits], None: "any"}.get(protocol, f"proto {protocol}")


def _head(bits: int, prefix: str, left: Fields) -> str:
    protocol = left.pop(prefix + "proto", None)
    source, destination = (
        _end(bits, left.pop(prefix + address, None), left.pop(prefix + port, None))
        for address, port in (("src", "sport"), ("dst", "dport"))
    )
    return f"{protocol_word(bits, protocol)} {source} > {destination}"


def _end(bits: int, address: Value | None, port: Value | None) -> str:
    text = _OPEN[bits] if address is None else show_value("src", bits, address)
    if port is None:
        return text
    return f"[{text}]:{port}" if bits == 128 and address is not None else f"{text}:{port}"


def _middle(bits: int, left: Fields) -> Iterator[str]:
    """What belongs to the protocol, and the way."""
    if "tcp_flags" in left:
        yield show_value("tcp_flags", bits, left.pop("tcp_flags"))
    if "icmp_type" in left:
        kind, code = left.pop("icmp_type"), left.pop("icmp_code", None)
        names = {value: name for name, value in reversed(_ICMP_NAMES[bits].items())}
        yield names.get((int(kind), code), f"type {kind}" if code is None else f"type {kind}/{code}")  # type: ignore[arg-type]
    for word in ("in", "out"):
        if left.get(_BEFORE_VALUES[word]):
            yield f"{word} {left.pop(_BEFORE_VALUES[word])}"


def _state(bits: int, fields: Mapping[str, Value], left: Fields) -> Iterator[str]:
    """What connection tracking says; of what it never tracks, as long as nothing was attached before."""
    if "ctstate" in left:
        yield f"state {show_value('ctstate', bits, left.pop('ctstate'))}"
    elif _is_never_tracked(bits, fields):
        yield from () if "prior" in left else (f"state {STATES[-1]}",)
    elif left.get("prior") == _UNTRACKED:
        yield f"state {STATES[-1]}"
        del left["prior"]


def _is_never_tracked(bits: int, fields: Mapping[str, Value]) -> bool:
    return bits == 128 and fields.get("proto") == ICMPV6 and fields.get("icmp_type") in NEVER_TRACKED


def _words(bits: int, left: Fields) -> Iterator[str]:
    for word, (name, value) in _ALONE.items():
        if left.get(name) == value:
            del left[name]
            yield word
    implied = {has for has in _IMPLIES.values() if left.get(has) == 1}
    for word, name in _BEFORE_VALUES.items():
        if name in left and word not in ("in", "out") and _IMPLIES.get(name) in (None, *implied):
            left.pop(_IMPLIES.get(name, ""), None)
            text = show_value(name, bits, left.pop(name))
            yield f"{word} {text.lower() if word in ('to', 'from') else text}"


# ── reading ──


class _Token(NamedTuple):
    offset: int
    text: str


def read(text: str) -> tuple[int, Fields]:
    """The bits of an address, and the fields, of the packet that a text says; PacketError where it says none."""
    reader = _Reader(text)
    reader.head("")
    while reader.more:
        reader.word()
    reader.end()
    return reader.bits, reader.fields


class _Reader:
    """Goes through the words of a text; ``fields`` is what they say."""

    def __init__(self, text: str, offset: int = 0, bits: int = 0) -> None:
        self._tokens = [_Token(offset + found.start(), found[0]) for found in _TOKEN.finditer(text)]
        self._end = offset + len(text)
        self._at = 0
        self.bits = bits
        self.fields: Fields = {}
        self._untracked: _Token | None = None

    @property
    def more(self) -> bool:
        """Whether there are words left."""
        return self._at < len(self._tokens)

    def head(self, prefix: str) -> None:
        """Protocol and addresses."""
        protocol = self._next("a protocol, such as tcp, or any")
        number = self._next("the number of a protocol") if protocol.text.lower() == "proto" else None
        source = self._next("the address that it comes from, or *")
        arrow = self._next("> and the address that it goes to")
        if arrow.text != ">":
            raise PacketError(f"expected > between the two addresses, and not {arrow.text!r}", arrow.offset)
        destination = self._next("the address that it goes to, or *")
        self.bits = self.bits or _bits(source, destination)
        self._read_protocol(prefix, protocol, number)
        for side, token in (("src", source), ("dst", destination)):
            self._read_end(prefix, side, token)

    def word(self) -> None:
        """One word, and the value behind it."""
        token = self._next("a word")
        word = token.text.lower()
        if word in _ALONE:
            self._set(token, *_ALONE[word])
        elif word in _BEFORE_VALUES:
            self._named(token, _BEFORE_VALUES[word])
        elif word in _SPECIAL:
            _SPECIAL[word](self, token)
        elif word in _ICMP_NAMES[self.bits]:
            self._set_icmp(token, *_ICMP_NAMES[self.bits][word])
        elif word.startswith("about"):
            self._about(token)
        elif "=" in word:
            name, _, value = token.text.partition("=")
            self._set(token, name, self._value(token, lambda: read_value(name, self.bits, value)))
        elif all(part in _FLAGS for part in word.split(",")):
            self._set(token, "tcp_flags", read_value("tcp_flags", self.bits, word))
        else:
            known = (*_WORDS, *_ICMP_NAMES[self.bits])
            raise PacketError(f"{token.text!r} says nothing about a packet{suggestion(word, known)}", token.offset)

    def end(self) -> None:
        """What is UNTRACKED has come so, unless it is of a kind that is never tracked."""
        natural = _is_never_tracked(self.bits, self.fields) and not self.fields.get("prior")
        if self._untracked and not natural:
            self._set(self._untracked, "prior", _UNTRACKED)

    # ── single words ──

    def state(self, token: _Token) -> None:
        """``state NEW``."""
        state = STATES[self._argument(token, lambda text: choice(text, STATES))]
        if state == STATES[-1]:
            self._untracked = token
        else:
            self._set(token, "ctstate", STATES.index(state))

    def type(self, token: _Token) -> None:
        """``type 3`` or ``type 3/4``."""
        found: tuple[int, int | None] = self._argument(token, _read_type)
        self._set_icmp(token, *found)

    def dscp(self, token: _Token) -> None:
        """The upper six bits of ``tos``, by number or name."""
        self._set(token, "tos", self._argument(token, _read_dscp) << 2)

    def _about(self, token: _Token) -> None:
        start = token.text.find("(") + 1
        if not start or not token.text.endswith(")"):
            raise PacketError("expected about (tcp 192.0.2.1:80 > 198.51.100.7:40000)", token.offset)
        inner = _Reader(token.text[start:-1], token.offset + start, self.bits)
        inner.head("inner_")
        if inner.more:
            raise PacketError("expected ) behind the addresses", inner._tokens[inner._at].offset)
        for name, value in inner.fields.items():
            self._set(token, name, value)

    def _named(self, token: _Token, name: str) -> None:
        self._set(token, name, self._argument(token, lambda text: read_value(name, self.bits, text)))
        if name in _IMPLIES:
            self.fields[_IMPLIES[name]] = 1

    # ── parts of the head ──

    def _read_protocol(self, prefix: str, token: _Token, number: _Token | None) -> None:
        word = token.text.lower()
        if number is not None:
            self.fields[prefix + "proto"] = self._value(number, lambda: read_number(number.text, 8))
        elif word in ("icmp", "icmpv6"):
            if word == "icmpv6" and self.bits == 32:
                raise PacketError("icmpv6 goes with IPv6 addresses, and these are IPv4", token.offset)
            self.fields[prefix + "proto"] = ICMP if self.bits == 32 else ICMPV6
        elif NUMBERS.get(word):
            self.fields[prefix + "proto"] = NUMBERS[word]
        elif word != "any":
            raise PacketError(f"{token.text!r} is no protocol{suggestion(word, _ACCEPTED)}", token.offset)

    def _read_end(self, prefix: str, side: str, token: _Token) -> None:
        address, port = _split(token.text)
        if address != "*":
            self.fields[prefix + side] = self._value(token, lambda: read_address(self.bits, address))
        if port is not None:
            self.fields[f"{prefix}{side[0]}port"] = self._value(token, lambda: read_number(port, 16))

    # ── how ──

    def _next(self, expected: str) -> _Token:
        if not self.more:
            raise PacketError(f"the text ends where {expected} should stand", self._end)
        self._at += 1
        return self._tokens[self._at - 1]

    def _argument(self, token: _Token, reading: Callable[[str], Any]) -> Any:
        argument = self._next(f"the value of {token.text}")
        return self._value(argument, lambda: reading(argument.text))

    def _value(self, token: _Token, reading: Callable[[], Any]) -> Any:
        try:
            return reading()
        except PacketError:
            raise
        except ValueError as error:
            raise PacketError(str(error), token.offset) from None

    def _set(self, token: _Token, name: str, value: Value) -> None:
        if self.fields.setdefault(name, value) != value:
            raise PacketError(f"{token.text!r} says otherwise than the words before it", token.offset)

    def _set_icmp(self, token: _Token, kind: int, code: int | None) -> None:
        self._set(token, "icmp_type", kind)
        if code is not None:
            self._set(token, "icmp_code", code)


_SPECIAL: dict[str, Callable[[_Reader, _Token], None]] = {
    "state": _Reader.state,
    "type": _Reader.type,
    "dscp": _Reader.dscp,
}


def _split(text: str) -> tuple[str, str | None]:
    """Address and port: ``192.0.2.1:80``, ``[2001:db8::1]:80``, either without a port."""
    if text.startswith("["):
        address, _, rest = text[1:].partition("]")
        return address, rest.removeprefix(":") if rest else None
    if text.count(":") != 1:
        return text, None
    address, _, port = text.partition(":")
    return address, port


def _bits(*ends: _Token) -> int:
    """The bits of the addresses, 32 where there is none."""
    return 128 if any("[" in end.text or end.text.count(":") > 1 for end in ends) else 32


def _read_type(text: str) -> tuple[int, int | None]:
    kind, slash, code = text.partition("/")
    return read_number(kind, 8), read_number(code, 8) if slash else None


def _read_dscp(text: str) -> int:
    return CLASSES[text.upper()] if text.upper() in CLASSES else read_number(text, 6)
