"""The action for GitHub: its shell steps as they stand, with stand-ins for what GitHub puts around them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.repository import IDENTITY, Repository
from tests.test_pre_commit import BAD, GOOD, OPENED, put_the_package, reaches_the_registry

ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
STEPS = ACTION["runs"]["steps"]
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_NAME = re.compile(r"\b[a-z_]+(?:\.[\w-]+)+\b")
GH = """#!/bin/sh
echo "$@" >>"$GH_LOG"
case $1 in api) [ "$2" = --paginate ] && cat "$GH_KNOWN"; exit 0;; esac
"""


class Job:
    """A job of a workflow that uses the action on a repository."""

    def __init__(self, folder: Path, **inputs: str) -> None:
        self.repository = Repository(folder / "repository")
        self.temp = folder / "temp"
        self.temp.mkdir()
        for name in ("output", "summary", "gh.log", "gh.known"):
            (self.temp / name).touch()
        self.context = {f"inputs.{name}": str(each["default"]) for name, each in ACTION["inputs"].items()}
        self.context |= {f"inputs.{name.replace('_', '-')}": value for name, value in inputs.items()}
        self.context |= {"runner.temp": str(self.temp), "github.action_path": str(ROOT), "github.token": "secret"}
        self.context |= {"github.event_name": "pull_request", "github.event.pull_request.number": "7"}
        self.context["inputs.against"] = inputs.get("against", "")
        self.log = ""

    def take_rulec(self) -> None:
        """In place of installing it."""
        place = self.temp / "rulec/bin"
        place.mkdir(parents=True)
        (place / "rulec").symlink_to(Path(sys.executable).parent / "rulec")

    def take_gh(self, known: str = "") -> None:
        """In place of the program of GitHub."""
        program = self.temp / "bin/gh"
        program.parent.mkdir()
        program.write_text(GH)
        program.chmod(0o755)
        (self.temp / "gh.known").write_text(known)

    def run(self) -> int:
        """Run the shell steps, the one that installs where rulec is not there; the exit code of the last."""
        code, there = 0, (self.temp / "rulec").exists()
        for step in STEPS:
            needed = "run" in step and not (there and step["name"] == "Install rulec")
            if needed and self._is_run(step.get("if", "true")):
                code = self._step(step)
                if code:
                    break
        return code

    def _step(self, step: dict[str, Any]) -> int:
        (self.temp / "output").write_text("")
        told = {name: self._filled(value) for name, value in step.get("env", {}).items()}
        script = self.temp / "step.sh"
        script.write_text(self._filled(step["run"]))
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self.repository.folder, env={**self._environment(), **told},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        self.log += done.stdout + done.stderr
        for line in (self.temp / "output").read_text().splitlines():
            name, _, value = line.partition("=")
            self.context[f"steps.{step.get('id')}.outputs.{name}"] = value
        return done.returncode

    def _environment(self) -> dict[str, str]:
        path = f"{self.temp / 'bin'}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        github = {
            "GITHUB_OUTPUT": "output",
            "GITHUB_STEP_SUMMARY": "summary",
            "GH_LOG": "gh.log",
            "GH_KNOWN": "gh.known",
        }
        files = {name: str(self.temp / file) for name, file in github.items()}
        return {**os.environ, **IDENTITY, **files, "PATH": path, "GITHUB_REPOSITORY": "o/r", "GITHUB_ACTIONS": "true"}

    def _filled(self, text: str) -> str:
        return _EXPRESSION.sub(lambda found: self.context.get(found[1], ""), text)

    def _is_run(self, condition: str) -> bool:
        words = _NAME.sub(lambda found: repr(self.context.get(found[0], "")), condition)
        return bool(eval(words.replace("&&", "and"), {"true": True}))

    def output(self, name: str) -> str:
        """An output of the action."""
        return self._filled(ACTION["outputs"][name]["value"])

    @property
    def summary(self) -> str:
        """What is shown on the page of the run."""
        return (self.temp / "summary").read_text()


@pytest.fixture
def job(tmp_path: Path) -> Job:
    made = Job(tmp_path)
    made.take_rulec()
    return made


def pull_request(job: Job, old: str, new: str) -> None:
    """A branch main, and a change on top of it."""
    job.repository.put("hosts/rules.v4", old)
    job.repository.commit()
    job.repository.git("update-ref", "refs/remotes/origin/main", "HEAD")
    job.repository.put("hosts/rules.v4", new)
    job.repository.commit("change")
    job.context["inputs.against"] = "origin/main"


def test_a_bad_ruleset_fails_with_annotations(job: Job) -> None:
    job.repository.put("hosts/rules.v4", BAD)
    assert job.run() == 1
    assert "::error file=hosts/rules.v4,line=3," in job.log
    assert job.output("findings") == "1"
    assert json.loads(Path(job.output("sarif-file")).read_text())["version"] == "2.1.0"
    assert "syntax-error" in job.summary
    assert (job.output("opened"), job.output("closed")) == ("", "")


def test_alerts_lead_to_the_pages_of_the_version_in_use(job: Job) -> None:
    (lint,) = (step for step in STEPS if step.get("id") == "lint")
    (expression,) = _EXPRESSION.findall(lint["env"]["RULEC_DOCS_URL"])
    for context in ("github.server_url", "github.action_repository", "github.action_ref", "/blob/{2}/docs/"):
        assert context in expression
    job.context[expression] = "https://git.example.net/owner/rulec/blob/v1/docs/"
    job.repository.put("rules.v4", BAD)
    job.run()
    rule = json.loads(Path(job.output("sarif-file")).read_text())["runs"][0]["tool"]["driver"]["rules"][0]
    assert rule["helpUri"] == f"https://git.example.net/owner/rulec/blob/v1/docs/checks.md#{rule['id']}"


def test_a_good_ruleset_passes(job: Job) -> None:
    job.repository.put("hosts/rules.v4", GOOD)
    assert job.run() == 0
    assert job.output("findings") == "0"


def test_what_a_pull_request_opens_is_in_the_summary(job: Job) -> None:
    pull_request(job, GOOD, OPENED)
    job.run()
    assert (job.output("opened"), job.output("closed")) == ("1", "0")
    assert "**rulec diff:** <code>1 flow opened" in job.summary


def test_what_is_not_known_is_no_failure_but_said(job: Job) -> None:
    pull_request(job, BAD, GOOD)
    assert job.run() == 0
    assert "::warning title=rulec diff::What changes for packets is not known" in job.log
    assert job.output("opened") == ""


def test_a_shallow_clone_is_said(job: Job) -> None:
    job.repository.put("hosts/rules.v4", GOOD)
    job.repository.commit()
    job.context["inputs.against"] = "origin/main"
    assert job.run() == 0
    assert "git knows no version of that name" in job.log


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("fail-on", "never", 0),
        ("paths", "other\n hosts", 1),
        ("paths", "other", 0),
        ("paths", "absent", 2),
        ("args", "--ignore syntax-error,load-error", 0),
        ("config", "ci/rulec.toml", 0),
    ],
)
def test_inputs(job: Job, name: str, value: str, code: int) -> None:
    job.repository.put("hosts/rules.v4", BAD)
    job.repository.put("other/rules.v4", GOOD)
    job.repository.put("ci/rulec.toml", '[lint]\nfail-on = "never"\n')
    job.context[f"inputs.{name}"] = value
    assert job.run() == code, job.log


@pytest.mark.parametrize("known", ["", "41\n42\n"])
def test_the_comment_is_made_once_and_then_edited(job: Job, known: str) -> None:
    pull_request(job, GOOD, OPENED)
    job.context["inputs.comment"] = "true"
    job.take_gh(known)
    job.run()
    asked, said = (job.temp / "gh.log").read_text().splitlines()
    assert asked.startswith("api --paginate repos/o/r/issues/7/comments --jq ")
    body = job.temp / "rulec/comment.md"
    if known:
        assert said == f"api --silent --method PATCH repos/o/r/issues/comments/41 --field body=@{body}"
    else:
        assert said == f"pr comment 7 --body-file {body}"
    assert body.read_text().startswith("<!-- rulec diff -->\n**rulec diff:**")


def test_nothing_is_commented_unless_asked(job: Job) -> None:
    pull_request(job, GOOD, OPENED)
    job.take_gh()
    job.run()
    assert (job.temp / "gh.log").read_text() == ""


@pytest.mark.slow
def test_the_action_installs_rulec(tmp_path: Path) -> None:
    if not reaches_the_registry(tmp_path):
        pytest.skip("pip reaches no registry, so nothing can be installed")
    job = Job(tmp_path)
    project = tmp_path / "action"
    project.mkdir()
    put_the_package(project)
    job.context["github.action_path"] = str(project)
    job.repository.put("rules.v4", GOOD)
    assert job.run() == 0, job.log
    assert job.log.startswith("rulec ")


def test_expressions_never_stand_in_scripts() -> None:
    """What a pull request may choose, such as the name of a branch, comes in by the environment only."""
    assert [step["name"] for step in STEPS if "${{" in step.get("run", "")] == []
