"""The pages that are written from the code are up to date."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.generate import PAGES
from rulec.catalogue.names import MATCHES, TARGETS
from rulec.lint.checks import CHECKS

DOCS = Path(__file__).resolve().parent.parent / "docs"


@pytest.mark.parametrize("name", sorted(PAGES))
def test_page_is_up_to_date(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name](), "run `make docs`"


def test_pages_name_everything() -> None:
    headings = "".join(page() for page in PAGES.values())
    wanted = {check.slug for check in CHECKS} | MATCHES | TARGETS
    assert {name for name in wanted if f"\n### {name}\n" not in headings} == set()
