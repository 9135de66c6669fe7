"""docs/ci.md: each command on it is run, each file on it is given to the program that reads it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.pages import ROOT, Shown, play, renewed, shown
from tests.repository import IDENTITY, Repository
from tests.running import rulec
from tests.test_pre_commit import BAD, GOOD, HOOKS, POLICY, SOURCE

PATH = ROOT / "docs/ci.md"
PAGE = PATH.read_text(encoding="utf-8")
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
BIN = Path(sys.executable).parent

OLD = "*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -s 192.0.2.0/24 -j ACCEPT\nCOMMIT\n"
NEW = OLD.replace("COMMIT", "-A INPUT --protocol tcp --dport 22 -j ACCEPT\n-A INPUT -s 192.0.2.7 -j DROP\nCOMMIT")
TEMPLATE = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport {{ ssh_port }} -j ACCEPT\nCOMMIT\n"


def file_shown(name: str) -> str:
    """A file that the page shows: the block whose first line names it."""
    (found,) = re.findall(rf"```yaml\n# {re.escape(name)}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def shell_lines() -> list[str]:
    """The commands in blocks for a shell."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    made = Repository(tmp_path / "repository")
    made.put("firewall/rules.v4", OLD)
    made.put("templates/rules.v4.j2", TEMPLATE)
    made.commit()
    made.git("update-ref", "refs/remotes/origin/main", "HEAD")
    made.put("firewall/rules.v4", NEW)
    monkeypatch.chdir(made.folder)
    for name, value in {**IDENTITY, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}.items():
        monkeypatch.setenv(name, value)
    return made


def run(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line as a shell does."""
    return subprocess.run(
        ["bash", "-c", command], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def test_commands_print_what_is_shown(repository: Repository, request: pytest.FixtureRequest) -> None:
    every = list(shown(PAGE))
    found: dict[Shown, str] = {one: play(one) for one in every}
    if request.config.getoption("--update-golden"):
        PATH.write_text(renewed(PAGE, found), encoding="utf-8")
    else:
        assert {one.command: printed.strip() for one, printed in found.items()} == {
            one.command: one.output.strip() for one in every
        }


def test_a_baseline_silences_what_is_known(repository: Repository) -> None:
    assert rulec("lint", "firewall").code == 1
    assert rulec("lint", "--write-baseline", "--baseline", "b.json", "firewall").code == 0
    assert rulec("lint", "--baseline", "b.json", "firewall").code == 0


@pytest.mark.parametrize("command", [line for line in shell_lines() if line.startswith("rulec ")])
def test_commands_for_a_shell_run(command: str, repository: Repository) -> None:
    done = run(command, GITHUB_STEP_SUMMARY="summary.md")
    assert done.returncode == 1, done.stderr
    assert "error" not in done.stderr
    for written in re.findall(r"(?:sarif=|junit=|-o )(\S+)", command):
        assert Path(written).stat().st_size


def test_other_lines_for_a_shell_are_about_containers() -> None:
    assert {line.split()[0] for line in shell_lines()} == {"rulec", "docker"}


def test_the_settings_do_what_the_page_says(repository: Repository) -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    repository.put("rulec.toml", block)
    repository.put("firewall/source.v4", SOURCE)
    repository.put("firewall/web.yaml", POLICY)
    assert rulec("compile", "--check").out == "firewall/rules.v4 would change\n"
    assert rulec("compile").code == 0
    assert rulec("compile", "--check").code == 0
    assert rulec("diff", "--against", "git:HEAD").code == 1
    assert rulec("lint", "--force-exclude", "templates/rules.v4.j2").code == 0
    repository.put("bastion/rules.v4", NEW)
    assert "open-to-world" in rulec("lint", "--isolated", "bastion").out
    assert "open-to-world" not in rulec("lint", "bastion").out


def test_pre_commit_takes_the_configuration(tmp_path: Path) -> None:
    text = file_shown(".pre-commit-config.yaml")
    path = tmp_path / "config.yaml"
    path.write_text(text)
    subprocess.run([sys.executable, "-m", "pre_commit", "validate-config", str(path)], check=True)
    ids = {hook["id"] for hook in yaml.safe_load(text)["repos"][0]["hooks"]}
    assert ids == {name for name in HOOKS if not name.endswith("-system")}


def test_the_readme_names_hooks_that_are_there() -> None:
    named = re.findall(r"(?m)^ +- id: (\S+)$", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert named
    assert set(named) <= set(HOOKS)


def test_actionlint_takes_the_workflow(tmp_path: Path) -> None:
    text = file_shown(".github/workflows/rulesets.yml")
    path = tmp_path / ".github/workflows/rulesets.yml"
    path.parent.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    shutil.copy(ROOT / "action.yml", tmp_path)
    command = [str(BIN / "actionlint"), "-no-color", str(path)]
    for content, good in [
        (text, True),
        (text.replace("OWNER/rulec@REF", "./"), True),  # then the inputs are held against action.yml
        (text.replace("OWNER/rulec@REF", "./").replace("paths:", "path:"), False),
        (text.replace("outputs.opened", "output.opened"), False),
    ]:
        path.write_text(content)
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode == 0) == good, done.stdout


def test_gitlab_runs_the_script(repository: Repository) -> None:
    job = yaml.safe_load(file_shown(".gitlab-ci.yml"))["rulesets"]
    commands = [line for line in job["script"] if not line.startswith("pip ")]
    assert [run(line, CI_MERGE_REQUEST_TARGET_BRANCH_NAME="main").returncode for line in commands] == [1, 1]
    assert all(Path(report).stat().st_size for report in job["artifacts"]["reports"].values())


@pytest.mark.parametrize("name", ["roles/firewall/tasks/main.yml", "before.yml"])
def test_ansible_validates(name: str, tmp_path: Path, repository: Repository) -> None:
    (task,) = yaml.safe_load(file_shown(name))
    command = task["ansible.builtin.template"]["validate"].replace("{{ inventory_hostname }}", "web1")
    rendered = tmp_path / "ansible-tmp-1763-22/source"
    rendered.parent.mkdir()
    rendered.write_text(GOOD)
    assert run(command.replace("%s", str(rendered))).returncode == 0
    rendered.write_text(BAD)
    done = run(command.replace("%s", str(rendered)))
    assert done.returncode == 1
    assert re.match(r"(/etc/iptables/rules|web1)\.v4:3:16: error\[syntax-error\]", done.stdout)


def test_the_container_is_made_as_it_should_be() -> None:
    done = subprocess.run(
        [str(BIN / "hadolint"), str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")
    bad = subprocess.run(
        [str(BIN / "hadolint"), "-"], input="FROM python\n", capture_output=True, text=True, check=False
    )
    assert bad.returncode == 1


def rows(heading: str) -> list[str]:
    """The first column of the table whose heading begins so, in backquotes."""
    table = PAGE.partition(f"| {heading} |")[2].partition("\n\n")[0]
    return re.findall(r"(?m)^\| `([^`]+)` \|", table)


def test_the_tables_name_everything() -> None:
    assert set(rows("input")) == set(ACTION["inputs"])
    assert set(rows("hook")) == {name for name in HOOKS if not name.endswith("-system")}
    outputs = PAGE.partition("The outputs are ")[2].partition(".\n")[0].partition(". ")[0]
    assert set(re.findall(r"`([^`]+)`", outputs)) == set(ACTION["outputs"])
