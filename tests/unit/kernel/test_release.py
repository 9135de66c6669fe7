"""Which generation a kernel is of."""

from __future__ import annotations

import pytest

from rulec.kernel.release import generation, named


@pytest.mark.parametrize(
    ("release", "name"),
    [
        ("6.18.44-fc-v595", "6.x"),
        ("7.0.0", "6.x"),
        ("6.1.0-13-amd64", "6.x"),
        ("5.10.0-28-amd64", "5.x"),
        ("5.14.0-362.8.1.el9_3.x86_64", "el9"),
        ("5.14.21", "5.x"),
        ("4.18.0-513.5.1.el8_9.x86_64", "el8"),
        ("4.19.0-25-amd64", "4.14"),
        ("4.9.0-19-amd64", "el7"),
        ("3.10.0-1160.el7.x86_64", "el7"),
        ("2.6.32-754.el6.x86_64", "el6"),
        ("2.6.18-419.el5", "el5"),
        ("2.4.37", "el5"),
        ("something", "6.x"),
    ],
)
def test_release(release: str, name: str) -> None:
    assert generation(release).name == name


@pytest.mark.parametrize(("name", "kernel"), [("6.x", "6.x"), ("6.12", "6.x"), ("5.10", "5.x"), ("el7", "el7")])
def test_a_generation_is_named_by_a_release_of_it_too(name: str, kernel: str) -> None:
    assert named(name).name == kernel


@pytest.mark.parametrize("name", ["2.4", "7.x", "el4", "", "linux"])
def test_names_of_no_generation(name: str) -> None:
    with pytest.raises(ValueError, match=r"say one of .*, el9, or a release such as"):
        named(name)
