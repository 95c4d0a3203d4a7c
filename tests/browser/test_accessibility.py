"""Every page under the rules of axe-core, in light and in dark."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.screens import Workstation, open_page, upload, wait_classified
from tests.worker.catalog import draw_photos

PHOTOS = 3
GRAVE = {"serious", "critical"}


@dataclass(frozen=True, slots=True)
class KnownFinding:
    """A finding in what Streamlit draws, which no theme can mend.

    Attributes:
        rule: The rule of axe-core.
        target: Part of the selector of the element.
        reason: Why it stands.
    """

    rule: str
    target: str
    reason: str


KNOWN = (
    KnownFinding(
        "color-contrast",
        'button[data-selected="true"]',
        "Streamlit writes the chosen segment in the primary colour, which must stay dark enough "
        "for the white words on primary buttons; the dark theme cannot have both",
    ),
)


def grave_findings(page: Page) -> list[str]:
    """Return rule and element of each finding that would stop somebody."""
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    expect(page.locator("[data-stale=true]")).to_have_count(0)  # pale until they are drawn anew
    page.wait_for_timeout(500)  # colours fade in
    violations = Axe().run(page).response["violations"]
    return [
        f"{page.url}: {violation['id']} in {node['html'][:200]}"
        for violation in violations
        if violation["impact"] in GRAVE
        for node in violation["nodes"]
        if not _is_known(violation["id"], " ".join(node["target"]))
    ]


def _is_known(rule: str, target: str) -> bool:
    return any(known.rule == rule and known.target in target for known in KNOWN)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_grave_finding(
    app_with_models: str, page: Page, tmp_path: Path, scheme: str
) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    photos = draw_photos(tmp_path / "photos", count=PHOTOS, seed=90 + len(scheme))
    batch_id = upload(page, photos, f"Seen in {scheme}")
    wait_classified(page, PHOTOS)
    found = grave_findings(page)
    for heading in ("Upload", "Batches", "Models"):
        open_page(page, f"/{heading.lower()}", heading)
        found += grave_findings(page)
    desk = Workstation(page, path=f"/review?batch={batch_id}")
    desk.open()
    found += grave_findings(page)
    desk.press("h")
    expect(desk.part("help")).to_be_visible()
    found += grave_findings(page)
    desk.press("Escape")
    desk.press("e")
    expect(desk.part("finder-input")).to_be_visible()
    found += grave_findings(page)

    assert found == []


def test_the_first_page_has_no_grave_finding(empty_app: str, page: Page) -> None:
    open_page(page, "/", "Welcome to Catalens")
    assert grave_findings(page) == []
