"""The Models page in a real browser: from a figure to its photos, links, downloads."""

import csv
import io
import re
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Browser, Locator, Page, expect

from pages.models.views import VIEWS
from tests.browser.screens import READY, open_page
from tests.services.evaluated import MILK, PEAR, make_subject

CUSTOM_CNN = f"Custom CNN {make_subject('custom_cnn', 1).digest[:8]}"
ROW_PX = 35  # of a table
SETTLING_FRAMES = 20  # a canvas that was just put up takes no clicks for some of them
DRAW_FRAMES = """(left) => new Promise((done) => {
  const next = () => (left-- > 0 ? requestAnimationFrame(next) : done())
  next()
})"""


def open_view(page: Page, path: str) -> None:
    open_page(page, path, "Models")
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)


def select_row(page: Page, row: int) -> None:
    """Click the box before a row of the first table, which is drawn on a canvas."""
    table = page.get_by_test_id("stDataFrame").first
    expect(table.locator("canvas").first).to_be_visible()
    expect(page.locator(READY)).to_be_visible()  # a click while the page is drawn is lost
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    page.evaluate(DRAW_FRAMES, SETTLING_FRAMES)
    table.click(position={"x": 18, "y": ROW_PX * (row + 1) + 18})


def photos(page: Page) -> Locator:
    return page.locator(".gallery figure img")


def expect_loaded(photo: Locator) -> None:
    photo.scroll_into_view_if_needed()
    expect(photo).to_have_js_property("complete", True)
    assert photo.evaluate("img => img.naturalWidth") > 0


def test_two_clicks_lead_from_a_figure_to_the_photos(measured_app: str, page: Page) -> None:
    open_view(page, "/models")
    expect(page.get_by_text("Vision Transformer").first).to_be_visible()
    select_row(page, 2)  # the least accurate
    expect(page.get_by_role("heading", name="Most often mixed up")).to_be_visible()
    assert "view=Mistakes" in page.url
    select_row(page, 1)
    expect(page.get_by_role("heading", name="Pear, taken for Apple")).to_be_visible()
    assert "predicted=Fruit" in page.url


def test_a_photo_opens_large_and_one_that_is_gone_says_so(
    measured_app: str, page: Page, console: list[str]
) -> None:
    address = f"/models?view=Mistakes&model={quote(CUSTOM_CNN)}"
    open_view(page, f"{address}&true={quote(PEAR)}")
    expect_loaded(photos(page).first)
    with page.expect_popup() as opened:
        photos(page).first.click()
    assert opened.value.locator("img").evaluate("img => img.naturalWidth") > 0
    open_view(page, f"{address}&true={MILK}")
    expect(photos(page)).to_have_js_property("complete", True)
    assert photos(page).evaluate("img => img.naturalWidth") == 0
    console[:] = [message for message in console if "410" not in message]


def test_a_figure_of_the_heat_map_leads_to_its_photos(measured_app: str, page: Page) -> None:
    open_view(page, "/models?view=Categories")
    cell = page.locator(".js-plotly-plot .textpoint text", has_text=re.compile("^0%$")).first
    cell.click(force=True)  # plotly listens on a sheet that lies over all points
    expect(page.get_by_role("heading", name="not recognised")).to_be_visible()
    assert "view=Mistakes" in page.url


def test_a_link_opens_the_same_view_for_a_colleague(
    measured_app: str, page: Page, browser: Browser
) -> None:
    open_view(page, "/models")
    page.get_by_role("radio", name="Disagreements").click()
    expect(page.get_by_text("Photos on which")).to_be_visible()
    page.get_by_label("Category", exact=True).fill("pear")
    page.get_by_label("Category", exact=True).press("Enter")
    expect(page.get_by_text("2 photos that both saw")).to_be_visible()
    choose(page, "Second", "ResNet-50")
    page.wait_for_url(re.compile("second=ResNet"))
    expect(page.get_by_text("2 photos, those first")).to_be_visible()
    shown = page.get_by_test_id("stCaptionContainer").all_inner_texts()
    fresh = browser.new_context(base_url=measured_app)
    colleague = fresh.new_page()
    open_view(colleague, page.url)
    expect(colleague.get_by_text("2 photos that both saw")).to_be_visible()
    assert colleague.get_by_test_id("stCaptionContainer").all_inner_texts() == shown
    assert colleague.get_by_label("Category", exact=True).input_value() == "pear"
    fresh.close()


def choose(page: Page, label: str, option: str) -> None:
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=option).first.click()


def test_every_table_can_be_taken_along(measured_app: str, page: Page) -> None:
    heads = {}
    for view in VIEWS:
        open_view(page, f"/models?view={quote(view)}&model={quote(CUSTOM_CNN)}")
        for button in page.get_by_test_id("stDownloadButton").all():
            with page.expect_download() as download:
                button.get_by_role("button").click()
            name = download.value.suggested_filename
            heads[name] = Path(download.value.path()).read_text("utf-8-sig")
    assert set(heads) == {
        "models.csv", "categories.csv", "mistakes.csv", "photos.csv", "reliability.csv",
        "reliability-before.csv", "without-a-person.csv", "coverage.csv", "disagreements.csv",
        "training.csv", "published.csv",
    }  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(heads["models.csv"])))
    assert [round(float(row["top1"]), 3) for row in rows] == [1.0, 0.667, 0.5]
    assert {row["category"] for row in csv.DictReader(io.StringIO(heads["categories.csv"]))} == {
        "Fruit > Apple", "Fruit > Pear", "Milk",
    }  # fmt: skip


def test_the_filters_stay_with_the_page(measured_app: str, page: Page) -> None:
    open_view(page, "/models?view=Certainty&words=pear")
    page.get_by_role("link", name="Review").click()
    expect(page.get_by_role("heading", name="Nothing to review here")).to_be_visible()
    assert "words" not in page.url
    page.get_by_text("Manage", exact=True).click()
    page.get_by_role("menuitem", name="Models").click()
    expect(page.get_by_role("heading", name="Is it as right as it says?")).to_be_visible()
    assert "words=pear" in page.url


def test_the_page_fits_a_phone(measured_app: str, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    for view in VIEWS:
        open_view(page, f"/models?view={quote(view)}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, view


def test_a_training_is_asked_for_with_a_form(measured_app: str, page: Page) -> None:
    open_view(page, "/models")
    page.get_by_role("button", name="Train a model").click()
    form = page.get_by_role("dialog")
    form.get_by_role("button", name="Start").click()
    expect(form.get_by_text("Say where the photos are")).to_be_visible()
    form.get_by_placeholder("/data/photos").fill("/photos/shelf")
    form.get_by_placeholder("/data/photos").press("Enter")
    form.get_by_role("button", name="Start").click()
    expect(page.get_by_text("Training Custom CNN on shelf")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Training Custom CNN on shelf")).to_have_count(0)
