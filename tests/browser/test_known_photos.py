"""Photos that the catalogue has already are told before the import, in a real browser."""

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.screens import Screens, choose_files, open_page, upload
from tests.browser.test_accessibility import grave_findings
from tests.worker.catalog import draw_photos


def test_known_photos_are_shown_in_pairs_and_left_out(
    app_with_models: str, page: Page, tmp_path: Path, screens: Screens
) -> None:
    first, second, new = draw_photos(tmp_path / "photos", count=3, seed=880)
    upload(page, [first, second], "Known before")

    open_page(page, "/upload", "Upload")
    choose_files(page, [first, second, new])
    page.get_by_label("Name of the batch").fill("Known again")
    page.locator("[data-action=send]").click()
    question = page.get_by_role("heading", name="2 of 3 photos are in the catalogue already")
    expect(question).to_be_focused(timeout=30_000)
    pairs = page.locator("[data-role=pairs] li")
    expect(pairs).to_have_count(2)
    expect(pairs.first.get_by_role("img")).to_have_count(2)
    expect(pairs.first).to_contain_text("the same file")
    expect(pairs.first.get_by_role("link")).to_have_text("000.png in Known before")
    assert grave_findings(page) == []
    screens.take(page, "known-photos")

    page.get_by_role("button", name="Leave out all copies").click()
    expect(page.get_by_role("heading", name="Known again")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("2 files did not come in")).to_be_attached()
    expect(page.get_by_role("button", name="Review 1 listing")).to_be_attached(timeout=120_000)
