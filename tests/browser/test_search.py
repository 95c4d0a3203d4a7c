"""Search by a pasted photo, by a frame on a listing's photo, and page by page, in a browser."""

import itertools
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.screens import upload, wait_classified
from tests.browser.test_accessibility import grave_findings
from tests.worker.catalog import draw_photos

PHOTOS = 4
PASTE = """async (address) => {
  const answer = await fetch(address)
  const transfer = new DataTransfer()
  transfer.items.add(new File([await answer.blob()], "a.jpg", { type: "image/jpeg" }))
  document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true }))
}"""

seeds = itertools.count(700)


@pytest.fixture
def shelf(app_with_models: str, page: Page, tmp_path: Path) -> Page:
    """The search page, with photos of its own that were classified."""
    seed = next(seeds)
    upload(page, draw_photos(tmp_path / "photos", count=PHOTOS, seed=seed), f"Shelf {seed}")
    wait_classified(page, PHOTOS)
    page.goto("/search")
    expect(page.locator(".gallery figure").first).to_be_visible()
    return page


def test_a_part_of_a_photo_is_drawn_by_mouse_and_keys_and_searched_by(shelf: Page) -> None:
    page = shelf
    page.get_by_role("link", name="More like this").first.click()
    expect(page).to_have_url(re.compile(r"listing=\d+&varied=true"))
    expect(page.get_by_role("checkbox", name="Varied")).to_be_checked()
    stage, box = page.locator("[data-role=stage]"), page.locator("[data-role=box]")
    page.get_by_role("button", name="Search by a part").click()
    expect(box).to_be_focused()
    assert grave_findings(page) == []
    place = stage.bounding_box()
    assert place is not None
    page.mouse.move(place["x"] + 0.1 * place["width"], place["y"] + 0.1 * place["height"])
    page.mouse.down()
    page.mouse.move(place["x"] + 0.5 * place["width"], place["y"] + 0.6 * place["height"])
    page.mouse.up()
    box.press("ArrowRight")
    box.press("Shift+ArrowUp")
    page.get_by_role("button", name="Search this part").click()
    expect(page).to_have_url(re.compile(r"region="))
    found = re.search(r"region=(\d+)-(\d+)-(\d+)-(\d+)", page.url)
    assert found is not None
    drawn = [int(each) for each in found.groups()]
    for value, wanted in zip(drawn, (120, 100, 400, 480), strict=True):
        assert abs(value - wanted) <= 15  # a pixel of a small photo is some thousandths
    expect(page.get_by_role("heading", name="Most like a part of")).to_be_visible()
    expect(page.locator(".gallery figure").first).to_be_visible(timeout=60_000)
    page.reload()
    expect(box).to_be_visible()
    expect(page.locator(".gallery figure").first).to_be_visible()
    page.get_by_role("button", name="Whole photo").click()
    expect(page).not_to_have_url(re.compile(r"region=\d"))
    expect(box).to_be_hidden()


def test_a_pasted_photo_is_searched_by_and_so_is_a_part_of_it(shelf: Page) -> None:
    page = shelf
    address = page.locator(".gallery img").first.get_attribute("src")
    page.evaluate(PASTE, address)
    expect(page).to_have_url(re.compile(r"photo=\d+"))
    expect(page.get_by_role("heading", name="Most like your photo")).to_be_visible()
    expect(page.get_by_text(re.compile(r"[01]\.\d\d alike")).first).to_be_visible(timeout=60_000)
    whole = page.url
    page.get_by_role("button", name="Search by a part").click()
    page.get_by_role("button", name="Search this part").click()
    expect(page).not_to_have_url(whole)
    expect(page.locator(".gallery figure").first).to_be_visible(timeout=60_000)
    expect(page.locator("[data-role=box]")).to_be_visible()
    page.get_by_role("button", name="Clear").click()
    expect(page).not_to_have_url(re.compile(r"photo=\d"))
    expect(page.get_by_role("heading", name="Most like")).to_be_hidden()


def test_what_is_no_picture_says_so_and_what_to_do(shelf: Page) -> None:
    page = shelf
    page.evaluate(PASTE, "/api/search")
    problem = page.get_by_role("alert").filter(has_text="Choose another photo.")
    expect(problem).to_be_visible(timeout=60_000)
    assert page.get_by_role("button", name="Try again").is_hidden()
    page.get_by_role("button", name="Clear").click()
    expect(problem).to_be_hidden()
    expect(page.locator(".gallery figure").first).to_be_visible()


def test_a_long_list_is_turned_page_by_page_and_narrowed(
    app_with_models: str, page: Page, tmp_path: Path
) -> None:
    seed = next(seeds)
    upload(page, draw_photos(tmp_path / "photos", count=26, seed=seed), f"Shelf {seed}")
    wait_classified(page, 26)
    page.goto(f"/search?batch=Shelf+{seed}")
    cards = page.locator(".gallery figure")
    expect(page.get_by_text("Page 1 of 2")).to_be_visible()
    assert cards.count() == 24
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("Page 2 of 2")).to_be_visible()
    expect(cards).to_have_count(2)
    page.get_by_role("textbox", name="Words").fill("nothing such")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nothing fits. Take a filter away.")).to_be_visible()
    page.get_by_role("button", name=f"Shelf {seed}").click()
    expect(page).not_to_have_url(re.compile("batch="))
    assert grave_findings(page) == []


def test_back_leads_through_what_was_searched_by(shelf: Page) -> None:
    page = shelf
    name = page.locator("[data-role=name]")
    page.evaluate(PASTE, page.locator(".gallery img").first.get_attribute("src"))
    expect(name).to_have_text("Most like your photo")
    expect(page).to_have_url(re.compile(r"photo=\d+"))
    page.get_by_role("link", name="More like this").first.click()
    expect(page).to_have_url(re.compile(r"listing=\d+&varied=true"))
    expect(name).not_to_have_text("Most like your photo")
    page.go_back()
    expect(name).to_have_text("Most like your photo")
    expect(page.locator("[data-role=stage]")).to_be_visible()  # the photo is still here
    page.go_back()
    expect(name).to_be_hidden()


def test_what_was_asked_last_is_shown(shelf: Page) -> None:
    page = shelf
    first, second = (page.locator(".gallery img").nth(at).get_attribute("src") for at in (0, 1))
    page.evaluate(PASTE, first)
    page.evaluate(PASTE, second)
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("[data-role=name]")).to_be_hidden()
    page.wait_for_load_state("networkidle")
    expect(page.locator("[data-role=name]")).to_be_hidden()
    expect(page.locator(".gallery figure").first).to_be_visible()


def test_a_search_that_failed_is_tried_again(shelf: Page, console: list[str]) -> None:
    page = shelf
    page.route("**/api/search?*", lambda route: route.fulfill(status=503, body="<html>"))
    page.evaluate(PASTE, page.locator(".gallery img").first.get_attribute("src"))
    problem = page.get_by_role("alert").filter(has_text="(503) broke off; try again")
    expect(problem).to_be_visible(timeout=60_000)
    page.unroute("**/api/search?*")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text(re.compile(r"[01]\.\d\d alike")).first).to_be_visible()
    expect(problem).to_be_hidden()
    assert any("503" in said for said in console)
    console.clear()
