"""Go through a data directory as a reviewer would, and save screenshots for the docs.

    python -m tests.browser.tour DATA_DIR SCREENSHOT_DIR [LISTINGS]

Needs a batch that was classified. LISTINGS (default 10) are decided by keys: where the
listing has a claimed category among its choices that one is taken, else the suggested one.
"""

import json
import sys
from collections import Counter
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.conftest import CHROMIUM_OPTIONS
from tests.browser.screens import Screens, Workstation, open_page
from tests.browser.server import run_both
from tests.capabilities import find_chromium

EXPLAIN_EVERY = 5


def main() -> None:
    data_dir, folder = Path(sys.argv[1]), Path(sys.argv[2])
    listings = int(sys.argv[3]) if len(sys.argv) > 3 else 10
    with run_both(data_dir) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_OPTIONS)
        page = browser.new_page(base_url=address, viewport={"width": 1366, "height": 820})
        go_round(page, Screens(folder), listings)
        browser.close()


def go_round(page: Page, screens: Screens, listings: int) -> None:
    open_page(page, "/", "Overview")
    screens.take(page, "overview")
    open_page(page, "/models", "Models")
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    screens.take(page, "models")
    desk = Workstation(page)
    desk.open()
    screens.take(page, "review")
    print(json.dumps(review(desk, screens, listings)))
    batch_id = desk.listing_details(desk.wait_painted())["batch_id"]
    page.goto(f"/batches?batch={batch_id}")
    expect(page.get_by_role("heading", name="Flags")).to_be_visible()
    screens.take(page, "batch")


def review(desk: Workstation, screens: Screens, listings: int) -> dict[str, int]:
    """Decide some listings; return how many were accepted and corrected."""
    kinds: Counter[str] = Counter()
    for number in range(listings):
        details = desk.listing_details(desk.wait_painted())
        if number % EXPLAIN_EVERY == 0:
            explain(desk, screens, f"grad-cam-{number // EXPLAIN_EVERY + 1}")
        key = key_for(details)
        kinds["accepted" if key in "a1" else "corrected"] += 1
        desk.press(key)
    desk.wait_saved()
    return dict(kinds)


def key_for(details: dict[str, object]) -> str:
    choices = details["choices"]
    assert isinstance(choices, list)
    for number, choice in enumerate(choices, start=1):
        if choice["category"] == details["claimed"]:
            return str(number)
    return "a"


def explain(desk: Workstation, screens: Screens, name: str) -> None:
    desk.press("g")
    expect(desk.part("frame").locator("img.overlay")).to_be_visible(timeout=60_000)
    screens.take(desk.page, name)


if __name__ == "__main__":
    main()
