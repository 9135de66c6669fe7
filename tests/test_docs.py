"""The pages that are written from the code are up to date."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.generate import PAGES
from rulec import api
from rulec.catalogue.names import MATCHES, TARGETS
from rulec.lint.checks import CHECKS

DOCS = Path(__file__).resolve().parent.parent / "docs"


@pytest.mark.parametrize("name", sorted(PAGES))
def test_page_is_up_to_date(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name](), "run `make docs`"


def anchors(page: str) -> list[str]:
    """The anchors of a page: those of its headings, as GitHub makes them, and those that are written out."""
    headings = re.findall(r"(?m)^#+ (.*)$", page)
    made = [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]
    return [*made, *re.findall(r'<a id="([^"]*)">', page)]


@pytest.mark.parametrize("name", sorted(PAGES))
def test_links_within_a_page_lead_somewhere(name: str) -> None:
    page = PAGES[name]()
    assert set(re.findall(r"\]\(#([^)]*)\)", page)) <= set(anchors(page))


def test_the_anchor_of_a_check_is_its_slug() -> None:
    made = anchors(PAGES["checks.md"]())
    assert [check.slug for check in CHECKS if made.count(check.slug) != 1] == []


def test_every_check_has_its_parts() -> None:
    """Bad, what is said of it with a witness where there is one, the fix where there is one, good."""
    _, *parts = re.split(r"(?m)^### ", PAGES["checks.md"]())
    sections = {part.partition("\n")[0]: part for part in parts}
    for check in CHECKS:
        section, found = sections[check.slug], api.example_findings(check)
        assert (
            section.index("\nIt speaks of") < section.index("\nand says\n") < section.index("\nIt has nothing to say")
        )
        assert all(f"witness: {finding.witness}" in section for finding in found if finding.witness), check.slug
        assert ("\n```diff\n" in section) is any(finding.fix for finding in found), check.slug


def test_pages_name_everything() -> None:
    headings = "".join(page() for page in PAGES.values())
    wanted = {check.slug for check in CHECKS} | MATCHES | TARGETS
    assert {name for name in wanted if f"\n### {name}\n" not in headings} == set()
