"""The package as a user gets it: sdist, the wheel made from it, and that wheel alone in a fresh environment."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DATA = ("grammar", "policies")

CLEAN = """\
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -s 192.0.2.0/24 -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
"""

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a command that knows nothing of this checkout but what it is told."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(command, cwd=cwd, env=clean, capture_output=True, text=True, timeout=300, check=False)


def succeed(*command: str | Path, cwd: Path = ROOT) -> str:
    done = run(*command, cwd=cwd)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def version() -> str:
    project: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["version"]


def files_below(name: str) -> set[str]:
    """The files of a folder, named from the root of the project."""
    found = (path for path in (ROOT / name).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(ROOT).as_posix() for path in found}


def wanted() -> set[str]:
    """Every file that must be in the wheel: the modules, their marker for type checkers, the data."""
    return files_below("rulec") | {f"rulec/_data/{path}" for name in DATA for path in files_below(name)}


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the sdist, and the wheel that was built from nothing but the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    succeed(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    return folder


@pytest.fixture(scope="module")
def names(dist: Path) -> set[str]:
    """The names of the files in the wheel."""
    (wheel,) = dist.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def installed(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts of a fresh environment that holds the wheel and what it depends on."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=True)
    (wheel,) = dist.glob("*.whl")
    succeed(folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel)
    return folder / "bin"


def test_every_file_is_in_the_wheel(names: set[str]) -> None:
    assert wanted() - names == set()


def test_there_is_data_to_look_for() -> None:
    """Or the test above could not fail."""
    for name in DATA:
        assert any(path.startswith(f"rulec/_data/{name}/") for path in wanted())
    assert "rulec/py.typed" in wanted()


def test_the_wheel_holds_nothing_else(names: set[str]) -> None:
    assert {name for name in names - wanted() if ".dist-info/" not in name} == set()


def test_the_sdist_can_be_tested(dist: Path) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "Makefile", "tests/test_package.py"} <= inside
    assert files_below("grammar") | files_below("policies") <= inside


def test_the_wheel_works_alone(installed: Path, tmp_path: Path) -> None:
    """It finds its own data, knows its version, and tells a good file from a bad one."""
    code = "from rulec import resources; print(resources.path('grammar', 'line.lark'), resources.path('policies'))"
    for path in succeed(installed / "python", "-c", code, cwd=tmp_path).split():
        assert Path(path).is_relative_to(installed.parent)
        assert Path(path).exists()
    assert version() in succeed(installed / "rulec", "--version", cwd=tmp_path)
    good, bad = tmp_path / "good.rules", tmp_path / "bad.rules"
    good.write_text(CLEAN)
    bad.write_text(CLEAN.replace("--dport 22", "--dport 22-25"))
    succeed(installed / "rulec", "lint", good, cwd=tmp_path)
    refused = run(installed / "rulec", "lint", bad, cwd=tmp_path)
    assert refused.returncode == 1, refused
    assert "bad.rules:7:" in refused.stdout
