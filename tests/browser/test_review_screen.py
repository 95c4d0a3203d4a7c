"""What stands beside the photo: look-alikes, where models look, the finder; on a phone, too."""

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.screens import Workstation, upload, wait_classified
from tests.worker.catalog import draw_photos

PHOTOS = 6
DECIDED = 3
FOUND = [
    {"id": 901, "path": "Tools > Cup hook", "code": "T-1", "synonyms": []},
    {"id": 902, "path": "Home > Mug", "code": "K-100", "synonyms": ["Çup", "beaker"]},
]


@pytest.fixture
def desk(app_with_models: str, page: Page, tmp_path: Path) -> Workstation:
    photos = draw_photos(tmp_path / "photos", count=PHOTOS, seed=77)
    batch_id = upload(page, photos, f"Beside {tmp_path.name}")
    wait_classified(page, PHOTOS)
    return Workstation(page, path=f"/review?batch={batch_id}&policy=oldest")


def answer(route: Route, body: object, status: int = 200) -> None:
    route.fulfill(status=status, content_type="application/json", body=json.dumps(body))


def test_all_that_stands_beside_the_photo(desk: Workstation) -> None:
    """One test: a batch and its classification take long."""
    desk.open()
    for _ in range(DECIDED):
        desk.wait_painted()
        desk.press("a")
    desk.wait_saved()
    desk.open()  # asks for look-alikes now that all are decided
    look_alikes_are_shown(desk)
    the_map_is_of_the_category_that_is_shown(desk)
    agreement_is_a_number(desk)
    what_is_called_just_so_comes_first(desk)
    a_phone_shows_photo_suggestion_and_buttons(desk)


def look_alikes_are_shown(desk: Workstation) -> None:
    desk.wait_painted()
    links = desk.part("look-alikes-list").locator("a")
    expect(links.first).to_be_visible()
    count = links.count()
    assert DECIDED <= count <= 6
    expect(desk.part("look-alikes-count")).to_contain_text(f"of {count} decided as suggested")
    desk.press("s")
    expect(links.first).to_be_focused()
    desk.press("ArrowRight")
    expect(desk.part("look-alikes-list").locator("a").first).to_be_visible()


def the_map_is_of_the_category_that_is_shown(desk: Workstation) -> None:
    """Not of what the model said: in a check that is another one."""
    shown = desk.listing_details(desk.listing())["photos"][0]["opinions"][0]["top"][0]["category"]
    with desk.page.expect_request("**/api/explanations/*") as asked:
        desk.press("g")
    query = parse_qs(urlsplit(asked.value.url).query)
    assert query == {"category_id": [str(shown["id"])]}
    desk.press("g")


def agreement_is_a_number(desk: Workstation) -> None:
    answers = iter([({"state": "pending"}, 202)])
    done = {"overlap": 0.634, "by_chance": 0.2, "models": 3}
    desk.page.route("**/agreement?*", lambda route: answer(route, *next(answers, (done, 200))))
    desk.press("g")
    words = "3 models look at the same place: 63%"
    expect(desk.part("agreement")).to_have_text(words, timeout=60_000)
    expect(desk.root.locator(".overlay")).to_have_count(1)  # pressed three times within a moment
    desk.press("g")
    expect(desk.root.locator(".overlay")).to_have_count(0)
    expect(desk.part("agreement")).to_be_hidden()


def what_is_called_just_so_comes_first(desk: Workstation) -> None:
    asked: list[str] = []

    def find(route: Route) -> None:
        asked.append(route.request.url)
        answer(route, FOUND)

    desk.page.route("**/api/categories?*", find)
    desk.press("e")
    desk.part("finder-input").fill("cup")
    options = desk.part("finder-options").locator(".option")
    expect(options).to_have_count(2)
    expect(options.first).to_contain_text("Home > Mug · also Çup, beaker")
    expect(options.first.locator(".code")).to_have_text("K-100")
    query = parse_qs(urlsplit(asked[-1]).query)
    assert query["q"] == ["cup"]
    assert len(query["first"]) >= 3  # the three categories of the models
    desk.press("Escape")


def a_phone_shows_photo_suggestion_and_buttons(desk: Workstation) -> None:
    desk.page.set_viewport_size({"width": 390, "height": 844})
    desk.page.evaluate("document.querySelector('[data-testid=stMain]').scrollTo(0, 0)")
    expect(desk.part("frame")).to_be_in_viewport()
    expect(desk.part("suggested")).to_be_in_viewport(ratio=1)
    expect(desk.root.locator('.single-actions [data-action="accept"]')).to_be_in_viewport(ratio=1)
    wide = desk.root.evaluate("(root) => root.scrollWidth - root.clientWidth")
    assert wide <= 0
