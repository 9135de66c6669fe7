"""What all tests share: the project, a plain environment, and how long hypothesis looks for counterexamples."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent

for name in (
    "NO_COLOR",
    "FORCE_COLOR",
    "CLICOLOR_FORCE",
    "GITHUB_ACTIONS",
    "RULEC_CONFIG",
    "RULEC_DOCS_URL",
    "RULEC_DEBUG",
):
    os.environ.pop(name, None)  # what a developer or a CI job likes is nothing to the tests

settings.register_profile("quick", deadline=None, max_examples=100)
settings.register_profile("thorough", deadline=None, max_examples=5000)
settings.load_profile(os.environ.get("RULEC_HYPOTHESIS", "quick"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Golden files are compared; with this option they are written anew."""
    parser.addoption("--update-golden", action="store_true", help="write the golden files instead of comparing")


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the project."""
    return ROOT
