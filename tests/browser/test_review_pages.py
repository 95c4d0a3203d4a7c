"""A page of listings decided at once, other keys, the photo magnified."""

import itertools
import re
import threading
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.screens import Screens, Workstation, upload, wait_classified
from tests.browser.test_accessibility import grave_findings
from tests.worker.catalog import draw_photos

PHOTOS = 30
ON_A_PAGE = 24

seeds = itertools.count(200)


@pytest.fixture
def desk(app_with_models: str, page: Page, tmp_path: Path) -> Workstation:
    """The review screen with a batch of its own to decide."""
    seed = next(seeds)
    photos = draw_photos(tmp_path / "photos", count=PHOTOS, seed=seed)
    batch_id = upload(page, photos, f"Pages {seed}")
    wait_classified(page, PHOTOS)
    return Workstation(page, path=f"/review?batch={batch_id}")


def wait_page(desk: Workstation) -> list[int]:
    """Wait until every picture in sight has been painted; return the ids of the page."""
    expect(desk.root).to_have_attribute("data-page", re.compile(r"^\d"))
    return [int(id_) for id_ in (desk.root.get_attribute("data-page") or "").split()]


def states_of(desk: Workstation, ids: list[int]) -> list[str]:
    return [desk.listing_details(id_)["state"] for id_ in ids]


def test_a_page_is_accepted_but_for_what_is_marked(desk: Workstation, screens: Screens) -> None:
    page = desk.page
    page.set_viewport_size({"width": 1366, "height": 1300})  # all of them in sight
    desk.open()
    desk.press("v")
    first = wait_page(desk)
    paths = [desk.listing_details(id_)["suggested"]["path"] for id_ in first]
    assert (len(first), paths) == (ON_A_PAGE, sorted(paths))
    desk.press("x")
    desk.press("ArrowRight")
    desk.press("ArrowDown")
    desk.press("ArrowUp")
    desk.press("x")
    screens.take(page, "review-page")
    expect(desk.part("grid-count")).to_have_text("22 to accept · 2 marked")
    desk.press("Shift+A")
    expect(desk.part("accept-rest-title")).to_have_text("Accept 22 listings as suggested?")
    desk.press("Escape")
    desk.press("Shift+A")
    assert grave_findings(page) == []
    desk.press("Enter")
    desk.wait_saved()
    wait_page(desk)
    assert states_of(desk, first) == ["needs_review"] * 2 + ["accepted"] * 22
    [decision] = desk.listing_details(first[5])["history"]
    assert decision["kind"] == "accept"

    desk.press("z")
    desk.wait_saved()
    assert sorted(wait_page(desk)) == sorted(first[2:])
    assert states_of(desk, first) == ["needs_review"] * ON_A_PAGE
    desk.press("v")
    desk.wait_painted()


def test_what_is_marked_comes_one_by_one_after_the_last_page(desk: Workstation) -> None:
    desk.page.set_viewport_size({"width": 1366, "height": 1300})
    desk.open()
    desk.press("v")
    marked = wait_page(desk)[0]
    for _ in range(2):
        if wait_page(desk)[0] == marked:
            desk.press("x")
        desk.press("Shift+A")
        desk.press("Enter")
        desk.wait_saved()
    assert desk.wait_painted() == marked
    expect(desk.part("notice")).to_contain_text("1 marked listing")
    expect(desk.part("remaining")).to_have_text("1 to review")


def test_nothing_is_accepted_that_was_not_painted(desk: Workstation) -> None:
    page = desk.page
    stuck: list[Route] = []

    is_open = threading.Event()

    def hold(route: Route) -> None:
        if is_open.is_set():
            route.continue_()
        else:
            stuck.append(route)

    page.route("**/api/images/*/thumb", hold)
    page.set_viewport_size({"width": 1366, "height": 500})
    desk.open()
    desk.press("v")
    expect(desk.part("grid-count")).to_have_text(
        f"0 to accept · 0 marked · {ON_A_PAGE} not seen yet"
    )
    desk.press("Shift+A")
    expect(desk.part("accept-rest")).not_to_be_visible()
    is_open.set()  # what comes from now on goes through
    for route in stuck:
        route.continue_()
    page_ids = wait_page(desk)
    desk.press("Shift+A")
    words = desk.part("accept-rest-title").inner_text()
    seen = int(words.split()[1])
    assert 0 < seen < ON_A_PAGE
    desk.press("Enter")
    desk.wait_saved()
    assert states_of(desk, page_ids).count("accepted") == seen


def test_keys_can_be_changed_and_are_printed_on_the_buttons(desk: Workstation) -> None:
    desk.open()
    accept = desk.root.locator('.single-actions [data-action="accept"]')
    reject = desk.root.locator('.single-actions [data-action="reject"]')
    desk.press("h")
    desk.part("keys").locator('[data-key="accept"]').click()
    desk.press("x")
    desk.press("Escape")
    expect(accept).to_have_attribute("aria-keyshortcuts", "X")
    expect(accept.locator("kbd")).to_have_text("X")
    expect(reject.locator("kbd")).to_have_text("A")
    desk.page.reload()
    listing_id = desk.wait_painted()
    desk.press("x")
    desk.wait_saved()
    assert desk.listing_details(listing_id)["state"] == "accepted"
    desk.press("h")
    desk.root.locator('[data-action="reset-keys"]').click()
    expect(accept.locator("kbd")).to_have_text("A")


def test_a_photo_is_magnified_and_the_next_one_is_not(desk: Workstation) -> None:
    desk.open()
    photo = desk.part("frame").locator("img")
    width = photo.evaluate("img => img.getBoundingClientRect().width")
    desk.press("m")
    assert photo.evaluate("img => img.getBoundingClientRect().width") == pytest.approx(2 * width)
    desk.press("ArrowRight")
    desk.wait_painted()
    assert photo.evaluate("img => img.getBoundingClientRect().width") == pytest.approx(width)
