"""What is seen and done on the screens, in the words of a reviewer."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

READY = "[data-testid=stApp][data-test-script-state=notRunning]"


@dataclass(frozen=True, slots=True)
class Screens:
    """Saves screenshots, if there is a folder for them."""

    folder: Path | None

    def take(self, page: Page, name: str) -> None:
        if self.folder is not None:
            expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
            self.folder.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=self.folder / f"{name}.png")


def open_page(page: Page, path: str, heading: str) -> None:
    """Open an address and wait until it is drawn."""
    page.goto(path)
    expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    expect(page.locator(READY)).to_be_visible()


def choose_files(page: Page, photos: Sequence[Path]) -> None:
    """Choose files on the upload page, once its script listens: it writes the limits, too."""
    expect(page.locator("[data-role=limits]")).not_to_be_empty()
    page.locator("input[data-role=files]").set_input_files(list(photos))


def upload(page: Page, photos: Sequence[Path], name: str) -> int:
    """Choose files, name the batch, send it, wait for the batch's page; return the batch's id."""
    open_page(page, "/upload", "Upload")
    choose_files(page, photos)
    page.get_by_label("Name of the batch").fill(name)
    page.locator("[data-action=send]").click()
    batch = page.get_by_role("heading", name=name)
    question = page.get_by_role("button", name="Bring in all")  # where the catalogue has some
    expect(batch.or_(question)).to_be_visible(timeout=60_000)
    if question.is_visible():
        question.click()
    expect(batch).to_be_visible(timeout=60_000)
    return int(page.url.rpartition("batch=")[2])


def wait_classified(page: Page, count: int) -> None:
    """Wait on a batch's page until all its listings can be reviewed."""
    button = page.get_by_role("button", name=f"Review {count} listings")
    expect(button).to_be_enabled(timeout=120_000)


class Workstation:
    """The review screen."""

    def __init__(self, page: Page, path: str = "/review") -> None:
        self.page = page
        self.path = path
        self.root = page.locator("section.review")

    def part(self, role: str) -> Locator:
        return self.root.locator(f'[data-role="{role}"]')

    def open(self) -> None:
        self.page.goto(self.path)
        expect(self.part("stage")).to_be_visible(timeout=30_000)
        self.wait_painted()

    def wait_painted(self) -> int:
        """Wait until the picture of the listing on screen has been painted; return its id."""
        expect(self.root).to_have_attribute("data-listing", re.compile(r"^\d+$"))
        return self.listing()

    def listing(self) -> int:
        return int(self.root.get_attribute("data-listing") or 0)

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)

    def click(self, action: str) -> None:
        self.root.locator(f'.single-actions [data-action="{action}"]').click()

    def wait_saved(self) -> None:
        """Wait until the server has acknowledged every decision."""
        expect(self.root).to_have_attribute("data-unsent", "0")

    def listing_details(self, listing_id: int) -> dict[str, Any]:
        answer = self.page.request.get(f"/api/review/listings/{listing_id}", max_retries=3)
        assert answer.ok, answer.text()
        details: dict[str, Any] = answer.json()
        return details
