"""What a reviewer gets next: the policies, the kinds of work, and the place in a queue."""

from core.queue.efforts import EFFORTS, Effort, effort_of, seconds_of
from core.queue.policies import DEFAULT_POLICY, POLICIES, Group, Order, Policy
from core.queue.position import Position, read_position, write_position

__all__ = [
    "DEFAULT_POLICY",
    "EFFORTS",
    "POLICIES",
    "Effort",
    "Group",
    "Order",
    "Policy",
    "Position",
    "effort_of",
    "read_position",
    "seconds_of",
    "write_position",
]
