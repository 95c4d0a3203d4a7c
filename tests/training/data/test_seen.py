import hashlib

from hypothesis import given
from hypothesis import strategies as st

from core.training.data.seen import SeenPictures


def digests(count: int, *, of: str = "picture") -> list[str]:
    return [hashlib.sha256(f"{of} {number}".encode()).hexdigest() for number in range(count)]


@given(st.integers(0, 60))
def test_what_is_packed_comes_back(count: int) -> None:
    seen = SeenPictures.of(digests(count))

    assert SeenPictures.unpack(seen.pack()) == seen


def test_every_picture_that_was_seen_is_told_and_few_others() -> None:
    seen = SeenPictures.unpack(SeenPictures.of(digests(100_000)).pack())

    assert all(seen.find(digests(100_000)))
    others = seen.find(digests(20_000, of="another"))
    assert 0 < sum(others) < 20_000 / 100


def test_a_picture_that_could_not_be_read_was_not_seen() -> None:
    assert SeenPictures.of(["", *digests(1)]) == SeenPictures.of(digests(1))


def test_the_record_takes_a_few_bits_a_picture() -> None:
    assert len(SeenPictures.of(digests(100_000)).pack()) < 100_000 * 1.8
    assert len(SeenPictures.of(digests(1_000)).pack()) < 1_000 * 3
