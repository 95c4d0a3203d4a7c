"""Every page, opened directly by its address, with nothing in the database."""

from playwright.sync_api import Page, expect

from tests.browser.screens import Screens, open_page


def test_every_page_opens_directly_and_says_what_to_do(
    empty_app: str, page: Page, screens: Screens
) -> None:
    open_page(page, "/", "Welcome to Catalens")
    expect(page.get_by_role("button", name="Start with the sample catalog")).to_be_visible()
    screens.take(page, "welcome")
    open_page(page, "/upload", "Upload")
    expect(page.get_by_role("button", name="Choose files")).to_be_visible()
    open_page(page, "/batches", "Batches")
    expect(page.get_by_text("There are no batches yet")).to_be_visible()
    open_page(page, "/review", "Nothing to review here")
    open_page(page, "/audits", "Label audit")
    expect(page.get_by_text("No catalogue has been audited yet")).to_be_visible()
    open_page(page, "/models", "Models")
    expect(page.get_by_text("No model has been trained yet")).to_be_visible()


def test_addresses_that_name_nothing_are_answered_kindly(
    empty_app: str, page: Page, console: list[str]
) -> None:
    page.goto("/batches?batch=999")
    expect(page.get_by_text("no batch 999")).to_be_visible()
    open_page(page, "/batches?batch=one", "Batches")
    open_page(page, "/review?state=nonsense&flag=nonsense&batch=-1", "Nothing to review here")
    assert "nonsense" not in page.url
    open_page(page, "/nonsense", "Welcome to Catalens")
    console.clear()  # Streamlit logs the address it does not know


def test_page_files_are_not_served(empty_app: str, page: Page) -> None:
    for path in ("/pages/home.py", "/home.py", "/main.py", "/app.py"):
        assert "import streamlit" not in page.request.get(path).text()


def test_the_sample_catalog_is_asked_for_with_one_click(empty_app: str, page: Page) -> None:
    open_page(page, "/", "Welcome to Catalens")
    page.get_by_role("button", name="Start with the sample catalog").click()
    expect(page.get_by_text("waiting for the worker")).to_be_visible()
    expect(page.get_by_role("button", name="Start with the sample catalog")).to_be_disabled()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Start with the sample catalog")).to_be_enabled()
