import time

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.imaging import DecodedImage, ImageLimits, decode
from core.quality import QUALITY_CHECKS, measure
from core.quality.foreground import find_foreground
from core.quality.measures import MEASURED_SIDE_PX

LIMITS = ImageLimits(max_bytes=10**7, max_pixels=10**7)


def image(pixels):
    return DecodedImage(np.ascontiguousarray(pixels, dtype=np.uint8), "PNG")


def scene(height=300, width=400, *, seed=1):
    """Random rectangles with sharp edges on a grey ground."""
    rng = np.random.default_rng(seed)
    pixels = np.full((height, width, 3), 120, np.uint8)
    for _ in range(60):
        x, y = rng.integers(0, width), rng.integers(0, height)
        w, h = rng.integers(10, 80, 2)
        colour = tuple(int(c) for c in rng.integers(20, 235, 3))
        cv2.rectangle(pixels, (int(x), int(y)), (int(x + w), int(y + h)), colour, -1)
    return pixels


def on_white(product, margin=120):
    return np.pad(product, ((margin,), (margin,), (0,)), constant_values=255)


def flagged(pixels):
    measures = measure(image(pixels))
    return {key for key, check in QUALITY_CHECKS.items() if check.value(measures) < check.limit}


def dimmed(pixels, to):
    return (pixels * to).astype(np.uint8)


def burnt(pixels):
    pixels = pixels.copy()
    pixels[100:200, 100:250] = 255
    return pixels


def blurred(pixels, share):
    return cv2.GaussianBlur(pixels, (0, 0), share * max(pixels.shape))


def test_a_sound_photo_raises_nothing():
    assert flagged(scene()) == set()


def test_a_product_on_white_raises_nothing():
    assert flagged(on_white(scene())) == set()


DAMAGES = {
    "blurry": lambda pixels: blurred(pixels, 0.015),
    "dark": lambda pixels: dimmed(pixels, 0.2),
    "bright": burnt,
    "small": lambda pixels: cv2.resize(pixels, (160, 120), interpolation=cv2.INTER_AREA),
    "odd_shape": lambda pixels: np.tile(pixels, (1, 3, 1)),
    "low_information": lambda pixels: np.full_like(pixels, 90),
}


@pytest.mark.parametrize("key", QUALITY_CHECKS)
def test_each_check_finds_its_damage(key):
    assert key in flagged(DAMAGES[key](scene()))


def test_each_check_has_a_damage():
    assert set(DAMAGES) == set(QUALITY_CHECKS)


def test_a_dim_product_is_dark_however_white_its_backdrop():
    assert "dark" in flagged(on_white(dimmed(scene(), 0.2)))


def test_a_blurred_product_is_blurry_however_white_its_backdrop():
    assert "blurry" in flagged(blurred(on_white(scene()), 0.015))


def test_a_white_backdrop_is_not_bright():
    assert "bright" not in flagged(on_white(scene(), margin=300))


def test_an_empty_white_picture_is_bright_and_has_no_information():
    assert flagged(np.full((300, 300, 3), 255)) >= {"bright", "low_information"}


@pytest.mark.parametrize("key", QUALITY_CHECKS)
def test_a_value_on_the_limit_passes(key):
    from core.flags import FLAG_KINDS
    from tests.flags.cases import evidence_with_value

    limit = QUALITY_CHECKS[key].limit
    assert FLAG_KINDS[key].rule(evidence_with_value(key, limit)) is None
    assert FLAG_KINDS[key].rule(evidence_with_value(key, limit * 0.99)) is not None


def test_sharpness_falls_as_blur_grows():
    values = [measure(image(blurred(scene(), s))).sharpness for s in (0.002, 0.005, 0.01, 0.02)]

    assert values == sorted(values, reverse=True)
    assert len(set(values)) == len(values)


def test_sharpness_does_not_depend_on_contrast():
    pixels = scene()
    faint = 100 + pixels * 0.3

    assert measure(image(faint)).sharpness == pytest.approx(
        measure(image(pixels)).sharpness, rel=0.1
    )


def test_only_the_size_changes_with_a_larger_copy_of_the_same_photo():
    small = scene(MEASURED_SIDE_PX // 2, MEASURED_SIDE_PX)
    large = cv2.resize(small, None, fx=4, fy=4, interpolation=cv2.INTER_NEAREST)

    one, other = measure(image(small)), measure(image(large))

    assert (other.width_px, other.height_px) == (4 * one.width_px, 4 * one.height_px)
    assert other.brightness == pytest.approx(one.brightness, abs=0.01)
    assert other.sharpness == pytest.approx(one.sharpness, rel=0.02)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.integers(1, 900), st.integers(0, 255))
def test_any_shape_and_shade_can_be_measured(height, width, shade):
    measures = measure(image(np.full((height, width, 3), shade)))

    assert 0 < measures.aspect <= 1
    assert 0 <= measures.entropy_bits <= 8
    for share in ("brightness", "share_dark", "share_blown", "contrast", "foreground_share"):
        assert 0 <= getattr(measures, share) <= 1


def framed(*, backdrop, inside, hole):
    """A dark square of 40 by 40 on a white backdrop, with a hole of its own level."""
    darkest = np.full((100, 100), backdrop, np.uint8)
    darkest[30:70, 30:70] = 50
    start = 50 - hole // 2
    darkest[start : start + hole, start : start + hole] = inside
    return darkest


def test_a_backdrop_that_shows_through_the_product_is_no_part_of_it():
    found = find_foreground(framed(backdrop=250, inside=253, hole=10))

    assert found.sum() == 40 * 40 - 10 * 10


def test_a_lighter_area_within_the_product_is_burnt_out():
    assert find_foreground(framed(backdrop=240, inside=255, hole=10)).sum() == 40 * 40


def test_a_small_highlight_belongs_to_the_product():
    assert find_foreground(framed(backdrop=255, inside=255, hole=4)).sum() == 40 * 40


def test_without_a_white_border_the_whole_frame_is_the_product():
    assert find_foreground(np.full((50, 50), 200, np.uint8)).all()


@pytest.mark.photos
def test_at_most_two_in_a_hundred_real_photos_are_flagged_by_each_check(grocery_dir):
    files = sorted((grocery_dir / "train").rglob("*.jpg"))[::40]
    found = [flagged(decode(file.read_bytes(), LIMITS).pixels) for file in files]

    for key in QUALITY_CHECKS:
        assert sum(key in each for each in found) <= 0.02 * len(files), key


@pytest.mark.photos
def test_real_product_pictures_on_white_are_sound(grocery_dir):
    files = sorted((grocery_dir / "iconic-images-and-descriptions").rglob("*.jpg"))
    found = [flagged(decode(file.read_bytes(), LIMITS).pixels) for file in files]

    assert sum(bool(each) for each in found) <= 0.02 * len(files)


def test_measuring_a_photo_of_a_megapixel_is_cheap():
    photo = image(cv2.resize(scene(), (1200, 833)))
    times_s = []
    for _ in range(5):
        start = time.thread_time()
        measure(photo)
        times_s.append(time.thread_time() - start)

    assert min(times_s) < 0.05  # 5 ms on a core that is not shared
