"""Which files are read of the paths that somebody gives."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rulec.errors import InputError
from rulec.settings.discovery import Finder
from rulec.settings.files import Chosen, choose, host_of
from rulec.settings.kinds import Known
from rulec.source import read_file
from tests.repository import Repository

RULES = "# a\n\n*filter\nCOMMIT\n"


def tree(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RULEC_CONFIG", raising=False)


def chosen(*paths: str, force: bool | None = None) -> Chosen:
    return choose(paths, Finder(Known()), force)


def test_a_folder_is_searched_for_what_looks_like_a_ruleset(tmp_path: Path) -> None:
    tree(
        tmp_path,
        a__rules_v4="",
        a__rules_v6=RULES,
        a__udev_rules='SUBSYSTEM=="net"\n',
        a__fw_txt=RULES,
        a__README_md="# How\n\n    *filter\n",
        b__etc__modprobe_d__x_conf="options nf_conntrack\n",
        b__etc__other_conf="x\n",
        b__iptables="",
        _hidden__rules_v4=RULES,
        venv__rules_v4=RULES,
    )
    found = ("a/fw.txt", "a/rules.v4", "a/rules.v6", "b/etc/modprobe.d/x.conf", "b/iptables")
    assert chosen(".").files == found
    assert chosen("a", "a/rules.v4", "b").files == found


def test_what_is_named_is_read(tmp_path: Path) -> None:
    tree(tmp_path, a__notes_txt="hello\n")
    assert chosen("a/notes.txt", "-", "no/such/file").files == ("a/notes.txt", "-", "no/such/file")


def test_a_pattern_that_no_shell_has_replaced(tmp_path: Path) -> None:
    tree(tmp_path, hosts__a__rules_v4=RULES, hosts__b__rules_v4=RULES, hosts__b__x="hello")
    assert chosen("hosts/*/rules.v4").files == ("hosts/a/rules.v4", "hosts/b/rules.v4")
    assert chosen("hosts/**/rules.v4").files == ("hosts/a/rules.v4", "hosts/b/rules.v4")
    assert chosen("ho*").files == ("hosts/a/rules.v4", "hosts/b/rules.v4")
    assert chosen("hosts/[c]/*").empty == ("hosts/[c]/*",)


def test_what_is_excluded(tmp_path: Path) -> None:
    tree(tmp_path, rulec_toml="exclude = ['lab/**']\n", lab__rules_v4=RULES, rules_v4=RULES)
    assert chosen(".") == Chosen(("rules.v4",), excluded=("lab/rules.v4",))
    assert chosen("rules.v4").named == {"rules.v4"}
    assert chosen("lab/rules.v4").files == ("lab/rules.v4",)
    assert chosen("lab/rules.v4", force=True) == Chosen((), excluded=("lab/rules.v4",))
    tree(tmp_path, rulec_toml="exclude = ['lab/**']\nforce-exclude = true\n")
    assert chosen("lab/rules.v4") == Chosen((), excluded=("lab/rules.v4",))


def test_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    assert chosen("a") == Chosen((), empty=("a",))


@pytest.mark.parametrize("way", ["a walk", "git"])
@pytest.mark.parametrize(
    ("path", "mode", "found"),
    [
        ("a", 0o000, ("a",)),
        ("a/inner", 0o000, ("a/inner", "a/rules.v4")),
        ("a/inner", 0o444, ("a/inner/rules.v4", "a/rules.v4")),
        ("a/inner/rules.v4", 0o000, ("a/inner/rules.v4", "a/rules.v4")),
        ("a/notes", 0o000, ("a/notes", "a/rules.v4", "a/inner/rules.v4")),
        ("a/empty", 0o000, ("a/empty", "a/rules.v4", "a/inner/rules.v4")),
    ],
)
def test_what_cannot_be_looked_into_is_read_so_that_this_fails(
    path: str, mode: int, found: tuple[str, ...], way: str, tmp_path: Path
) -> None:
    """A ruleset may be in it; nothing is passed over without a word."""
    tree(tmp_path, a__rules_v4=RULES, a__inner__rules_v4=RULES, a__notes="hello\n")
    (tmp_path / "a/empty").mkdir()
    if way == "git" and subprocess.run(["git", "init", "-q", "."], cwd=tmp_path, check=False).returncode:
        pytest.skip("git is not installed")
    assert chosen("a").files == ("a/inner/rules.v4", "a/rules.v4")
    with nobody(tmp_path):
        (tmp_path / path).chmod(mode)
        try:
            assert set(chosen("a").files) == set(found)
            with pytest.raises(InputError, match=r": Permission denied$"):
                read_file(next(one for one in found if one.startswith(path)))
        finally:
            (tmp_path / path).chmod(0o755)


@contextmanager
def nobody(folder: Path) -> Iterator[None]:
    """Without the rights of root, who reads everything; the folder belongs to nobody, then."""
    if os.geteuid() != 0:
        yield
        return
    for path in (folder, *(above for above in folder.parents if not above.stat().st_mode & 0o001)):
        path.chmod(0o755)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 65534, 65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize(("respect", "number"), [("true", 1), ("false", 2)])
def test_what_git_ignores(respect: str, number: int, tmp_path: Path) -> None:
    if subprocess.run(["git", "init", "-q", "."], cwd=tmp_path, check=False).returncode:
        pytest.skip("git is not installed")
    tree(tmp_path, rulec_toml=f"respect-gitignore = {respect}\n", _gitignore="out/\n", out__rules_v4=RULES)
    tree(tmp_path, fw__rules_v4=RULES)
    assert len(chosen(".").files) == number


def test_repositories_inside_a_repository(tmp_path: Path) -> None:
    """Submodules are read, and what they ignore is not; a link that leads back is followed by nobody."""
    outer, inner = Repository(tmp_path / "outer"), Repository(tmp_path / "outer/inner")
    inner.put("rules.v4", RULES)
    inner.put("ignored.v4", RULES)
    inner.put(".gitignore", "ignored.v4\n")
    inner.commit()
    (outer.folder / "loop").symlink_to(".")
    assert chosen("outer").files == ("outer/inner/rules.v4",)
    outer.commit()  # now git lists it as a submodule
    assert "160000" in outer.git("ls-files", "--stage")
    assert chosen("outer").files == ("outer/inner/rules.v4",)


@pytest.mark.parametrize(
    ("path", "host"),
    [
        ("/h/a/rules.v4", "/h/a"),
        ("/h/a/etc/iptables/rules.v6", "/h/a"),
        ("/h/a/etc/modprobe.d/x.conf", "/h/a"),
        ("/h/a/etc/sysconfig/iptables-config", "/h/a"),
        ("/h/b/sysctl.d/x.conf", "/h/b"),
    ],
)
def test_files_of_one_host(path: str, host: str) -> None:
    assert host_of(path) == host
