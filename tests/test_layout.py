"""How the code is laid out: sizes, names, imports, words.

Each guard is also fed something bad, to see that it bites.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from rulec.catalogue.names import MATCH_ALIASES, MATCHES, TARGETS

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "rulec"
MODULES = sorted(PACKAGE.rglob("*.py"))

LONGEST_MODULE = 400
LONGEST_FUNCTION = 40

TOP_LEVEL = frozenset(
    "pyproject.toml README.md LICENSE CHANGELOG.md CONTRIBUTING.md Makefile uv.lock action.yml Dockerfile .dockerignore"
    " .editorconfig .gitattributes .gitignore .pre-commit-config.yaml .pre-commit-hooks.yaml .ci .github"
    " rulec grammar policies tests examples docs".split()
)

# The project speaks of itself alone.  The brackets keep this very line from matching.
FOREIGN_WORDS = re.compile(r"\b(?:this|the) s[e]ssion\b|\bissu[e] #?\d+|\.\./sha[r]ed|\.\./\.l[i]brary|/w[o]rk/", re.I)

OWNERS = {"lark": "syntax", "oxidd": "packetset"}
"""The one package that sees each of these libraries."""

LAZY = (PACKAGE / "resources.py", PACKAGE / "__init__.py")
"""Where modules are imported by name: the one helper, and the root, which imports only what somebody asks for."""


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def project_files() -> list[Path]:
    """The files that git knows or would add; in an unpacked sdist, all."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if listed.returncode or not (ROOT / ".git").exists():
        return [path for path in ROOT.rglob("*") if path.is_file() and not _left_behind(path)]
    return [path for name in listed.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


def _left_behind(path: Path) -> bool:
    """Whether tools made it."""
    parts = path.relative_to(ROOT).parts
    return parts[0] in {"PKG-INFO", "dist", "build"} or any(
        part == "__pycache__" or (part.startswith(".") and part not in TOP_LEVEL) for part in parts
    )


# ── the guards: each gives its complaints ────────────────────────────────────────────────────────


def long_functions(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            if lines > LONGEST_FUNCTION:
                yield f"{node.name} has {lines} lines"


def inner_imports(module: ast.Module) -> Iterator[str]:
    """Imports inside functions: what is slow to import goes through rulec.resources.lazy."""
    for function in ast.walk(module):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    yield f"line {node.lineno}: an import inside a function"


def hidden_imports(module: ast.Module) -> Iterator[str]:
    """Imports that tools do not see: for the type checker only, or by the names that import at run time."""
    for node in ast.walk(module):
        if isinstance(node, ast.Name | ast.Attribute):
            name = node.id if isinstance(node, ast.Name) else node.attr
            if name in {"TYPE_CHECKING", "import_module", "__import__"}:
                yield f"line {node.lineno}: {name}"


def root_imports(module: ast.Module) -> Iterator[str]:
    """Imports of the names that ``import rulec`` offers to others; a subpackage by its name is fine."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import) and any(alias.name == "rulec" for alias in node.names):
            yield f"line {node.lineno}: import rulec"
        if isinstance(node, ast.ImportFrom) and node.module == "rulec" and not node.level:
            for alias in node.names:
                if not (PACKAGE / alias.name).is_dir() and not (PACKAGE / f"{alias.name}.py").is_file():
                    yield f"line {node.lineno}: from rulec import {alias.name}"
        if isinstance(node, ast.ImportFrom) and node.level:
            yield f"line {node.lineno}: a relative import"


@cache
def floors() -> dict[str, int]:
    """The floor of each package, counted from the top, as import-linter is told."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in told if contract["type"] == "layers")
    return {name: number for number, layer in enumerate(layers) for name in re.findall(r"\w+", layer)}


def lazy_targets(module: ast.Module) -> Iterator[str]:
    """The modules that are named in calls of ``lazy``; of a name put together, the part before the first gap."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if name == "lazy" and node.args:
                first = node.args[0].values[0] if isinstance(node.args[0], ast.JoinedStr) else node.args[0]
                if isinstance(first, ast.Constant):
                    yield str(first.value)


def lazy_imports_up(package: str, module: ast.Module) -> Iterator[str]:
    """Lazy imports that a plain import would not be allowed: up the floors, to a sibling, or of another's library."""
    for target in lazy_targets(module):
        top, _, rest = target.partition(".")
        wanted = rest.partition(".")[0]
        if top == "rulec" and wanted != package and floors()[wanted] <= floors()[package]:
            yield f"{package} imports {target}"
        if OWNERS.get(top, package) != package:
            yield f"{package} imports {target}, which only {OWNERS[top]} may see"


def unlike_files(names: frozenset[str], folder: Path) -> set[str]:
    """Names without a file, and files without a name."""
    return {path.stem for path in folder.glob("*.py") if path.stem != "__init__"} ^ names


def extension_complaints(name: str, module: ModuleType | SimpleNamespace) -> Iterator[str]:
    if not (module.__doc__ or "").strip():
        yield "no docstring"
    if module.EXTENSION.name != name:
        yield f"its name is {module.EXTENSION.name!r}"
    if not module.EXTENSION.summary:
        yield "no summary"
    if not module.EXTENSION.valid:
        yield "no valid example"


def strays(paths: list[Path]) -> set[str]:
    """Top-level entries for which the layout has no place."""
    return {path.relative_to(ROOT).parts[0] for path in paths} - TOP_LEVEL


def foreign_words(text: str) -> list[str]:
    return FOREIGN_WORDS.findall(text)


# ── the project ──────────────────────────────────────────────────────────────────────────────────


def package_of(path: Path) -> str:
    """The package or top module of rulec in which a file lies; empty for the root."""
    first = path.relative_to(PACKAGE).parts[0]
    return "" if first == "__init__.py" else first.removesuffix(".py")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
class TestModules:
    def test_is_short(self, path: Path) -> None:
        assert len(path.read_text(encoding="utf-8").splitlines()) < LONGEST_MODULE

    def test_functions_are_short(self, path: Path) -> None:
        assert not list(long_functions(tree(path)))

    def test_imports_stand_at_the_top(self, path: Path) -> None:
        assert not list(inner_imports(tree(path)))

    def test_imports_are_plain(self, path: Path) -> None:
        if path not in LAZY:
            assert not list(hidden_imports(tree(path)))

    def test_does_not_import_the_root(self, path: Path) -> None:
        assert not list(root_imports(tree(path)))

    def test_lazy_imports_point_down(self, path: Path) -> None:
        if package := package_of(path):
            assert not list(lazy_imports_up(package, tree(path)))


@pytest.mark.parametrize(("folder", "names"), [("matches", MATCHES), ("targets", TARGETS)])
def test_every_extension_has_its_file(folder: str, names: frozenset[str]) -> None:
    assert unlike_files(names, PACKAGE / "catalogue" / folder) == set()


def test_aliases_lead_to_extensions() -> None:
    assert set(MATCH_ALIASES.values()) <= MATCHES
    assert not set(MATCH_ALIASES) & MATCHES


@pytest.mark.parametrize(
    ("folder", "name"),
    [("matches", name) for name in sorted(MATCHES)] + [("targets", name) for name in sorted(TARGETS)],
)
def test_extension_is_complete(folder: str, name: str) -> None:
    module = import_module(f"rulec.catalogue.{folder}.{name}")
    assert not list(extension_complaints(name, module))


def test_the_version_is_the_same_everywhere() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    written = [
        re.findall(r'^(?:__version__|VERSION) = "(.+)"$', path.read_text(encoding="utf-8"), re.M) for path in MODULES
    ]
    assert {version for versions in written for version in versions} == {told}


def test_nothing_strays() -> None:
    assert strays(project_files()) == set()


def test_the_project_speaks_of_itself_alone() -> None:
    found = {path: foreign_words(path.read_text(encoding="utf-8", errors="replace")) for path in project_files()}
    assert {str(path): words for path, words in found.items() if words} == {}


# ── the guards bite ──────────────────────────────────────────────────────────────────────────────

Guard = Callable[[ast.Module], Iterator[str]]


@pytest.mark.parametrize(
    ("guard", "bad"),
    [
        (long_functions, "def f():\n" + "    pass\n" * LONGEST_FUNCTION),
        (inner_imports, "def f():\n    import os"),
        (inner_imports, "class A:\n    async def f(self):\n        from os import path"),
        (hidden_imports, "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import os"),
        (hidden_imports, "import typing\nif typing.TYPE_CHECKING:\n    import os"),
        (hidden_imports, "import importlib\nimportlib.import_module('os')"),
        (hidden_imports, "__import__('os')"),
        (root_imports, "import rulec"),
        (root_imports, "import os, rulec as r"),
        (root_imports, "from rulec import no_such_module"),
        (root_imports, "from . import catalogue"),
    ],
)
def test_guard_bites(guard: Guard, bad: str) -> None:
    assert list(guard(ast.parse(bad)))


@pytest.mark.parametrize(
    ("guard", "good"),
    [
        (long_functions, "def f():\n" + "    pass\n" * (LONGEST_FUNCTION - 1)),
        (inner_imports, "import os\ndef f():\n    lazy('lark')"),
        (hidden_imports, "from rulec.resources import lazy\nlazy('os')"),
        (root_imports, "import rulec.model\nfrom rulec import catalogue, resources\nfrom rulec.model import Rule"),
    ],
)
def test_guard_is_silent(guard: Guard, good: str) -> None:
    assert not list(guard(ast.parse(good)))


@pytest.mark.parametrize(
    ("package", "code", "complaints"),
    [
        ("model", "lazy('rulec.syntax.ruleset')", 1),
        ("lint", "lazy('rulec.compiler')", 1),
        ("catalogue", "resources.lazy(f'rulec.lint.{name}')", 1),
        ("lint", "lazy('lark')", 1),
        ("syntax", "lazy('lark')", 0),
        ("cli", "lazy(f'rulec.cli.{name}')", 0),
        ("lint", "lazy('rulec.syntax.ruleset')", 0),
        ("lint", "lazy('difflib')", 0),
    ],
)
def test_lazy_guard(package: str, code: str, complaints: int) -> None:
    assert len(list(lazy_imports_up(package, ast.parse(code)))) == complaints


def test_names_guard_bites(tmp_path: Path) -> None:
    for name in ("__init__", "tcp", "extra"):
        (tmp_path / f"{name}.py").touch()
    assert unlike_files(frozenset({"tcp", "udp"}), tmp_path) == {"udp", "extra"}


def test_extension_guard_bites() -> None:
    empty = SimpleNamespace(__doc__=" ", EXTENSION=SimpleNamespace(name="mark", summary="", valid=()))
    assert len(list(extension_complaints("MARK", empty))) == 4


def test_stray_guard_bites() -> None:
    assert strays([ROOT / "rulec" / "source.py", ROOT / "notes.txt"]) == {"notes.txt"}


@pytest.mark.parametrize("words", ["this |session", "Issue| #12", "../|shared/x", "see /wo|rk/main"])
def test_words_guard_bites(words: str) -> None:
    assert foreign_words(words.replace("|", ""))
    assert not foreign_words("a TCP session, an issue of trust, a shared chain, network/workers")


@pytest.mark.parametrize(
    ("broken", "where", "code"),
    [
        ("", "model/extra.py", "import os"),
        ("Imports point down the floors", "model/extra.py", "import rulec.diagnostics"),
        ("Imports point down the floors", "newfloor/__init__.py", ""),
        ("No circles between siblings", "catalogue/extension.py", "import rulec.catalogue.base"),
        ("Extensions know nothing of each other", "catalogue/matches/tcp.py", "import rulec.catalogue.matches.udp"),
        ("Only rulec.syntax sees lark", "lint/extra.py", "import lark"),
        ("Only rulec.packetset sees oxidd", "lint/extra.py", "import oxidd"),
    ],
)
def test_import_linter_bites(broken: str, where: str, code: str, tmp_path: Path) -> None:
    """The contracts of pyproject.toml hold for rulec, and not for a copy with one bad import."""
    shutil.copytree(PACKAGE, tmp_path / "rulec", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    file = tmp_path / "rulec" / where
    file.parent.mkdir(exist_ok=True)
    with file.open("a", encoding="utf-8") as text:
        text.write(f"\n{code}\n")
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    done = subprocess.run([*command, "--no-cache"], cwd=tmp_path, capture_output=True, text=True, check=False)
    if broken:
        assert done.returncode == 1
        assert broken in done.stdout
    else:
        assert done.returncode == 0, done.stdout
