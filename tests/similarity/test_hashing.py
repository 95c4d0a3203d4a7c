import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.similarity.fingerprints import find_near, take_fingerprint
from core.similarity.hashing import GREY_PX, PARTS, distances, hash_parts

HASHES = arrays(np.uint64, st.integers(1, 5))


@given(st.integers(0, 2**32 - 1))
def test_the_hash_of_the_mirror_image_needs_no_second_look(seed):
    grey = np.random.default_rng(seed).integers(0, 256, (GREY_PX, GREY_PX), np.uint8)

    # Rounding may change the sign of a frequency that is nearly nothing.
    mirrored = hash_parts(grey)[1][:1]
    assert distances(hash_parts(grey[:, ::-1])[0][:1], mirrored) <= 1


@given(HASHES, HASHES, HASHES)
def test_distances_are_a_metric(first, second, third):
    apart = distances(first, second).astype(int)

    assert (apart == distances(second, first).T).all()
    assert (np.diag(distances(first, first)) == 0).all()
    through = distances(first, third).astype(int)[:, :, None] + distances(third, second)[None]
    assert (apart[:, None] <= through).all()


def test_one_hash_a_part(photo):
    fingerprint = take_fingerprint(photo)

    assert fingerprint.hashes.shape == (len(PARTS),)
    assert len(set(fingerprint.hashes.tolist())) == len(PARTS)


def test_the_digest_tells_shapes_apart():
    pixels = np.zeros((4, 6, 3), np.uint8)

    digests = {take_fingerprint(pixels.reshape(shape)).pixels_sha256 for shape in SHAPES}

    assert len(digests) == len(SHAPES)


SHAPES = [(4, 6, 3), (6, 4, 3), (2, 12, 3)]


def test_the_digest_is_of_the_pixels_however_they_lie(photo):
    turned = np.asfortranarray(photo)

    assert take_fingerprint(turned).pixels_sha256 == take_fingerprint(photo).pixels_sha256


def test_copies_and_parts_are_near_and_others_are_not(photo, other_photos):
    height, width = photo.shape[:2]
    part = photo[height // 10 : -height // 10, width // 10 : -width // 10]
    hashes = np.stack([take_fingerprint(each).hashes for each in (*other_photos, photo)])
    place = len(other_photos)

    for query in (photo, photo[::2, ::2], photo[:, ::-1], np.ascontiguousarray(part)):
        assert find_near(take_fingerprint(query), hashes, limit=5)[0] == place
    for angle in (-3, 3):
        assert find_near(take_fingerprint(turn(photo, angle)), hashes, limit=5)[0] == place
    assert find_near(take_fingerprint(photo), hashes[:-1], limit=5) == []


def turn(photo, degrees):
    height, width = photo.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return cv2.warpAffine(photo, matrix, (width, height), borderValue=(255, 255, 255))


def test_a_picture_is_near_its_own_part(photo, other_photos):
    height, width = photo.shape[:2]
    part = np.ascontiguousarray(photo[height // 10 : -height // 10, width // 10 : -width // 10])
    hashes = np.stack([take_fingerprint(each).hashes for each in (*other_photos, part)])

    assert find_near(take_fingerprint(photo), hashes, limit=1) == [len(other_photos)]
