"""A chain of digests over rows that are only ever added: what was changed later is found.

Each row's digest covers the row and the digest before it, so none can be changed, taken out or
put in between without breaking every digest after it, unless all of those are made anew. A
digest that was written down elsewhere shows that, too (Haber and Stornetta, "How to time-stamp a
digital document", Journal of Cryptology 3, 1991).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

BEGINNING = "0" * 64
"""Stands for the digest before the first row."""


def link(previous: str, entry: Mapping[str, Any]) -> str:
    """Return the digest, 64 hexadecimal digits, of an entry that follows another.

    Args:
        previous: Digest of the entry before, or ``BEGINNING``.
        entry: What JSON can hold; the order of the names does not matter.
    """
    text = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()


@dataclass(slots=True)
class Chain:
    """Follows a chain from its beginning, entry by entry, up to the first that is broken.

    Attributes:
        head: Digest of the last entry that is sound.
        count: Entries that are sound.
        broken: The entry whose digest is not the one that it must have; None while all is well.
        missing: Digests that must stand in the chain and have not been met yet.
    """

    head: str = BEGINNING
    count: int = 0
    broken: Mapping[str, Any] | None = None
    missing: set[str] = field(default_factory=set)

    def follow(self, entries: Iterable[tuple[Mapping[str, Any], str | None]]) -> bool:
        """Take the next entries with their stored digests; return whether all are sound."""
        for entry, stored in entries:
            if self.broken is not None:
                break
            digest = link(self.head, entry)
            if digest != stored:
                self.broken = entry
                break
            self.head = digest
            self.count += 1
            self.missing.discard(digest)
        return self.broken is None
