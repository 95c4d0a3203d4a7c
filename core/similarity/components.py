"""What hangs together by pairs."""

from collections import defaultdict
from collections.abc import Iterable, Mapping


def connect(pairs: Iterable[tuple[int, int]]) -> Mapping[int, list[int]]:
    """Return what hangs together, sorted, by its least member.

    Args:
        pairs: Of any two members; one with itself stands for itself.
    """
    parent: dict[int, int] = {}

    def root(member: int) -> int:
        while (above := parent.setdefault(member, member)) != member:
            parent[member] = parent.setdefault(above, above)  # halve the way
            member = parent[member]
        return member

    for pair in pairs:
        low, high = sorted(map(root, pair))
        parent[high] = low
    found: defaultdict[int, list[int]] = defaultdict(list)
    for member in sorted(parent):
        found[root(member)].append(member)
    return found
