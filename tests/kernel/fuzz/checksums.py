"""The checksums of packets: connection tracking calls a packet invalid whose own is wrong."""

from __future__ import annotations


def internet(data: bytes) -> int:
    """The checksum of IP, TCP, UDP and ICMP (RFC 1071)."""
    padded = data + b"\0" if len(data) & 1 else data
    total = int.from_bytes(padded, "big") % 0xFFFF
    return 0xFFFF - total


def _table() -> tuple[int, ...]:
    rows = []
    for octet in range(256):
        row = octet
        for _ in range(8):
            row = row >> 1 ^ (0x82F63B78 if row & 1 else 0)
        rows.append(row)
    return tuple(rows)


_CRC32C = _table()


def crc32c(data: bytes) -> int:
    """The checksum of SCTP (RFC 3309)."""
    register = 0xFFFFFFFF
    for octet in data:
        register = register >> 8 ^ _CRC32C[(register ^ octet) & 0xFF]
    return register ^ 0xFFFFFFFF
