"""The addresses of this machine, as the kernel lists them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rulec.host.conntrack import here

FIB = """Main:
  +-- 192.0.2.0/24 2 0 2
     |-- 192.0.2.2
        /32 host LOCAL
     |-- 192.0.2.255
        /32 link BROADCAST
  +-- 127.0.0.0/8 2 0 2
     |-- 127.0.0.1
        /32 host LOCAL
"""
INET6 = """00000000000000000000000000000001 01 80 10 80       lo
20010db8000000000000000000000007 04 40 00 80     eth0
000000000000000000000000c0000202 05 80 00 80     sit0
"""


def test_loopback_is_no_address_of_either_family(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small number is an address of IPv6 all the same: ::1 is not 0.0.0.1."""
    (tmp_path / "fib_trie").write_text(FIB)
    (tmp_path / "if_inet6").write_text(INET6)
    monkeypatch.setattr(here, "_NET", str(tmp_path))
    assert here.addresses().texts == ("192.0.2.2", "2001:db8::7", "::c000:202")
