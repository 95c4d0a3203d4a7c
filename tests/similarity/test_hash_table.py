"""Hashes in memory, and what hangs together."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.similarity.components import connect
from core.similarity.fingerprints import Fingerprint, take_fingerprint
from core.similarity.hash_table import HashTable


def test_a_fingerprint_survives_the_database(photo):
    taken = take_fingerprint(photo)
    stored = Fingerprint.unpack(taken.pixels_sha256, taken.pack())
    assert stored.pixels_sha256 == taken.pixels_sha256
    np.testing.assert_array_equal(stored.hashes, taken.hashes)
    np.testing.assert_array_equal(stored.variants, taken.variants)


def test_the_nearest_are_found_also_after_the_table_grew(photo, other_photos):
    table = HashTable()
    mine = take_fingerprint(photo)
    table.add([7], [mine])
    others = [take_fingerprint(each) for each in other_photos]
    for start in range(0, 3000, len(others)):
        table.add([100 + start + place for place in range(len(others))], others)
    table.add([8], [take_fingerprint(photo[:, ::-1])])
    assert len(table) == 3002
    assert sorted(table.find(mine, limit=2)) == [7, 8]
    assert table.find(take_fingerprint(other_photos[2]), limit=1)[0] in range(102, 3100, 6)


def test_an_empty_table_finds_nothing(photo):
    assert HashTable().find(take_fingerprint(photo), limit=3) == []


def test_what_hangs_together_by_others_is_one():
    assert connect([(5, 4), (1, 9), (9, 4), (2, 2), (7, 8)]) == {1: [1, 4, 5, 9], 2: [2], 7: [7, 8]}


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=20))
def test_parts_are_apart_and_pairs_are_not(pairs):
    found = connect(pairs)
    part_of = {member: least for least, members in found.items() for member in members}
    assert sum(map(len, found.values())) == len(part_of)
    assert all(part_of[first] == part_of[second] for first, second in pairs)
    assert all(least == members[0] for least, members in found.items())
