"""Photos held against references, with real pixels."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.drawn_logos import LOGOS, TREATMENTS, Logo, paste
from core.brands import Reference, Seen, look_for, prepare
from tests.similarity.conftest import draw_photo

LOGO = next(logo for logo in LOGOS if logo.word == "VOLTEK")
LOGO_ID, PHOTO_ID = 1, 2
BRAND_ID = 5


def print_logo(logo: Logo = LOGO) -> np.ndarray:
    return paste(draw_photo(1), logo, TREATMENTS["pasted"], np.random.default_rng(3)).pixels


@pytest.fixture(scope="module")
def references() -> tuple[Reference, ...]:
    return prepare(
        [(PHOTO_ID, BRAND_ID, "photo", print_logo()), (LOGO_ID, BRAND_ID, "logo", LOGO.on_white())]
    )


def look(references: tuple[Reference, ...], photo: np.ndarray) -> dict[int, Seen]:
    return {each.reference.id: each for each in look_for(references, photo)}


def test_a_copy_of_the_photo_shows_photo_and_logo_unchanged(
    references: tuple[Reference, ...],
) -> None:
    seen = look(references, print_logo()[20:, 10:])
    assert seen.keys() == {PHOTO_ID, LOGO_ID}
    assert not any(each.is_altered for each in seen.values())
    np.testing.assert_allclose(seen[PHOTO_ID].matrix[:2], [[1, 0, -10], [0, 1, -20]], atol=1.5)


def test_another_photo_shows_nothing(references: tuple[Reference, ...]) -> None:
    assert look(references, draw_photo(2)) == {}


def test_a_photo_whose_logo_region_is_another_is_told_with_the_region(
    references: tuple[Reference, ...],
) -> None:
    seen = look(references, print_logo(replace(LOGO, word="VALTEK")))
    assert seen[PHOTO_ID].is_altered
    changed = seen[PHOTO_ID].changed
    assert changed is not None
    (logo,) = next(each.logos for each in references if each.id == PHOTO_ID)
    assert changed.meets(logo)
    assert changed.share < 0.1


def test_what_is_over_another_part_of_the_photo_is_no_changed_logo(
    references: tuple[Reference, ...],
) -> None:
    (logo,) = next(each.logos for each in references if each.id == PHOTO_ID)
    photo = print_logo().copy()
    height, width = photo.shape[:2]
    left = 0.05 if logo.left > 0.3 else 0.75
    top = 0.05 if logo.top > 0.3 else 0.75
    rows = slice(round(top * height), round((top + 0.15) * height))
    photo[rows, round(left * width) : round((left + 0.2) * width)] = (250, 220, 0)
    seen = look(references, photo)
    assert PHOTO_ID in seen
    assert not seen[PHOTO_ID].is_altered


def test_without_logos_any_one_region_counts() -> None:
    references = prepare([(PHOTO_ID, BRAND_ID, "photo", print_logo())])
    photo = print_logo().copy()
    photo[200:300, 300:420] = 255
    assert look(references, photo)[PHOTO_ID].is_altered


@pytest.mark.parametrize("shape", [(1, 640), (700, 3)])
def test_a_reference_that_is_a_mere_line_stops_nobody(shape: tuple[int, int]) -> None:
    line = np.random.default_rng(1).integers(0, 255, (*shape, 3), np.uint8)
    strange = prepare([(PHOTO_ID, BRAND_ID, "photo", line), (LOGO_ID, BRAND_ID, "logo", line)])
    assert look(strange, print_logo()) == {}
    list(look_for(strange, line))
