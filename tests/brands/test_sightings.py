"""Photos held against references, with real pixels."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace

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
    logo = prepare(LOGO_ID, BRAND_ID, "logo", LOGO.on_white)
    return logo, prepare(PHOTO_ID, BRAND_ID, "photo", print_logo, among=[logo])


def look(references: tuple[Reference, ...], photo: np.ndarray) -> dict[int, Seen]:
    return {each.reference.id: each for each in look_for(references, photo)}


def test_a_copy_of_the_photo_shows_photo_and_logo_unchanged(
    references: tuple[Reference, ...],
) -> None:
    seen = look(references, print_logo()[20:, 10:])
    assert seen.keys() == {PHOTO_ID, LOGO_ID}
    assert not any(each.is_altered for each in seen.values())
    np.testing.assert_allclose(seen[PHOTO_ID].matrix[:2], [[1, 0, -10], [0, 1, -20]], atol=1.5)


def test_a_logo_of_another_brand_is_not_sought_on_the_photo(
    references: tuple[Reference, ...],
) -> None:
    assert prepare(PHOTO_ID, BRAND_ID + 1, "photo", print_logo, among=references).logos == ()


def test_references_hold_no_pixels_and_little_else(references: tuple[Reference, ...]) -> None:
    for reference in references:
        arrays = list(_arrays(reference))
        assert max(array.ndim for array in arrays) == 2
        assert sum(array.nbytes for array in arrays) < 10**6


def _arrays(found: object) -> Iterator[np.ndarray]:
    if isinstance(found, np.ndarray):
        yield found
    elif is_dataclass(found):
        for field in fields(found):
            yield from _arrays(getattr(found, field.name))
    elif isinstance(found, list | tuple):
        for each in found:
            yield from _arrays(each)


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
    references = (prepare(PHOTO_ID, BRAND_ID, "photo", print_logo),)
    photo = print_logo().copy()
    photo[200:300, 300:420] = 255
    assert look(references, photo)[PHOTO_ID].is_altered


@pytest.mark.parametrize("shape", [(1, 640), (700, 3)])
def test_a_reference_that_is_a_mere_line_stops_nobody(shape: tuple[int, int]) -> None:
    line = np.random.default_rng(1).integers(0, 255, (*shape, 3), np.uint8)
    logo = prepare(LOGO_ID, BRAND_ID, "logo", lambda: line)
    strange = (logo, prepare(PHOTO_ID, BRAND_ID, "photo", lambda: line, among=[logo]))
    assert look(strange, print_logo()) == {}
    list(look_for(strange, line))
