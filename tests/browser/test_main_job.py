"""The whole way of a batch, in a real browser: upload, predictions, review, export."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.sample import render_catalog
from tests.browser.screens import Screens, Workstation, upload, wait_classified

PHOTOS = 20


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Pictures of the sample catalog."""
    catalog = render_catalog(tmp_path / "sample", per_category=4)
    return sorted(catalog.train_dir.rglob("*.jpg"))[:PHOTOS]


def test_a_batch_goes_from_upload_to_export(
    app_with_models: str, page: Page, photos: list[Path], tmp_path: Path, screens: Screens
) -> None:
    not_a_photo = tmp_path / "notes.jpg"
    not_a_photo.write_text("this is text")
    batch_id = upload(page, [*photos, not_a_photo], "Spring arrivals")
    expect(page.get_by_text("Refused files")).to_be_visible()
    wait_classified(page, PHOTOS)
    screens.take(page, "batch")

    page.get_by_role("button", name=f"Review {PHOTOS} listings").click()
    desk = Workstation(page)
    first = desk.wait_painted()
    screens.take(page, "review")
    decided = _decide_with_keys_and_mouse(desk, first)
    _see_grad_cam(desk, screens)
    desk.wait_saved()
    exported = _download_json(page, batch_id)

    assert len(exported) == PHOTOS
    for row in exported:
        expected = decided.get(row["listing_id"], ("needs_review", None))
        assert (row["state"], row["decided_category"]) == expected


def _decide_with_keys_and_mouse(desk: Workstation, first: int) -> dict[int, tuple[str, str | None]]:
    """Decide some listings in every way; return (state, category) by listing."""
    suggested = desk.listing_details(first)["suggested"]["path"]
    desk.press("a")
    second = desk.wait_painted()
    other = desk.listing_details(second)["choices"][1]["category"]["path"]
    desk.press("2")
    third = desk.wait_painted()
    desk.click("reject")
    fourth = desk.wait_painted()
    desk.click("undo")  # the rejection of the third
    assert desk.wait_painted() == third
    desk.click("accept")
    third_category = desk.listing_details(third)["suggested"]["path"]
    assert desk.wait_painted() == fourth
    desk.press("e")
    desk.part("finder-input").fill("milk")
    expect(desk.part("finder-options").locator("[aria-selected=true]")).to_contain_text("Milk")
    desk.press("Enter")
    fifth = desk.wait_painted()
    fourth_state = (
        "accepted" if desk.listing_details(fourth)["suggested"]["path"] == "Milk" else "corrected"
    )
    desk.press("x")
    desk.wait_painted()
    desk.press(" ")
    seventh = desk.wait_painted()
    desk.press("x")
    desk.wait_painted()
    desk.press("z")
    assert desk.wait_painted() == seventh
    return {
        first: ("accepted", suggested),
        second: ("corrected", other),
        third: ("accepted", third_category),
        fourth: (fourth_state, "Milk"),
        fifth: ("rejected", None),
    }


def _see_grad_cam(desk: Workstation, screens: Screens) -> None:
    desk.press("g")
    overlay = desk.part("frame").locator("img.overlay")
    expect(overlay).to_be_visible(timeout=60_000)
    assert overlay.evaluate("img => img.naturalWidth") > 0
    screens.take(desk.page, "grad-cam")
    desk.press("g")
    expect(overlay).to_have_count(0)


def _download_json(page: Page, batch_id: int) -> list[dict[str, object]]:
    page.goto(f"/batches?batch={batch_id}")
    with page.expect_popup() as popup, page.context.expect_event("download") as download:
        page.get_by_role("link", name="Export JSON").click()
    del popup
    rows: list[dict[str, object]] = json.loads(Path(download.value.path()).read_text())
    return rows
