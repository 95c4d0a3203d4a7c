"""The pages: one table."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from core.actors import Actor, Permission


@dataclass(frozen=True, slots=True)
class PageSpec:
    """A page of the app, drawn by ``render(actor)`` of its module in ``pages``.

    The module is imported when the page is first opened, which keeps the start fast.

    Attributes:
        key: Name of the module; other pages refer to the page by it.
        icon: A Material symbol.
        url_path: Its address; empty for the first page.
        permission: What the actor must be allowed to do; None lets everybody in.
        needs_accounts: It stands in the menu only where people sign in.
        in_menu: False for a page of one thing, which other pages lead to.
        section: Menu that it stands in; empty stands by itself, for what is opened every day.
    """

    key: str
    title: str
    icon: str
    url_path: str
    permission: Permission | None = None
    needs_accounts: bool = False
    in_menu: bool = True
    section: str = ""

    def load(self) -> Callable[[Actor], None]:
        render: Callable[[Actor], None] = import_module(f"pages.{self.key}").render
        return render


FINDINGS = "Findings"
MANAGE = "Manage"

PAGES = (
    PageSpec("home", "Home", ":material/home:", ""),
    PageSpec("upload", "Upload", ":material/upload:", "upload", "upload"),
    PageSpec("batches", "Batches", ":material/inventory_2:", "batches"),
    PageSpec("listing", "Listing", ":material/sell:", "listing", in_menu=False),
    PageSpec("review", "Review", ":material/fact_check:", "review", "review"),
    PageSpec("search", "Search", ":material/search:", "search"),
    PageSpec(
        "duplicates",
        "Duplicates",
        ":material/content_copy:",
        "duplicates",
        "review",
        section=FINDINGS,
    ),
    PageSpec(
        "brand_evidence",
        "Brand evidence",
        ":material/policy:",
        "brand_evidence",
        "review",
        section=FINDINGS,
    ),
    PageSpec(
        "new_products",
        "New products",
        ":material/new_label:",
        "new_products",
        "categorise",
        section=FINDINGS,
    ),
    PageSpec("audits", "Label audit", ":material/rule:", "audits", "review", section=FINDINGS),
    PageSpec("models", "Models", ":material/network_node:", "models", "dashboards", section=MANAGE),
    PageSpec("team", "Team", ":material/groups:", "team", "review", section=MANAGE),
    PageSpec("brands", "Brands", ":material/verified:", "brands", "tune", section=MANAGE),
    PageSpec(
        "people",
        "People",
        ":material/group:",
        "people",
        "administer",
        needs_accounts=True,
        section=MANAGE,
    ),
    PageSpec("account", "My account", ":material/person:", "account", needs_accounts=True),
)
