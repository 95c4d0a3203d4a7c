"""The policies of the queue: one table."""

from dataclasses import dataclass
from typing import Literal

Order = Literal["doubt", "value", "age"]
Group = Literal["category", "flag", "batch"]


@dataclass(frozen=True, slots=True)
class Policy:
    """In which order listings come.

    Attributes:
        key: Stands in addresses and saved views, so never renamed.
        order: ``doubt`` most doubtful first, ``age`` oldest first, ``value`` most expected
            errors a second first; inside a group, if there are groups.
        group: What is gone through one after the other; None goes through all at once.
    """

    key: str
    label: str
    doc: str
    order: Order
    group: Group | None = None


POLICIES: dict[str, Policy] = {
    policy.key: policy
    for policy in (
        Policy(
            "worth",
            "Most useful first",
            "Errors fixed: chance of being wrong, times the listings it stands for, by the time.",
            "value",
        ),
        Policy("doubt", "Most doubtful first", "Least sure suggestions first.", "doubt"),
        Policy("oldest", "Oldest first", "In the order in which they came in.", "age"),
        Policy(
            "category",
            "Category by category",
            "All of one suggested category, then the next; those without one come last.",
            "doubt",
            "category",
        ),
        Policy(
            "flag",
            "Flag by flag",
            "Listings with an open flag, one kind after the other.",
            "doubt",
            "flag",
        ),
        Policy("batch", "Batch by batch", "All of the newest batch first.", "doubt", "batch"),
    )
}
"""By key, in the order in which they are offered."""

DEFAULT_POLICY = "worth"
