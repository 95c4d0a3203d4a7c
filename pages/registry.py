"""The pages: one table."""

from collections.abc import Callable
from dataclasses import dataclass

from core.actors import Actor, Permission
from pages import batches, home, models, review, upload


@dataclass(frozen=True, slots=True)
class PageSpec:
    """A page of the app.

    Attributes:
        key: How other pages refer to it.
        icon: A Material symbol.
        url_path: Its address; empty for the first page.
        render: Draws it.
        permission: What the actor must be allowed to do; None lets everybody in.
    """

    key: str
    title: str
    icon: str
    url_path: str
    render: Callable[[Actor], None]
    permission: Permission | None = None


PAGES = (
    PageSpec("home", "Home", ":material/home:", "", home.render),
    PageSpec("upload", "Upload", ":material/upload:", "upload", upload.render, "upload"),
    PageSpec("batches", "Batches", ":material/inventory_2:", "batches", batches.render),
    PageSpec("review", "Review", ":material/fact_check:", "review", review.render, "review"),
    PageSpec("models", "Models", ":material/network_node:", "models", models.render, "dashboards"),
)
