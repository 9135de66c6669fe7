"""The hooks, run by the real pre-commit in a git repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.repository import IDENTITY, Repository

MANIFEST = ROOT / ".pre-commit-hooks.yaml"
HOOKS = {hook["id"]: hook for hook in yaml.safe_load(MANIFEST.read_text())}
NAMES = ("rulec-lint", "rulec-fmt", "rulec-compile", "rulec-diff")

GOOD = "*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\nCOMMIT\n"
BAD = GOOD.replace("-i lo", "-i lo --dport 80")
ROUGH = GOOD.replace("-i lo", "--in-interface lo")
OPENED = GOOD.replace("-A INPUT", "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-A INPUT", 1)
SOURCE = GOOD.replace(
    "-A INPUT", "-A INPUT -p tcp -m tcp --dport 80 -m state --state NEW,ESTABLISHED -j ACCEPT\n-A INPUT", 1
)
POLICY = "version: 1\nmode: notrack\nhot:\n  - {name: web, role: server, protocol: tcp, ports: 80}\n"
JOB = '[[compile]]\ninput = "src.iptables"\npolicy = "web.yaml"\noutput = "rules.v4"\n'

RULESETS = {
    "rules.v4", "etc/iptables/rules.v6", "iptables", "etc/sysconfig/ip6tables", "iptables.rules", "a/iptables-save.txt",
    "ip6tables-web.conf", "iptables.save", "web.iptables", "web.ip6tables", "dump.iptables-save", "ufw/user6.rules",
    "etc/ufw/before.rules",
}  # fmt: skip
OTHERS = {
    "udev/99-disk.rules", "rules.v4.j2", "iptables.py", "iptables-config", "docs/iptables.md", "myrules.v4", "rules.v5",
    "ufw/before.init", "iptables/README", "before.rules",
}  # fmt: skip


def environment(folder: Path) -> dict[str, str]:
    """That of a user who has rulec and pre-commit, and nothing else of this machine."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return {
        **os.environ,
        **IDENTITY,
        "PATH": path,
        "PRE_COMMIT_HOME": str(folder / "cache"),
        "PRE_COMMIT_COLOR": "never",
    }


class Project(Repository):
    """A repository with hooks, as a user has it."""

    def __init__(self, folder: Path, hooks: Repository, suffix: str) -> None:
        super().__init__(folder / "project")
        self.environment = environment(folder)
        used = [{"id": f"{name}{suffix}"} for name in NAMES]
        config = {"repos": [{"repo": str(hooks.folder), "rev": hooks.commit(), "hooks": used}]}
        self.put(".pre-commit-config.yaml", yaml.safe_dump(config))

    def run(self, hook: str, stage: str = "pre-commit") -> tuple[int, str]:
        """What one hook says of all files."""
        self.git("add", "--all")
        command = [sys.executable, "-m", "pre_commit", "run", "--all-files", "--hook-stage", stage, hook]
        return self._run(*command)

    def try_commit(self) -> tuple[int, str]:
        """Commit as a user does, with the hooks installed."""
        self.git("add", "--all")
        assert self._run(sys.executable, "-m", "pre_commit", "install")[0] == 0
        return self._run("git", "commit", "--message", "rules")

    def _run(self, *command: str) -> tuple[int, str]:
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr


def hooks_of_the_manifest(folder: Path) -> Repository:
    """A repository that holds the shipped manifest."""
    hooks = Repository(folder / "hooks")
    shutil.copy(MANIFEST, hooks.folder)
    return hooks


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, hooks_of_the_manifest(tmp_path), "-system")


def test_each_hook_is_there_twice() -> None:
    assert set(HOOKS) == {f"{name}{suffix}" for name in NAMES for suffix in ("", "-system")}
    for name in NAMES:
        own, other = HOOKS[name], HOOKS[f"{name}-system"]
        assert (own["language"], other["language"]) == ("python", "system")
        unlike = {key for key in own.keys() | other.keys() if own.get(key) != other.get(key)}
        assert unlike <= {"id", "language", "description"}


def test_the_manifest_is_valid() -> None:
    command = [sys.executable, "-m", "pre_commit", "validate-manifest", str(MANIFEST)]
    assert subprocess.run(command, check=False).returncode == 0


@pytest.mark.parametrize("hook", [name for name in NAMES if name != "rulec-compile"])
def test_the_files_of_a_hook(hook: str) -> None:
    files = HOOKS[hook]["files"]
    assert {path for path in RULESETS | OTHERS if re.search(files, path)} == RULESETS


def test_a_bad_ruleset_is_stopped_and_a_good_one_passes(project: Project) -> None:
    project.put("rules.v4", BAD)
    code, said = project.run("rulec-lint-system")
    assert code == 1
    assert "rules.v4:3:16: error[syntax-error]" in said
    project.put("rules.v4", GOOD)
    assert project.run("rulec-lint-system")[0] == 0


def test_an_excluded_file_is_not_read(project: Project) -> None:
    project.put("lab/rules.v4", BAD)
    assert project.run("rulec-lint-system")[0] == 1
    project.put("rulec.toml", 'exclude = ["lab"]\n')
    code, said = project.run("rulec-lint-system")
    assert (code, "syntax-error" in said) == (0, False)
    assert project.run("rulec-fmt-system")[0] == 0


def test_a_rough_file_is_written_in_its_form(project: Project) -> None:
    project.put("rules.v4", ROUGH)
    code, said = project.run("rulec-fmt-system")
    assert code == 1
    assert "files were modified by this hook" in said
    assert (project.folder / "rules.v4").read_text() == GOOD
    assert project.run("rulec-fmt-system")[0] == 0


def test_a_stale_result_is_stopped(project: Project) -> None:
    project.put("rulec.toml", JOB)
    project.put("web.yaml", POLICY)
    project.put("src.iptables", SOURCE)
    code, said = project.run("rulec-compile-system")
    assert (code, "rules.v4 would change" in said) == (1, True)
    program = str(Path(sys.executable).parent / "rulec")
    subprocess.run([program, "compile"], cwd=project.folder, check=True, capture_output=True)
    assert project.run("rulec-compile-system")[0] == 0
    project.put("web.yaml", POLICY.replace("80", "81"))
    assert project.run("rulec-compile-system")[0] == 1


def test_what_is_opened_is_stopped_before_it_is_pushed(project: Project) -> None:
    project.put("rules.v4", GOOD)
    old = project.commit()
    project.put("rules.v4", OPENED)
    new = project.commit()
    command = ["--from-ref", old, "--to-ref", new, "--hook-stage", "pre-push", "rulec-diff-system"]
    code, said = project._run(sys.executable, "-m", "pre_commit", "run", *command)
    assert code == 1
    assert "opened: input: tcp * > * dport 22" in said
    command = ["--from-ref", new, "--to-ref", old, "--hook-stage", "pre-push", "rulec-diff-system"]
    assert project._run(sys.executable, "-m", "pre_commit", "run", *command)[0] == 0


def test_a_commit_with_all_hooks(project: Project) -> None:
    project.put("rules.v4", BAD)
    project.put("rulec.toml", JOB)
    project.put("web.yaml", POLICY)
    project.put("src.iptables", SOURCE)
    code, said = project.try_commit()
    assert code == 1
    failed = [line.partition(".")[0] for line in said.splitlines() if line.endswith("Failed")]
    assert failed == [
        "rulec lint",
        "rulec fmt",
        "rulec compile (generated rulesets are current)",
    ]
    program = str(Path(sys.executable).parent / "rulec")
    subprocess.run([program, "compile"], cwd=project.folder, check=True, capture_output=True)
    assert project.try_commit()[0] == 0


def put_the_package(folder: Path) -> None:
    """What the package is built from, as .dockerignore lists it."""
    for name in re.findall(r"(?m)^!(.+)", (ROOT / ".dockerignore").read_text()):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder)


def reaches_the_registry(folder: Path) -> bool:
    """Whether pip finds packages here."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder / "pip"), "lark"]
    return subprocess.run(command, capture_output=True, check=False, timeout=120).returncode == 0


@pytest.mark.slow
def test_the_hooks_that_install_rulec(tmp_path: Path) -> None:
    """The shipped manifest as it is: pre-commit installs the package with what it needs."""
    if not reaches_the_registry(tmp_path):
        pytest.skip("pip reaches no registry, so nothing can be installed")
    hooks = Repository(tmp_path / "hooks")
    put_the_package(hooks.folder)
    shutil.copy(MANIFEST, hooks.folder)
    project = Project(tmp_path, hooks, "")
    project.put("rules.v4", BAD)
    code, said = project.run("rulec-lint")
    assert (code, "rules.v4:3:16: error[syntax-error]" in said) == (1, True), said
    project.put("rules.v4", ROUGH)
    assert project.run("rulec-fmt")[0] == 1
    assert project.run("rulec-lint")[0] == 0
    project.commit()
    project.put("rules.v4", OPENED)
    assert project.run("rulec-diff", "manual")[0] == 1
    assert "no rulec.toml from here upwards" in project.run("rulec-compile")[1]
