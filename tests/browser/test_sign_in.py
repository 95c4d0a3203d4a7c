"""In at the door, to the page that was asked for, and out again."""

import re

from playwright.sync_api import Browser, Page, expect

from core.services.sessions import COOKIE
from tests.browser.screens import Screens
from tests.browser.test_accessibility import grave_findings
from tests.identity.conftest import PASSWORD


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_in_to_the_page_that_was_asked_for_and_out_again(
    app_with_accounts: str, page: Page, screens: Screens, console: list[str]
) -> None:
    page.goto("/batches")
    expect(page).to_have_url(re.compile(r"/login\?next=/batches$"))
    screens.take(page, "login")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert grave_findings(page) == []
    screens.take(page, "login-dark")
    page.emulate_media(color_scheme="light")
    sign_in(page, "olga", "not the password")
    expect(page.get_by_role("alert")).to_have_text("Name or password is wrong.")
    console.clear()  # the browser notes the status 401
    sign_in(page, "olga")
    expect(page.get_by_role("heading", name="Batches")).to_be_visible()
    expect(page.get_by_role("link", name="Upload")).to_be_visible()
    for closed in ("Review", "Models", "People"):
        expect(page.get_by_role("link", name=closed)).to_have_count(0)
    for empty in ("Findings", "Manage"):
        expect(page.get_by_text(empty, exact=True)).to_have_count(0)
    page.get_by_role("link", name="My account").click()
    expect(page.get_by_text("You are olga, catalog staff")).to_be_visible()
    screens.take(page, "account")
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page).to_have_url(re.compile(r"/login$"))
    page.goto("/batches")
    expect(page).to_have_url(re.compile(r"/login\?next=/batches$"))


def test_an_admin_adds_a_person_in_the_browser(
    app_with_accounts: str, page: Page, screens: Screens
) -> None:
    page.goto("/people")
    sign_in(page, "admin")
    page.get_by_label("Name").fill("rita")
    page.get_by_role("button", name="Add person").click()
    expect(page.get_by_text("The one-time password of rita")).to_be_visible()
    screens.take(page, "people")


def test_signing_in_needs_no_script(app_with_accounts: str, browser: Browser) -> None:
    context = browser.new_context(base_url=app_with_accounts, java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    sign_in(page, "olga")
    expect(page).to_have_url(re.compile(r"/$"))
    (cookie,) = [each for each in context.cookies() if each["name"] == COOKIE]
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    page.goto("/logout")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    context.close()
