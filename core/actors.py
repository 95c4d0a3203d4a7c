"""Who acts, and what each role may do: one table."""

from dataclasses import dataclass
from typing import Literal

from core.errors import ForbiddenError

Permission = Literal[
    "look",
    "oversee",  # see the batches of others, too
    "upload",
    "review",
    "categorise",
    "publish",
    "export",
    "dashboards",
    "adjudicate",  # settle what two reviewers said
    "tune",
    "train",
    "recommend",  # to the shop's shoppers, by what they did
    "administer",
]

_MANAGER: frozenset[Permission] = frozenset(
    {
        "look",
        "oversee",
        "upload",
        "publish",
        "export",
        "review",
        "categorise",
        "dashboards",
        "adjudicate",
        "tune",
        "train",
        "recommend",
    }
)

PERMISSIONS: dict[str, frozenset[Permission]] = {
    "staff": frozenset({"look", "upload", "publish", "export"}),
    "reviewer": frozenset({"look", "oversee", "review", "categorise"}),
    "manager": _MANAGER,
    "admin": _MANAGER | {"administer"},
}


@dataclass(frozen=True, slots=True)
class Actor:
    """A signed-in person, as services see them."""

    id: int
    name: str
    role: str


def may(actor: Actor, permission: Permission) -> bool:
    """Whether the actor's role has the permission."""
    return permission in PERMISSIONS.get(actor.role, frozenset())


def require(actor: Actor, permission: Permission) -> None:
    """Raise ForbiddenError unless the actor's role has the permission."""
    if not may(actor, permission):
        raise ForbiddenError(
            f"{actor.name!r} has the role {actor.role!r}, which may not {permission}; "
            "ask an administrator for another role"
        )
