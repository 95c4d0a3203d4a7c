"""Keys on the review screen: fast ones, a slow network, a network that is gone."""

import itertools
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.browser.screens import Workstation, upload, wait_classified
from tests.worker.catalog import draw_photos

PHOTOS = 16
SLOW_PHOTO_S = 0.15


NOTE_WHAT_KEYS_MEET = """(root) => {
  window.met = []
  addEventListener("keydown", () => {
    const img = root.querySelector('[data-role="frame"] img')
    window.met.push([Number(root.dataset.listing ?? 0), img?.complete ? img.src : ""])
  }, true)
}"""

seeds = itertools.count(1)


def watch_decisions(page: Page) -> list[dict[str, Any]]:
    """Return a list that will hold every decision that is sent."""
    found: list[dict[str, Any]] = []

    def watch(request: Request) -> None:
        if request.url.endswith("/api/decisions"):
            found.extend(json.loads(request.post_data or "")["decisions"])

    page.on("request", watch)
    return found


@pytest.fixture
def desk(app_with_models: str, page: Page, tmp_path: Path) -> Workstation:
    """The review screen with a batch of its own to decide."""
    seed = next(seeds)
    photos = draw_photos(tmp_path / "photos", count=PHOTOS, seed=seed)
    batch_id = upload(page, photos, f"Keys {seed}")
    wait_classified(page, PHOTOS)
    return Workstation(page, path=f"/review?batch={batch_id}")


def test_fast_keys_never_decide_a_picture_that_was_not_seen(desk: Workstation) -> None:
    page = desk.page
    decided = watch_decisions(page)

    def slow(route: Route) -> None:
        time.sleep(SLOW_PHOTO_S)
        route.continue_()

    page.route("**/api/images/*/view", slow)
    desk.open()
    desk.root.evaluate(NOTE_WHAT_KEYS_MEET)
    for _ in range(2 * PHOTOS):
        desk.press("x")
        page.wait_for_timeout(20)
    desk.wait_saved()

    met = {id_: address for id_, address in page.evaluate("() => window.met") if id_}
    listings = [each["listing_id"] for each in decided]
    assert 0 < len(listings) <= PHOTOS
    assert sorted(listings) == sorted(met), "each key on a picture decided it, and no other did"
    for listing_id, address in met.items():
        assert desk.listing_details(listing_id)["photos"][0]["sha256"] in address


def test_photos_that_the_network_kept_away_are_loaded_when_it_is_back(
    desk: Workstation, console: list[str]
) -> None:
    page = desk.page
    desk.open()
    first = desk.wait_painted()
    page.route("**/api/images/*/view", lambda route: route.abort())
    page.reload()
    expect(desk.part("frame")).to_contain_text("Loading the photo")
    page.wait_for_timeout(300)
    desk.press("x")
    page.unroute("**/api/images/*/view")
    assert desk.wait_painted() == first, "a picture that was not there is not decided"
    expect(desk.part("frame").locator("img")).to_be_visible()
    assert desk.listing_details(first)["history"] == []
    console.clear()  # the browser logs each request that failed


def test_a_decision_that_the_server_fails_on_holds_no_other_up(
    desk: Workstation, console: list[str]
) -> None:
    page = desk.page
    desk.open()
    first = desk.wait_painted()

    def fail_on_first(route: Route) -> None:
        sent = json.loads(route.request.post_data or "")["decisions"]
        if first in {each["listing_id"] for each in sent}:
            route.fulfill(status=500, json={})
        else:
            route.continue_()

    page.route("**/api/decisions", fail_on_first)
    others = []
    for _ in range(4):
        desk.press("a")
        others.append(desk.wait_painted())
    expect(desk.root).to_have_attribute("data-unsent", "1", timeout=10_000)
    assert desk.listing_details(others[0])["state"] == "accepted"
    assert desk.listing_details(first)["state"] == "needs_review"
    page.unroute("**/api/decisions")
    expect(desk.root).to_have_attribute("data-unsent", "0", timeout=20_000)
    assert desk.listing_details(first)["state"] == "accepted"
    console.clear()  # the browser logs each request that failed


def test_decisions_made_without_a_network_are_sent_when_it_is_back(
    desk: Workstation, console: list[str]
) -> None:
    page = desk.page
    desk.open()
    page.route("**/api/decisions", lambda route: route.abort())
    listings = []
    for _ in range(3):
        listings.append(desk.wait_painted())
        desk.press("a")
        desk.wait_painted()
    desk.press("z")
    assert desk.wait_painted() == listings.pop()
    expect(desk.part("unsent")).to_contain_text("not saved yet")
    page.unroute("**/api/decisions")
    desk.wait_saved()
    console.clear()  # the browser logs each request that failed

    assert [desk.listing_details(id_)["state"] for id_ in listings] == ["accepted", "accepted"]


def test_decisions_made_after_the_session_ended_wait_for_the_next_one(
    desk: Workstation, console: list[str]
) -> None:
    page = desk.page
    desk.open()
    page.route("**/api/decisions", lambda route: route.fulfill(status=401, json={}))
    listing_id = desk.wait_painted()
    desk.press("a")
    expect(desk.part("unsent")).to_contain_text("1 not saved yet, you are signed out")
    kept = page.evaluate("Object.keys(localStorage).filter((key) => /unsent/.test(key))")
    assert [re.sub(r"[0-9a-f-]{36}", "KEY", name) for name in kept] == ["catalens.unsent.1.KEY"]
    page.unroute("**/api/decisions")
    desk.wait_saved()
    console.clear()  # the browser logs each request that was refused

    assert desk.listing_details(listing_id)["state"] == "accepted"


def test_a_decision_survives_closing_the_tab(desk: Workstation) -> None:
    desk.open()
    listing_id = desk.listing()
    desk.press("x")
    desk.page.close()
    context = desk.page.context
    for _ in range(300):
        state = context.request.get(f"/api/review/listings/{listing_id}").json()["state"]
        if state == "rejected":
            return
        time.sleep(0.1)
    pytest.fail(f"the listing is {state}")


def test_who_comes_second_learns_who_decided_what(desk: Workstation) -> None:
    desk.open()
    other = Workstation(desk.page.context.new_page(), path=desk.path)
    other.open()
    listing_id = desk.listing()
    assert other.listing() == listing_id
    desk.press("a")
    desk.wait_saved()
    other.press("x")
    expect(other.part("notice")).to_contain_text("local decided")
    assert desk.listing_details(listing_id)["state"] == "accepted"


def test_keys_meant_for_a_field_or_a_dialog_decide_nothing(desk: Workstation) -> None:
    desk.open()
    first = desk.listing()
    desk.press("h")
    desk.press("x")
    expect(desk.part("help")).to_be_visible()
    desk.press("Escape")
    desk.press("e")
    desk.part("finder-input").press_sequentially("ax1")
    desk.press("Escape")
    desk.press("Control+x")
    assert desk.listing() == first
    assert desk.listing_details(first)["history"] == []


def test_skipped_listings_come_last_even_after_a_reload(desk: Workstation) -> None:
    desk.open()
    skipped = []
    for _ in range(2):
        skipped.append(desk.wait_painted())
        desk.press(" ")
    third = desk.wait_painted()
    desk.wait_saved()
    desk.page.reload()
    assert desk.wait_painted() == third

    decided = set()
    for _ in range(PHOTOS - len(skipped)):
        decided.add(desk.wait_painted())
        desk.press("x")
    assert desk.wait_painted() == skipped[0]
    assert not decided & set(skipped)
    expect(desk.part("decided")).to_contain_text("Skipped")
    desk.press(" ")
    assert desk.wait_painted() == skipped[1]
    desk.press("a")
    expect(desk.part("message-text")).to_have_text("1 listing was skipped.")
    desk.part("message-button").click()
    assert desk.wait_painted() == skipped[0]
    desk.press("x")
    expect(desk.part("message-title")).to_have_text("All done")


def test_a_skip_taken_back_is_no_skip(desk: Workstation) -> None:
    desk.open()
    first = desk.wait_painted()
    desk.press(" ")
    assert desk.wait_painted() != first
    desk.press("z")
    assert desk.wait_painted() == first
    desk.wait_saved()
    desk.page.reload()
    assert desk.wait_painted() == first
