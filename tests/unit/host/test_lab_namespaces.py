"""Where no namespace can be had, the reason is said."""

from __future__ import annotations

import os
from typing import NamedTuple

import pytest

from rulec.errors import RulecError
from rulec.host import lab_namespaces
from rulec.model import Family


class Kernel(NamedTuple):
    """One that forbids it."""

    def unshare(self, kind: int) -> int:
        return -1


@pytest.mark.parametrize(
    ("user", "said"), [(0, "a network namespace"), (1000, "a user namespace, and this is not root")]
)
def test_no_permission(user: int, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(lab_namespaces, "_LIBC", Kernel())
    with pytest.raises(RulecError, match=f"cannot make {said}: .*; nothing was verified"):
        lab_namespaces.make()


def test_own_addresses_differ() -> None:
    for family in Family:
        assert len({lab_namespaces.own_address(family, link) for link in range(1, 500)}) == 499
