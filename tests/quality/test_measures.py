import json
import math
import time
from dataclasses import fields, replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.damages import DAMAGES as BENCHMARK_DAMAGES
from core.imaging import DecodedImage, ImageLimits, decode
from core.quality import QUALITY_CHECKS, ImageMeasures, measure
from core.quality.foreground import find_foreground
from core.sample.catalog import photograph
from core.sample.plan import plan_catalog
from tests.flags.cases import SOUND_MEASURES

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


def on_white(product, margin=123):
    return np.pad(product, ((margin,), (margin,), (0,)), constant_values=255)


def flagged(pixels):
    measures = measure(image(pixels))
    return {key for key, check in QUALITY_CHECKS.items() if check.is_raised(measures)}


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


def smeared(pixels):
    kernel = np.zeros((21, 21), np.float32)
    kernel[10] = 1 / 21
    return cv2.filter2D(pixels, -1, kernel)


def enlarged(pixels, times):
    height, width = pixels.shape[:2]
    reduced = cv2.resize(pixels, (width // times, height // times), interpolation=cv2.INTER_AREA)
    return cv2.resize(reduced, (width, height), interpolation=cv2.INTER_CUBIC)


def compressed(pixels, quality):
    _, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


def noisy(pixels, sigma):
    noise = np.random.default_rng(3).normal(0, sigma, pixels.shape)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


def ended_early(pixels):
    pixels = pixels.copy()
    pixels[250:] = 128
    return pixels


def written_on(pixels):
    pixels = pixels.copy()
    for inside, width in (((0, 0, 0), 9), ((255, 255, 255), 3)):
        font = cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(pixels, "WWW.EXAMPLE.COM", (20, 160), font, 1.2, inside, width)
    return pixels


def tiled(pixels):
    """Two by two pictures, of which one is darker."""
    tile = cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    light = 150 + tile // 4
    return np.vstack((np.hstack((light, tile // 4)), np.hstack((tile // 4, light))))


def checkered(pixels):
    rows, columns = np.indices(pixels.shape[:2]) // 4
    return np.repeat(((rows + columns) % 2 * 120 + 60)[..., None], 3, axis=2).astype(np.uint8)


DAMAGES = {
    "truncated": ended_early,
    "blurry": lambda pixels: blurred(pixels, 0.015),
    "motion_blur": smeared,
    "dark": lambda pixels: dimmed(pixels, 0.2),
    "bright": burnt,
    "low_contrast": lambda pixels: 120 + pixels // 16,
    "colour_cast": lambda pixels: (
        (50 + 0.8 * pixels * (1.0, 0.75, 0.1)).clip((90, 0, 0), 255) * (1, 1, 0.2)
    ),
    "greyscale": lambda pixels: np.repeat(pixels.mean(axis=2, keepdims=True), 3, axis=2),
    "small": lambda pixels: cv2.resize(pixels, (160, 120), interpolation=cv2.INTER_AREA),
    "odd_shape": lambda pixels: np.tile(pixels, (1, 3, 1)),
    "upscaled": lambda pixels: enlarged(pixels, 4),
    "compressed": lambda pixels: compressed(pixels, 5),
    "noise": lambda pixels: noisy(pixels, 15),
    "low_information": lambda pixels: np.full_like(pixels, 90),
    "borders": lambda pixels: np.pad(pixels, ((40, 40), (0, 0), (0, 0))),
    "text_overlay": written_on,
    "screenshot": tiled,
    "cluttered": checkered,
    "cut_off": lambda pixels: np.pad(pixels, ((120, 0), (60, 60), (0, 0)), constant_values=255),
    "small_product": lambda pixels: on_white(pixels[:80, :80], margin=300),
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
    beyond = limit * (0.99 if QUALITY_CHECKS[key].side == "below" else 1.01)
    assert FLAG_KINDS[key].rule(evidence_with_value(key, beyond)) is not None


def test_sharpness_falls_as_blur_grows():
    values = [
        measure(image(blurred(scene(), s))).edge_sharpness for s in (0.002, 0.005, 0.01, 0.02)
    ]

    assert values == sorted(values, reverse=True)
    assert len(set(values)) == len(values)


def test_sharpness_does_not_depend_on_contrast():
    pixels = scene()
    faint = 100 + pixels * 0.3

    assert measure(image(faint)).edge_sharpness == pytest.approx(
        measure(image(pixels)).edge_sharpness, rel=0.1
    )


def test_least_sharpness_falls_with_motion_in_any_direction():
    still = measure(image(scene()))
    turned = [measure(image(smeared(np.rot90(scene(), turn)))) for turn in range(2)]

    for moved in turned:
        assert moved.least_edge_sharpness < 0.5 * still.least_edge_sharpness
        assert moved.edge_sharpness > moved.least_edge_sharpness


@pytest.mark.parametrize("sigma", [3, 6, 12])
def test_noise_is_measured_in_levels(sigma):
    pixels = cv2.resize(np.full((2, 2, 3), 120, np.uint8), (400, 300))
    pixels[:] = np.linspace(90, 150, 400)[None, :, None]

    luma_sigma = sigma * math.hypot(0.299, 0.587, 0.114)
    noise_level = measure(image(noisy(pixels, sigma))).noise_level
    assert noise_level == pytest.approx(luma_sigma, rel=0.35)


def test_a_rough_skin_is_no_noise_where_a_patch_of_it_is_smooth():
    shaded = np.zeros((240, 240, 3), np.uint8) + np.linspace(60, 180, 240, dtype=np.uint8)[:, None]
    rough = noisy(shaded, 20)
    rough[90:130, 90:130] = shaded[90:130, 90:130]

    assert "noise" in flagged(noisy(shaded, 20))
    assert "noise" not in flagged(rough)


def striped(width_px, pitch_px):
    """A row of upright stripes across a grey picture, as high as letters."""
    pixels = np.full((240, 240, 3), 120, np.uint8)
    for left in range(20, 220, pitch_px):
        pixels[100:118, left : left + width_px] = (20, 80, 200)
    return pixels


def test_thin_strokes_in_a_row_are_writing_and_the_edges_of_wide_things_are_not():
    assert "text_overlay" in flagged(striped(2, 8))
    assert measure(image(striped(12, 24))).writing == 0


@pytest.mark.parametrize(
    ("colour", "is_bright"),
    [((255, 90, 20), False), ((255, 255, 20), True), ((255, 255, 255), True)],
)
def test_a_product_is_burnt_out_where_two_colours_are(colour, is_bright):
    pixels = scene()
    pixels[100:200, 100:250] = colour

    assert ("bright" in flagged(pixels)) == is_bright


@pytest.mark.parametrize("side", [0, 3, 5])
def test_blocks_are_seen_wherever_their_grid_begins(side):
    pixels = compressed(scene(), 10)[side:, side:]

    assert measure(image(pixels)).blockiness == pytest.approx(
        measure(image(compressed(scene(), 10))).blockiness, rel=0.1
    )


def test_bars_are_measured_as_the_share_they_take():
    pixels = np.pad(scene(), ((30, 45), (0, 0), (0, 0)))

    assert measure(image(pixels)).share_bars == pytest.approx(75 / 375, abs=0.02)


def test_a_product_of_straight_sides_on_white_has_no_borders():
    pixels = np.pad(scene(), ((30, 30), (300, 300), (0, 0)), constant_values=255)

    assert measure(image(pixels)).share_bars == 0


def test_only_the_size_changes_with_a_larger_copy_of_the_same_photo():
    small = scene(192, 384)
    large = cv2.resize(small, None, fx=4, fy=4, interpolation=cv2.INTER_NEAREST)

    one, other = measure(image(small)), measure(image(large))

    assert (other.width_px, other.height_px) == (4 * one.width_px, 4 * one.height_px)
    assert (
        replace(
            other,
            width_px=one.width_px,
            height_px=one.height_px,
            noise_level=one.noise_level,
            blockiness=one.blockiness,
        )
        == one
    )


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.integers(1, 900), st.integers(0, 255))
def test_any_shape_and_shade_can_be_measured(height, width, shade):
    measures = measure(image(np.full((height, width, 3), shade)))

    assert 0 < measures.aspect <= 1
    assert 0 <= measures.entropy_bits <= 8
    shares = ("brightness", "contrast", "least_chroma", "most_chroma", "seams")
    shares += tuple(key for key in measures.as_record() if "share" in key)
    for share in shares:
        assert 0 <= getattr(measures, share) <= 1, share
    assert measures.as_record().keys() == {field.name for field in fields(measures)}


def framed(*, backdrop, inside, hole):
    """A dark square of 40 by 40 on a plain backdrop, with a hole of its own level."""
    grey = np.full((100, 100), backdrop, np.uint8)
    grey[30:70, 30:70] = 50
    start = 50 - hole // 2
    grey[start : start + hole, start : start + hole] = inside
    return np.repeat(grey[..., None], 3, axis=2)


def close_to(pixels):
    """The outline may be found a pixel outside."""
    return pytest.approx(pixels, rel=0.15)


def test_a_backdrop_that_shows_through_the_product_is_no_part_of_it():
    found = find_foreground(framed(backdrop=250, inside=253, hole=10))

    assert found.sum() == close_to(40 * 40 - 10 * 10)
    assert not found[48:52, 48:52].any()


def test_a_lighter_area_within_the_product_is_burnt_out():
    found = find_foreground(framed(backdrop=240, inside=255, hole=10))

    assert found.sum() == close_to(40 * 40)
    assert found[45:55, 45:55].all()


def test_a_small_highlight_belongs_to_the_product():
    assert find_foreground(framed(backdrop=255, inside=255, hole=4))[31:69, 31:69].all()


def test_a_flat_backdrop_of_any_colour_is_no_part_of_the_product():
    pixels = framed(backdrop=160, inside=50, hole=4)
    pixels[..., 0] //= 2

    assert find_foreground(pixels).sum() == close_to(40 * 40)


def test_without_a_plain_border_the_whole_frame_is_the_product():
    assert find_foreground(scene()).all()


def test_a_frame_of_one_colour_is_judged_whole():
    assert find_foreground(np.full((50, 50, 3), 200, np.uint8)).all()


def test_noise_does_not_tear_the_backdrop():
    found = find_foreground(noisy(framed(backdrop=252, inside=50, hole=4), 10))

    assert found.sum() == close_to(40 * 40)


def test_measures_survive_the_database():
    taken = measure(image(scene()))

    assert ImageMeasures.from_record(json.loads(json.dumps(taken.as_record()))) == taken


def test_what_an_older_version_measured_raises_no_new_check():
    record = SOUND_MEASURES.as_record()
    old = {key: record[key] for key in list(record)[:7]} | {"dropped_since": 1.0}
    measures = ImageMeasures.from_record(old)

    assert math.isnan(measures.noise_level)
    assert not any(check.is_raised(measures) for check in QUALITY_CHECKS.values())
    assert measures.as_record().keys() == old.keys() - {"dropped_since"}


def test_what_was_measured_in_another_way_raises_nothing():
    kept = SOUND_MEASURES.as_record().items()
    since = ("edge_sharpness", "least_edge_sharpness", "share_clipped", "writing")
    old = {key: value for key, value in kept if key not in since}
    old |= {"sharpness": 0.01, "least_sharpness": 0.01, "share_blown": 0.9, "words": 0.9}

    measures = ImageMeasures.from_record(old)
    assert not any(check.is_raised(measures) for check in QUALITY_CHECKS.values())


@pytest.fixture(scope="module")
def drawn():
    """Twenty-four sound pictures of the drawn sample."""
    shots = [shot for shot in plan_catalog(5, 4) if not shot.fault][:24]
    return [decode(photograph(shot), LIMITS).pixels for shot in shots]


@pytest.mark.parametrize("key", [key for key in BENCHMARK_DAMAGES if key != "text"])
def test_strong_damage_to_the_drawn_sample_is_found(drawn, key):
    damage = BENCHMARK_DAMAGES[key]
    spoilt = [
        decode(damage.make_file(pixels, damage.strengths[-1], seed), LIMITS).pixels
        for seed, pixels in enumerate(drawn)
    ]

    found = [bool(flagged(pixels) & set(damage.checks)) for pixels in spoilt]
    # A black mug is not burnt out by three stops more of light.
    assert sum(found) >= (0.6 if key == "overexposure" else 0.9) * len(found)


def test_the_drawn_sample_is_sound(drawn):
    found = [flagged(pixels) for pixels in drawn]

    assert sum(bool(each) for each in found) <= 0.1 * len(found), found


def test_every_damage_of_the_benchmark_has_its_checks():
    for damage in BENCHMARK_DAMAGES.values():
        assert set(damage.checks) <= set(QUALITY_CHECKS)
        assert len(set(damage.strengths)) == 3


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
