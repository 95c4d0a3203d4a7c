import io

import numpy as np
import pytest
from PIL import Image

from benchmarks.copies import COPIES
from core.similarity.alignment import difference
from core.similarity.copies import Sought, find_copies, verify
from core.similarity.evidence import describe
from tests.similarity.conftest import HEIGHT_PX, WIDTH_PX


def copy_of(photo, key):
    return np.asarray(Image.open(io.BytesIO(COPIES[key].make_file(photo, seed=3))))


def lie_of(alignment, x, y):
    """Where a point of the second lies on the first."""
    return alignment.matrix @ [x, y, 1]


@pytest.mark.parametrize("key", COPIES)
def test_every_kind_of_copy_is_found_alone_among_others(key, photo, other_photos):
    candidates = [(at, describe(each)) for at, each in enumerate((*other_photos, photo))]

    found = find_copies(Sought.of(copy_of(photo, key)), candidates)

    assert [each.image_id for each in found] == [len(other_photos)]
    assert found[0].alignment.mirrored == (key == "mirror")


@pytest.mark.parametrize("key", COPIES)
def test_copies_are_found_from_either_side(key, photo):
    assert verify(Sought.of(photo), describe(copy_of(photo, key))) is not None


def test_the_surest_comes_first(photo):
    candidates = [(1, describe(copy_of(photo, "text"))), (2, describe(photo))]

    assert [each.image_id for each in find_copies(Sought.of(photo), candidates)] == [2, 1]


def test_the_alignment_says_where_a_cut_picture_was_cut(photo):
    alignment = verify(Sought.of(copy_of(photo, "crop_15")), describe(photo))

    corner = lie_of(alignment, 0.15 * WIDTH_PX, 0.15 * HEIGHT_PX)
    np.testing.assert_allclose(corner, [0, 0], atol=1.5)
    assert alignment.covered > 0.98


def test_the_alignment_of_a_mirrored_picture_leads_to_the_other_side(photo):
    alignment = verify(Sought.of(copy_of(photo, "mirror")), describe(photo))

    np.testing.assert_allclose(lie_of(alignment, 10, 20), [WIDTH_PX - 11, 20], atol=1.5)


def test_the_alignment_says_how_far_a_picture_was_turned(photo):
    alignment = verify(Sought.of(copy_of(photo, "turn_3")), describe(photo))

    angle = np.degrees(np.arctan2(alignment.matrix[1, 0], alignment.matrix[0, 0]))
    assert abs(angle) == pytest.approx(3, abs=0.2)


def test_the_difference_is_where_something_was_written(photo):
    copied = photo.copy()
    copied[100:130, 50:150] = 255
    alignment = verify(Sought.of(copied), describe(photo))

    apart = difference(copied, photo, alignment)

    assert apart.shape == (HEIGHT_PX, WIDTH_PX)
    assert apart[105:125, 60:140].mean() > 40
    assert apart[150:].mean() < 8


def test_a_plain_picture_without_corners_is_its_own_copy():
    across, down = np.meshgrid(np.linspace(0, 1, WIDTH_PX), np.linspace(0, 1, HEIGHT_PX))
    smooth = 40 + 180 * np.exp(-((across - 0.5) ** 2 + (down - 0.4) ** 2) / 0.05)
    pixels = np.repeat(smooth[..., None], 3, axis=2).astype(np.uint8)

    assert verify(Sought.of(copy_of(pixels, "half_size")), describe(pixels)) is not None


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 300, 3), (64, 64, 3)])
def test_what_shows_nothing_is_no_copy_of_anything(shape, photo):
    blank = np.full(shape, 255, np.uint8)

    assert verify(Sought.of(blank), describe(photo)) is None
    assert verify(Sought.of(photo), describe(blank)) is None
    assert verify(Sought.of(blank), describe(blank)) is None


def test_a_small_part_of_a_picture_is_not_the_same_picture(photo):
    collage = np.full((600, 800, 3), 128, np.uint8)
    collage[:300, :400] = photo
    own = np.random.default_rng(0).integers(0, 255, (30, 40, 3), np.uint8)
    collage[300:] = np.asarray(Image.fromarray(own).resize((800, 300)))

    assert verify(Sought.of(collage), describe(photo)) is None
